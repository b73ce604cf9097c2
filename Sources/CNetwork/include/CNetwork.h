// What Swift's Glibc overlay does not show of the network: answers of the name service with their TTL (glibc's resolver), and
// datagrams with a chosen source address.
//
// It includes no header that Swift's Glibc module has too: the names in it would then belong to either.
#ifndef PIKETT_CNETWORK_H
#define PIKETT_CNETWORK_H

#include <stddef.h>
#include <stdint.h>

/// One record of an answer: an address (A, AAAA) or a service (SRV, RFC 2782).
struct network_record {
  uint16_t type;
  /// Seconds; of an alias (CNAME) on the way the least counts.
  uint32_t ttl;
  uint16_t priority, weight, port;
  /// A: the first four bytes.
  uint8_t address[16];
  /// SRV: the target's name, ended by 0; empty for the root, which means that there is no such service.
  char target[256];
};

enum { network_type_a = 1, network_type_aaaa = 28, network_type_srv = 33 };

/// What `network_ask` returns where there are no records.
enum {
  /// The name server says that there are none.
  network_none = -1,
  /// No name server answers, or none with sense.
  network_failed = -2,
};

/// Asks the name servers of resolv.conf for the records of `name`. Blocks, for some seconds at most.
///
/// `search`: names are completed as resolv.conf says. `server`, `port`: an IPv4 address to be asked instead; NULL: none.
/// Returns how many of `capacity` records have been filled in, else `network_none` or `network_failed`.
int network_ask(const char *_Nonnull name, int type, int search, const char *_Nullable server, uint16_t port,
                struct network_record *_Nonnull records, int capacity);

/// Sends a datagram to `remote`, a struct sockaddr, from `source`, one of our addresses (4 or 16 bytes) however the socket is bound. Returns 0 or the errno.
int network_send_from(int socket, const void *_Nonnull bytes, size_t count, const void *_Nonnull remote,
                      uint32_t remote_length, const uint8_t *_Nonnull source, size_t source_length);

#endif
