// Secure RTP (RFC 3711) by libsrtp2: one context for what is sent on a leg, one for what is received. Nothing of
// libsrtp's own headers is shown, so that its types stay in the .c files.
#ifndef PIKETT_CSRTP_H
#define PIKETT_CSRTP_H

#include <stddef.h>
#include <stdint.h>

/// Master key and master salt of the AES_CM_128 suites, in bytes.
#define PIKETT_SRTP_KEY_BYTES 30
/// How much longer than its RTP or RTCP a protected packet can be.
#define PIKETT_SRTP_GROWTH 32

/// The keys and the packet counts of one direction.
struct pikett_srtp;

/// Why a packet was not accepted.
enum pikett_srtp_verdict {
  pikett_srtp_ok = 0,
  /// Its authentication tag is wrong: it is not the peer's, or was changed on the way, or is not encrypted at all.
  pikett_srtp_forged = 1,
  /// It came already, or is too old to tell.
  pikett_srtp_repeated = 2,
  /// It is no packet, or a stream too many.
  pikett_srtp_unusable = 3,
};

/// A context for sending; NULL if there is no memory.
/// - Parameter short_tag: RTP is authenticated with 32 bits (AES_CM_128_HMAC_SHA1_32) instead of 80; RTCP always with 80.
struct pikett_srtp *_Nullable pikett_srtp_sender(const uint8_t *_Nonnull key, int32_t short_tag);

/// A context for receiving; NULL if there is no memory. `mki` is the key's name that stands in each packet (RFC 4568
/// §6.1), of 0 to 128 bytes.
struct pikett_srtp *_Nullable pikett_srtp_receiver(const uint8_t *_Nonnull key, int32_t short_tag,
                                                   const uint8_t *_Nullable mki, size_t mki_length);

/// A context for receiving one stream from its middle on: its sequence numbers have wrapped `rollovers` times. NULL if
/// there is no memory.
struct pikett_srtp *_Nullable pikett_srtp_joiner(const uint8_t *_Nonnull key, int32_t short_tag,
                                                 const uint8_t *_Nullable mki, size_t mki_length, uint32_t ssrc,
                                                 uint32_t rollovers);

/// Ends a context and wipes its keys.
void pikett_srtp_free(struct pikett_srtp *_Nonnull context);

/// Protects an RTP packet of `length` bytes in place, at an address divisible by 4 with PIKETT_SRTP_GROWTH bytes of room
/// behind it. The new length, or 0: it must not go out.
size_t pikett_srtp_protect(struct pikett_srtp *_Nonnull context, void *_Nonnull packet, size_t length);

/// The same for RTCP.
size_t pikett_srtp_protect_rtcp(struct pikett_srtp *_Nonnull context, void *_Nonnull packet, size_t length);

/// Authenticates an RTP packet and decrypts it in place; `length` becomes the plain packet's. A packet that is not
/// accepted is left as it is.
enum pikett_srtp_verdict pikett_srtp_unprotect(struct pikett_srtp *_Nonnull context, void *_Nonnull packet,
                                               size_t *_Nonnull length);

/// The same for RTCP.
enum pikett_srtp_verdict pikett_srtp_unprotect_rtcp(struct pikett_srtp *_Nonnull context, void *_Nonnull packet,
                                                    size_t *_Nonnull length);

#endif
