// Strangers who flood a SIP port:  flood HOST PORT SECONDS PACKETS_A_SECOND SOURCES
// Datagrams of five kinds from many addresses of 127.0.0.0/8, and TCP connections that say nothing or half of something.
// Prints how many of each were sent, one kind a line.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { batch = 32, longest = 1500, connections = 400 };

static const char *const names[] = {"garbage", "REGISTER", "INVITE", "OPTIONS", "half"};
enum { kinds = sizeof names / sizeof *names };

static uint64_t state = 0x9E3779B97F4A7C15;

static uint32_t chance(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32) % below;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// 127.1.0.0 and above: the phones and trunks of the site live below.
static uint32_t stranger(uint32_t index) {
  return 127u << 24 | (1 + index % 250) << 16 | (index / 250 % 256) << 8 | (1 + index % 254);
}

static size_t text(char *out, int kind, uint32_t source, uint16_t port, const char *host, int target) {
  const char *method = kind == 4 ? names[1 + chance(2)] : names[kind];
  struct in_addr address = {htonl(source)};
  char own[INET_ADDRSTRLEN], proof[512] = "";
  inet_ntop(AF_INET, &address, own, sizeof own);
  uint32_t user = kind == 1 ? 700 + chance(100) : chance(1000000), unique = chance(UINT32_MAX);
  if (kind == 1 && chance(4) != 0) {
    snprintf(proof, sizeof proof,
             "Authorization: Digest username=\"%u\", realm=\"pikett\", nonce=\"%064x\", uri=\"sip:%s\", "
             "response=\"%032x\", algorithm=MD5, cnonce=\"%x\", qop=auth, nc=00000001\r\n",
             user, unique, host, chance(UINT32_MAX), unique);
  }
  int length = snprintf(
      out, longest,
      "%s sip:%u@%s:%d SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;rport;branch=z9hG4bK%08x%08x\r\nMax-Forwards: 70\r\n"
      "From: <sip:%u@%s>;tag=%08x\r\nTo: <sip:%u@%s>\r\nCall-ID: %08x%08x@%s\r\nCSeq: 1 %s\r\n"
      "Contact: <sip:%u@%s:%u>\r\nUser-Agent: friendly-scanner\r\n%sContent-Length: 0\r\n\r\n",
      method, user, host, target, own, port, unique, chance(UINT32_MAX), user, own, unique, user, host, unique,
      chance(UINT32_MAX), own, method, user, own, port, proof);
  return kind == 4 ? chance((uint32_t)length) : (size_t)length;
}

static size_t garbage(char *out) {
  size_t length = 1 + chance(longest - 1);
  for (size_t i = 0; i < length; i++) out[i] = (char)chance(256);
  if (chance(4) == 0) memcpy(out, "INVITE sip:", length < 11 ? length : 11);
  return length;
}

static int connection(uint32_t source, const struct sockaddr_in *target, const char *host) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
  if (fd < 0) return -1;
  if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0
      || (connect(fd, (const struct sockaddr *)target, sizeof *target) < 0 && errno != EINPROGRESS)) {
    close(fd);
    return -1;
  }
  // Over loopback it stands at once. One of two says half of something.
  if (chance(2) == 0) {
    char bytes[longest];
    send(fd, bytes, text(bytes, 4, source, 5060, host, ntohs(target->sin_port)), MSG_NOSIGNAL);
  }
  return fd;
}

int main(int count, char **arguments) {
  if (count != 6) {
    fprintf(stderr, "usage: flood HOST PORT SECONDS PACKETS_A_SECOND SOURCES\n");
    return 64;
  }
  const char *host = arguments[1];
  int port = atoi(arguments[2]), sources = atoi(arguments[5]);
  int64_t seconds = atoll(arguments[3]), rate = atoll(arguments[4]);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &target.sin_addr);

  int *fds = calloc((size_t)sources, sizeof *fds);
  uint16_t *ports = calloc((size_t)sources, sizeof *ports);
  for (int i = 0; i < sources; i++) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(stranger((uint32_t)i))};
    socklen_t length = sizeof own;
    int least = 1;
    fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    // The answers are not read; they must not fill the kernel's memory.
    setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&own, sizeof own) < 0
        || connect(fds[i], (struct sockaddr *)&target, sizeof target) < 0) {
      perror("flood: socket");
      return 1;
    }
    getsockname(fds[i], (struct sockaddr *)&own, &length);
    ports[i] = ntohs(own.sin_port);
  }
  int tcp[connections];
  memset(tcp, -1, sizeof tcp);

  static char bytes[batch][longest];
  struct iovec pieces[batch];
  struct mmsghdr messages[batch];
  int kind_of[batch];
  uint64_t sent[kinds] = {0}, opened = 0, total = 0;
  int64_t begin = now_ns(), end = begin + seconds * 1000000000LL, next_connection = begin;
  while (now_ns() < end) {
    int64_t due = begin + (int64_t)(total * 1000000000.0 / (double)rate), wait = due - now_ns();
    if (wait > 0) {
      struct timespec pause = {wait / 1000000000, wait % 1000000000};
      nanosleep(&pause, NULL);
    }
    // A few sources are busy, many are heard of once in a while.
    int source = (int)(chance(2) ? chance((uint32_t)sources) : chance(sources < 16 ? (uint32_t)sources : 16));
    for (int i = 0; i < batch; i++) {
      uint32_t draw = chance(100);
      int kind = kind_of[i] = draw < 20 ? 0 : draw < 45 ? 1 : draw < 70 ? 2 : draw < 85 ? 3 : 4;
      size_t length =
          kind == 0 ? garbage(bytes[i]) : text(bytes[i], kind, stranger((uint32_t)source), ports[source], host, port);
      pieces[i] = (struct iovec){bytes[i], length};
      messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
    }
    int done = sendmmsg(fds[source], messages, batch, 0);
    for (int i = 0; i < done; i++) sent[kind_of[i]]++;
    total += batch;
    if (now_ns() >= next_connection) {
      next_connection += 10000000;
      int place = (int)chance(connections);
      if (tcp[place] >= 0) close(tcp[place]);
      tcp[place] = connection(stranger(chance((uint32_t)sources)), &target, host);
      opened += tcp[place] >= 0;
    }
  }
  for (int i = 0; i < kinds; i++) printf("%s %llu\n", names[i], (unsigned long long)sent[i]);
  printf("connections %llu\n", (unsigned long long)opened);
  return 0;
}
