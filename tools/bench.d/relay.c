// The reference of the relay bench: the least a two-way RTP relay in C can do with epoll, one thread, no allocation.
// It does what the engine does for a packet: checks the source and the header, gives the packet the numbers of its own
// stream, sends it on, and, with a folder, puts it as a capture record into a buffer that a second thread writes out.
// Usage: relay CALLS FIRST_PORT FIRST_PEER_PORT [FOLDER]. It answers "start" and "stop" on its standard input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { packet_capacity = 2048, buffer_capacity = 64 * 1024, record_head = 16 + 14 + 20 + 8 };

struct leg {
  int fd;
  struct sockaddr_in peer;
  int recording;  // the call's number, or -1
  uint32_t source, ssrc, timestamp_offset;
  uint16_t sequence_offset, highest;
  int begun;
  uint64_t received, sent;
  int64_t heard_ns;
};

struct recording {
  int fd;
  uint32_t shown_address;
  uint16_t shown_port;
  size_t used;
  uint8_t *filling, *writing;
  size_t to_write;
};

static struct leg *legs;
static struct recording *recordings;
static int calls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handed_over = PTHREAD_COND_INITIALIZER;
static int has_work;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint32_t sum(const uint8_t *bytes, size_t count, uint32_t total) {
  size_t i = 0;
  for (; i + 1 < count; i += 2) {
    uint16_t word;
    memcpy(&word, bytes + i, 2);
    total += word;
  }
  if (i < count) total += bytes[i];
  return total;
}

static uint16_t fold(uint32_t total) {
  while (total >> 16) total = (total & 0xFFFF) + (total >> 16);
  return (uint16_t)~total;
}

static void put16(uint8_t *at, uint16_t value) {
  value = htons(value);
  memcpy(at, &value, 2);
}

// One capture record: head, Ethernet, IPv4, UDP with checksums, payload. Addresses and ports in network order.
static void record(struct recording *r, struct timespec now, uint32_t from, uint16_t from_port, uint32_t to,
                   uint16_t to_port, const uint8_t *payload, size_t length) {
  if (r->used + record_head + length > buffer_capacity) return;
  uint8_t *at = r->filling + r->used;
  uint32_t captured = (uint32_t)(record_head - 16 + length);
  uint32_t head[4] = {(uint32_t)now.tv_sec, (uint32_t)(now.tv_nsec / 1000), captured, captured};
  memcpy(at, head, 16);
  uint8_t *ethernet = at + 16, *ip = at + 30, *udp = at + 50;
  memset(ethernet, 2, 12);
  put16(ethernet + 12, 0x0800);
  memset(ip, 0, 20);
  ip[0] = 0x45;
  put16(ip + 2, (uint16_t)(28 + length));
  ip[6] = 0x40;
  ip[8] = 64;
  ip[9] = 17;
  memcpy(ip + 12, &from, 4);
  memcpy(ip + 16, &to, 4);
  uint16_t check = fold(sum(ip, 20, 0));
  memcpy(ip + 10, &check, 2);
  memcpy(udp, &from_port, 2);
  memcpy(udp + 2, &to_port, 2);
  put16(udp + 4, (uint16_t)(8 + length));
  udp[6] = udp[7] = 0;
  memcpy(udp + 8, payload, length);
  check = fold(sum(ip + 12, 16 + length, (uint32_t)htons(17) + htons((uint16_t)(8 + length))));
  if (check == 0) check = 0xFFFF;
  memcpy(udp + 6, &check, 2);
  r->used += record_head + length;
}

static void *writer(void *unused) {
  (void)unused;
  for (;;) {
    pthread_mutex_lock(&lock);
    while (!has_work) pthread_cond_wait(&handed_over, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < calls; i++) {
      if (recordings[i].to_write > 0 && write(recordings[i].fd, recordings[i].writing, recordings[i].to_write) < 0)
        die("write");
    }
    pthread_mutex_lock(&lock);
    has_work = 0;
    pthread_mutex_unlock(&lock);
  }
}

// Every 500 ms the filled buffers go to the writer, if it has written the ones before.
static void hand_over(void) {
  pthread_mutex_lock(&lock);
  if (!has_work) {
    for (int i = 0; i < calls; i++) {
      struct recording *r = &recordings[i];
      uint8_t *filled = r->filling;
      r->filling = r->writing;
      r->writing = filled;
      r->to_write = r->used;
      r->used = 0;
    }
    has_work = 1;
    pthread_cond_signal(&handed_over);
  }
  pthread_mutex_unlock(&lock);
}

static void pass_on(int index, uint8_t *packet, size_t length, const struct sockaddr_in *from,
                    const struct timespec *monotonic, struct timespec wall) {
  struct leg *leg = &legs[index], *peer = &legs[index ^ 1];
  if (from->sin_addr.s_addr != leg->peer.sin_addr.s_addr || from->sin_port != leg->peer.sin_port) return;
  if (length < 12 || packet[0] != 0x80 || ((packet[1] & 0x7F) != 8 && (packet[1] & 0x7F) != 0)) return;
  uint16_t sequence;
  uint32_t timestamp, source;
  memcpy(&sequence, packet + 2, 2);
  memcpy(&timestamp, packet + 4, 4);
  memcpy(&source, packet + 8, 4);
  sequence = ntohs(sequence);
  timestamp = ntohl(timestamp);
  leg->received++;
  leg->heard_ns = (int64_t)monotonic->tv_sec * 1000000000 + monotonic->tv_nsec;
  if (leg->recording >= 0) {
    struct recording *r = &recordings[leg->recording];
    record(r, wall, from->sin_addr.s_addr, from->sin_port, r->shown_address, r->shown_port, packet, length);
  }
  if (!peer->begun || peer->source != source) {
    peer->begun = 1;
    peer->source = source;
    peer->sequence_offset = (uint16_t)(peer->highest + 1 - sequence);
    peer->timestamp_offset = peer->ssrc - timestamp;
  }
  sequence += peer->sequence_offset;
  if ((int16_t)(sequence - peer->highest) > 0) peer->highest = sequence;
  sequence = htons(sequence);
  timestamp = htonl(timestamp + peer->timestamp_offset);
  memcpy(packet + 2, &sequence, 2);
  memcpy(packet + 4, &timestamp, 4);
  memcpy(packet + 8, &peer->ssrc, 4);
  if (sendto(peer->fd, packet, length, 0, (struct sockaddr *)&peer->peer, sizeof peer->peer) < 0) return;
  peer->sent++;
  if (peer->recording >= 0) {
    struct recording *r = &recordings[peer->recording];
    record(r, wall, r->shown_address, r->shown_port, peer->peer.sin_addr.s_addr, peer->peer.sin_port, packet, length);
  }
}

static long cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

int main(int count, char **arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: relay CALLS FIRST_PORT FIRST_PEER_PORT [FOLDER]\n");
    return 64;
  }
  calls = atoi(arguments[1]);
  int port = atoi(arguments[2]), peer_port = atoi(arguments[3]);
  const char *folder = count > 4 ? arguments[4] : NULL;
  legs = calloc((size_t)calls * 2, sizeof *legs);
  recordings = calloc((size_t)calls, sizeof *recordings);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < calls * 2; i++) {
    struct leg *leg = &legs[i];
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(port + i * 2))};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    leg->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int buffer = 32 * 1024, service = 46 << 2;
    setsockopt(leg->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(leg->fd, IPPROTO_IP, IP_TOS, &service, sizeof service);
    if (leg->fd < 0 || bind(leg->fd, (struct sockaddr *)&place, sizeof place) < 0) die("bind");
    leg->peer = place;
    leg->peer.sin_port = htons((uint16_t)(peer_port + i));
    leg->ssrc = 0x1000u + (uint32_t)i;
    leg->recording = folder && i % 2 == 0 ? i / 2 : -1;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, leg->fd, &event) < 0) die("epoll_ctl");
    if (leg->recording >= 0) {
      struct recording *r = &recordings[i / 2];
      char path[512];
      snprintf(path, sizeof path, "%s/%d.pcap", folder, i / 2);
      r->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (r->fd < 0) die(path);
      r->shown_address = place.sin_addr.s_addr;
      r->shown_port = place.sin_port;
      r->filling = malloc(buffer_capacity);
      r->writing = malloc(buffer_capacity);
      static const uint32_t head[6] = {0xA1B2C3D4, 0x00040002, 0, 0, 262144, 1};
      if (write(r->fd, head, sizeof head) != (ssize_t)sizeof head) die("write");
    }
  }
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct itimerspec period = {{0, 20000000}, {0, 20000000}};
  timerfd_settime(timer, 0, &period, NULL);
  struct epoll_event own = {.events = EPOLLIN, .data.u64 = 1u << 30};
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &own);
  own.data.u64 = (1u << 30) + 1;
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &own);
  if (folder) {
    pthread_t thread;
    pthread_create(&thread, NULL, writer, NULL);
  }
  // As the engine does; whether it is granted decides how many packets one epoll_wait finds.
  struct sched_param priority = {.sched_priority = 10};
  pthread_setschedparam(pthread_self(), SCHED_RR, &priority);
  printf("ready\n");
  fflush(stdout);

  static uint8_t packet[packet_capacity];
  struct epoll_event events[64];
  long start = cpu();
  int ticks = 0;
  for (;;) {
    int ready = epoll_wait(epoll, events, 64, -1);
    struct timespec monotonic, wall;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    for (int i = 0; i < ready; i++) {
      uint64_t what = events[i].data.u64;
      if (what == 1u << 30) {
        uint64_t expired;
        if (read(timer, &expired, sizeof expired) > 0) ticks += (int)expired;
        if (folder && ticks >= 25) {
          ticks = 0;
          hand_over();
        }
      } else if (what > 1u << 30) {
        char line[64];
        ssize_t length = read(0, line, sizeof line);
        if (length > 2 && memcmp(line, "sta", 3) == 0) {
          start = cpu();
        } else {
          printf("cpu %ld allocations 0\n", cpu() - start);
          return 0;
        }
      } else {
        struct sockaddr_in from;
        socklen_t from_length = sizeof from;
        ssize_t length = recvfrom(legs[what].fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &from_length);
        if (length > 0) pass_on((int)what, packet, (size_t)length, &from, &monotonic, wall);
      }
    }
  }
}
