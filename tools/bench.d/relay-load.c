// The load of the relay bench: starts a relay, sends G.711 packets of 20 ms from both sides of each call through it, and
// prints what the relay used for a packet after the first second. Loopback only; ends after the given seconds.
// With -l it prints the delay from sending a packet to its arrival at the other side too (p50, p99 and the longest, in us):
// each packet carries when it was sent, and the kernel tells when it arrived, so it does not matter when we read it.
// Usage: relay-load [-l] CALLS SECONDS FIRST_PEER_PORT FIRST_PORT -- RELAY ARGUMENTS...
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

static long long clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

// Delays of the packets sent since `measures_from`, in ns; NULL: they are not asked for.
static int64_t *delays;
static long delay_count, delay_capacity;
static int64_t measures_from = INT64_MAX;

static void take_delay(struct msghdr *message, const uint8_t *packet) {
  int64_t sent;
  memcpy(&sent, packet + 12, sizeof sent);
  if (sent < measures_from || delay_count == delay_capacity) return;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec arrived;
    memcpy(&arrived, CMSG_DATA(part), sizeof arrived);
    delays[delay_count++] = arrived.tv_sec * 1000000000LL + arrived.tv_nsec - sent;
  }
}

static int order(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static long drain(int fd) {
  static uint8_t bytes[batch][256];
  static struct iovec pieces[batch];
  static struct mmsghdr messages[batch];
  static union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
  } controls[batch];
  for (int i = 0; i < batch; i++) {
    pieces[i] = (struct iovec){bytes[i], sizeof bytes[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    if (delays) {
      messages[i].msg_hdr.msg_control = &controls[i];
      messages[i].msg_hdr.msg_controllen = sizeof controls[i];
    }
  }
  int count = recvmmsg(fd, messages, batch, MSG_DONTWAIT, NULL);
  for (int i = 0; delays && i < count; i++) take_delay(&messages[i].msg_hdr, bytes[i]);
  return count > 0 ? count : 0;
}

int main(int count, char **arguments) {
  int measures_delay = count > 1 && strcmp(arguments[1], "-l") == 0;
  if (measures_delay) {
    count--;
    arguments++;
  }
  if (count < 7 || strcmp(arguments[5], "--") != 0) {
    fprintf(stderr, "usage: relay-load [-l] CALLS SECONDS FIRST_PEER_PORT FIRST_PORT -- RELAY ARGUMENTS...\n");
    return 64;
  }
  int legs = atoi(arguments[1]) * 2, seconds = atoi(arguments[2]);
  int peer_port = atoi(arguments[3]), port = atoi(arguments[4]);
  struct rlimit files = {8192, 8192};
  setrlimit(RLIMIT_NOFILE, &files);
  if (measures_delay) {
    delay_capacity = (long)legs * 50 * (seconds + 1);
    delays = calloc((size_t)delay_capacity, sizeof *delays);
  }
  int *fds = calloc((size_t)legs, sizeof *fds);
  for (int i = 0; i < legs; i++) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(peer_port + i))};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&place, sizeof place) < 0) die("bind");
    int yes = 1;
    if (measures_delay && setsockopt(fds[i], SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) < 0) die("timestamps");
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
      measures_from = clock_ns(CLOCK_REALTIME);
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
        if (delays) {
          int64_t now = clock_ns(CLOCK_REALTIME);
          memcpy(packet + 12, &now, sizeof now);
        }
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
  printf("packets %lld cpu_ns_per_packet %lld allocations %lld", measured, cpu * 1000 / measured, allocations);
  if (delay_count > 0) {
    qsort(delays, (size_t)delay_count, sizeof *delays, order);
    printf(" delay_p50 %ld delay_p99 %ld delay_max %ld", (long)delays[delay_count / 2] / 1000,
           (long)delays[delay_count * 99 / 100] / 1000, (long)delays[delay_count - 1] / 1000);
  }
  printf("\n");
  return status == 0 ? 0 : 1;
}
