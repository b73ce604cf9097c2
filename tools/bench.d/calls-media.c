// The media of the calls bench: sends G.711 packets of 20 ms on each socket it is told of, and reads what comes.
// Usage: calls-media. On its standard input: "add ADDRESS PORT TARGET_PORT" (the target is at 127.0.0.1),
// "remove ADDRESS PORT", "count"; to this it answers with the packets sent and received so far. It ends with its input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { steps = 20, most = 4096 };

static struct leg {
  int fd;
  in_addr_t address;
  uint16_t port, frame;
  uint32_t ssrc;
} legs[most];
static int count;
static long sent, received;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void add(in_addr_t address, int port, int target) {
  if (count == most) return;
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = address};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&place, sizeof place) < 0) die("bind");
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  place.sin_port = htons((uint16_t)target);
  if (connect(fd, (struct sockaddr *)&place, sizeof place) < 0) die("connect");
  static uint32_t ssrc = 0x10000;
  legs[count++] = (struct leg){fd, address, (uint16_t)port, 0, ssrc++};
}

static void drop(in_addr_t address, int port) {
  for (int i = 0; i < count; i++) {
    if (legs[i].address != address || legs[i].port != port) continue;
    close(legs[i].fd);
    legs[i] = legs[--count];
    return;
  }
}

static void obey(char *line) {
  char address[64];
  int port, target;
  if (sscanf(line, "add %63s %d %d", address, &port, &target) == 3) add(inet_addr(address), port, target);
  if (sscanf(line, "remove %63s %d", address, &port) == 2) drop(inet_addr(address), port);
  if (strncmp(line, "count", 5) == 0) {
    printf("%ld %ld\n", sent, received);
    fflush(stdout);
  }
}

// -> 0 at the end of the input
static int read_orders(void) {
  static char text[65536];
  static size_t used;
  struct pollfd input = {0, POLLIN, 0};
  while (poll(&input, 1, 0) > 0) {
    ssize_t length = read(0, text + used, sizeof text - 1 - used);
    if (length <= 0) return 0;
    used += (size_t)length;
    text[used] = 0;
    char *line = text, *end;
    while ((end = strchr(line, '\n')) != NULL) {
      *end = 0;
      obey(line);
      line = end + 1;
    }
    used = strlen(line);
    memmove(text, line, used + 1);
  }
  return 1;
}

int main(void) {
  uint8_t packet[172] = {0x80, 8}, heard[2048];
  for (int i = 12; i < 172; i++) packet[i] = (uint8_t)(i * 7);
  int64_t due = now_ns();
  // Each millisecond a twentieth of the legs speaks.
  for (int step = 0;; step = (step + 1) % steps) {
    due += 1000000;
    int64_t wait = due - now_ns();
    if (wait > 0) nanosleep(&(struct timespec){0, (long)wait}, NULL);
    if (!read_orders()) return 0;
    for (int i = step; i < count; i += steps) {
      struct leg *leg = &legs[i];
      uint16_t sequence = htons(leg->frame);
      uint32_t timestamp = htonl((uint32_t)leg->frame * 160), ssrc = htonl(leg->ssrc);
      leg->frame++;
      memcpy(packet + 2, &sequence, 2);
      memcpy(packet + 4, &timestamp, 4);
      memcpy(packet + 8, &ssrc, 4);
      if (send(leg->fd, packet, sizeof packet, 0) > 0) sent++;
      while (recv(leg->fd, heard, sizeof heard, 0) > 0) received++;
    }
  }
}
