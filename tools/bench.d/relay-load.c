// The load of the relay bench: starts a relay, sends G.711 packets of 20 ms from both sides of each call through it, and
// prints what the relay used for a packet after the first second. Loopback only; ends after the given seconds.
// Usage: relay-load CALLS SECONDS FIRST_PEER_PORT FIRST_PORT -- RELAY ARGUMENTS...
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { steps = 20, batch = 16 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long drain(int fd) {
  static uint8_t bytes[batch][256];
  static struct iovec pieces[batch];
  static struct mmsghdr messages[batch];
  for (int i = 0; i < batch; i++) {
    pieces[i] = (struct iovec){bytes[i], sizeof bytes[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  int count = recvmmsg(fd, messages, batch, MSG_DONTWAIT, NULL);
  return count > 0 ? count : 0;
}

int main(int count, char **arguments) {
  if (count < 7 || strcmp(arguments[5], "--") != 0) {
    fprintf(stderr, "usage: relay-load CALLS SECONDS FIRST_PEER_PORT FIRST_PORT -- RELAY ARGUMENTS...\n");
    return 64;
  }
  int legs = atoi(arguments[1]) * 2, seconds = atoi(arguments[2]);
  int peer_port = atoi(arguments[3]), port = atoi(arguments[4]);
  struct rlimit files = {8192, 8192};
  setrlimit(RLIMIT_NOFILE, &files);
  int *fds = calloc((size_t)legs, sizeof *fds);
  for (int i = 0; i < legs; i++) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(peer_port + i))};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&place, sizeof place) < 0) die("bind");
    place.sin_port = htons((uint16_t)(port + i * 2));
    if (connect(fds[i], (struct sockaddr *)&place, sizeof place) < 0) die("connect");
  }
  int to[2], from[2];
  if (pipe(to) < 0 || pipe(from) < 0) die("pipe");
  pid_t child = fork();
  if (child == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    for (int i = 0; i < 2; i++) {
      close(to[i]);
      close(from[i]);
    }
    execvp(arguments[6], arguments + 6);
    die(arguments[6]);
  }
  close(to[0]);
  close(from[1]);
  signal(SIGPIPE, SIG_IGN);
  FILE *answers = fdopen(from[0], "r");
  char line[128];
  if (!fgets(line, sizeof line, answers) || strcmp(line, "ready\n") != 0) {
    fprintf(stderr, "relay-load: the relay did not get ready\n");
    return 1;
  }

  uint8_t packet[172] = {0x80, 8};
  for (int i = 12; i < 172; i++) packet[i] = (uint8_t)(i * 7);
  // One second to warm up and latch, then the measure. Each millisecond a twentieth of the legs speaks.
  long long begin = now_ns(), sent = 0, received = 0, measured = 0;
  int total = (seconds + 1) * 50;
  for (int frame = 0; frame < total; frame++) {
    if (frame == 50) {
      measured = sent;
      if (write(to[1], "start\n", 6) != 6) die("start");
    }
    uint16_t sequence = htons((uint16_t)frame);
    uint32_t timestamp = htonl((uint32_t)frame * 160);
    memcpy(packet + 2, &sequence, 2);
    memcpy(packet + 4, &timestamp, 4);
    for (int step = 0; step < steps; step++) {
      long long due = begin + (frame * steps + step) * 1000000LL;
      long long wait = due - now_ns();
      if (wait > 0) {
        struct timespec pause = {0, (long)wait};
        nanosleep(&pause, NULL);
      }
      for (int i = step; i < legs; i += steps) {
        packet[8] = (uint8_t)(i >> 8);
        packet[9] = (uint8_t)i;
        if (send(fds[i], packet, sizeof packet, 0) == (ssize_t)sizeof packet) sent++;
        if (frame % 5 == i / steps % 5) received += drain(fds[i]);
      }
    }
  }
  if (write(to[1], "stop\n", 5) != 5) die("stop");
  measured = sent - measured;
  long long cpu = 0, allocations = 0;
  if (!fgets(line, sizeof line, answers) || sscanf(line, "cpu %lld allocations %lld", &cpu, &allocations) != 2) {
    fprintf(stderr, "relay-load: the relay gave no figures\n");
    return 1;
  }
  close(to[1]);
  int status = 0;
  waitpid(child, &status, 0);
  for (int i = 0; i < legs; i++) received += drain(fds[i]);
  if (received * 100 < sent * 99) fprintf(stderr, "relay-load: of %lld packets only %lld came through\n", sent, received);
  printf("packets %lld cpu_ns_per_packet %lld allocations %lld\n", measured, cpu * 1000 / measured, allocations);
  return status == 0 ? 0 : 1;
}
