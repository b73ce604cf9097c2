// The two hash functions of SIP's digest authentication (RFC 7616, RFC 8760), from libcrypto.
#ifndef PIKETT_CDIGEST_H
#define PIKETT_CDIGEST_H

#include <stddef.h>
#include <stdint.h>

/// MD5 (RFC 1321) of `count` bytes into 16.
void digest_md5(const uint8_t *_Nullable bytes, size_t count, uint8_t *_Nonnull result);

/// SHA-256 (FIPS 180-4) of `count` bytes into 32.
void digest_sha256(const uint8_t *_Nullable bytes, size_t count, uint8_t *_Nonnull result);

#endif
