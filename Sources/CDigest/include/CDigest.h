// The two hash functions of SIP's digest authentication (RFC 7616, RFC 8760), from libcrypto; SHA-256 also piece by piece,
// for files.
#ifndef PIKETT_CDIGEST_H
#define PIKETT_CDIGEST_H

#include <stddef.h>
#include <stdint.h>

/// MD5 (RFC 1321) of `count` bytes into 16.
void digest_md5(const uint8_t *_Nullable bytes, size_t count, uint8_t *_Nonnull result);

/// SHA-256 (FIPS 180-4) of `count` bytes into 32.
void digest_sha256(const uint8_t *_Nullable bytes, size_t count, uint8_t *_Nonnull result);

/// A SHA-256 that is being made; as large as libcrypto's own, or larger.
struct digest_sha256_state {
  uint64_t words[16];
};
void digest_sha256_begin(struct digest_sha256_state *_Nonnull state);
void digest_sha256_add(struct digest_sha256_state *_Nonnull state, const void *_Nullable bytes, size_t count);
/// Writes 32 bytes; the state must be begun anew after it.
void digest_sha256_end(struct digest_sha256_state *_Nonnull state, uint8_t *_Nonnull result);

#endif
