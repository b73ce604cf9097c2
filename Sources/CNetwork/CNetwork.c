// struct in_pktinfo and in6_pktinfo. Set here only: it changes structs that Swift has read without it.
#define _GNU_SOURCE
#include "CNetwork.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

/// Fills in one record; 0 if it is not of this type or damaged.
static int read_record(ns_msg *message, const ns_rr *entry, int type, struct network_record *record) {
  const u_char *data = ns_rr_rdata(*entry);
  size_t length = ns_rr_rdlen(*entry);
  if (ns_rr_class(*entry) != ns_c_in || (int)ns_rr_type(*entry) != type) return 0;
  memset(record, 0, sizeof *record);
  record->type = (uint16_t)type;
  record->ttl = ns_rr_ttl(*entry);
  if (type == ns_t_a || type == ns_t_aaaa) {
    if (length != (type == ns_t_a ? 4 : 16)) return 0;
    memcpy(record->address, data, length);
    return 1;
  }
  char target[NS_MAXDNAME];
  if (length < 7) return 0;
  record->priority = (uint16_t)ns_get16(data);
  record->weight = (uint16_t)ns_get16(data + 2);
  record->port = (uint16_t)ns_get16(data + 4);
  if (dn_expand(ns_msg_base(*message), ns_msg_end(*message), data + 6, target, sizeof target) < 0) return 0;
  if (strlen(target) >= sizeof record->target) return 0;
  if (strcmp(target, ".") != 0) strcpy(record->target, target);
  return 1;
}

static int read_answer(const u_char *answer, int length, int type, struct network_record *records, int capacity) {
  ns_msg message;
  if (ns_initparse(answer, length, &message) < 0) return network_failed;
  int found = 0, is_damaged = 0;
  uint32_t alias_ttl = UINT32_MAX;
  int count = ns_msg_count(message, ns_s_an);
  for (int i = 0; i < count && found < capacity; i++) {
    ns_rr entry;
    if (ns_parserr(&message, ns_s_an, i, &entry) < 0) return network_failed;
    if (ns_rr_type(entry) == ns_t_cname && ns_rr_ttl(entry) < alias_ttl) alias_ttl = ns_rr_ttl(entry);
    if (read_record(&message, &entry, type, &records[found])) {
      found++;
    } else if ((int)ns_rr_type(entry) == type) {
      is_damaged = 1;
    }
  }
  for (int i = 0; i < found; i++) {
    if (alias_ttl < records[i].ttl) records[i].ttl = alias_ttl;
  }
  return found > 0 ? found : is_damaged ? network_failed : network_none;
}

int network_ask(const char *name, int type, int search, const char *server, uint16_t port,
                struct network_record *records, int capacity) {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  if (res_ninit(&state) != 0) return network_failed;
  if (server) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, server, &address.sin_addr) != 1) {
      res_nclose(&state);
      return network_failed;
    }
    state.nscount = 1;
    state.nsaddr_list[0] = address;
  }
  // One name after the other is asked for on one thread: a server that is away must not hold up the others for long.
  if (state.retrans > 2) state.retrans = 2;
  if (state.retry > 2) state.retry = 2;
  int length = -1, outcome = network_failed;
  const int room = NS_MAXMSG;
  u_char *answer = malloc((size_t)room);
  if (answer) {
    length = (search ? res_nsearch : res_nquery)(&state, name, ns_c_in, type, answer, room);
    if (length >= 0) {
      outcome = read_answer(answer, length < room ? length : room, type, records, capacity);
    } else if (state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA) {
      outcome = network_none;
    }
    free(answer);
  }
  res_nclose(&state);
  return outcome;
}

int network_send_from(int socket, const void *bytes, size_t count, const void *remote,
                      uint32_t remote_length, const uint8_t *source, size_t source_length) {
  sa_family_t family = ((const struct sockaddr *)remote)->sa_family;
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  union {
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct cmsghdr alignment;
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {
      .msg_name = (void *)remote, .msg_namelen = remote_length, .msg_iov = &part, .msg_iovlen = 1,
      .msg_control = control.bytes};
  message.msg_controllen = CMSG_SPACE(source_length == 4 ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo));
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (source_length == 4 && family == AF_INET) {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, source, 4);
    head->cmsg_level = IPPROTO_IP;
    head->cmsg_type = IP_PKTINFO;
    head->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(head), &info, sizeof info);
  } else if (source_length == 16 && family == AF_INET6) {
    struct in6_pktinfo info = {0};
    memcpy(&info.ipi6_addr, source, 16);
    head->cmsg_level = IPPROTO_IPV6;
    head->cmsg_type = IPV6_PKTINFO;
    head->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(head), &info, sizeof info);
  } else {
    return EAFNOSUPPORT;
  }
  while (sendmsg(socket, &message, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}
