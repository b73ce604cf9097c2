// The low-level functions alone are asked for: the high-level ones would bring all of libcrypto into the program, and
// its start-up with it.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "CDigest.h"
#include <openssl/md5.h>
#include <openssl/sha.h>

void digest_md5(const uint8_t *bytes, size_t count, uint8_t *result) {
  MD5_CTX context;
  MD5_Init(&context);
  MD5_Update(&context, bytes, count);
  MD5_Final(result, &context);
}

void digest_sha256(const uint8_t *bytes, size_t count, uint8_t *result) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes, count);
  SHA256_Final(result, &context);
}

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct digest_sha256_state), "the state holds libcrypto's");

void digest_sha256_begin(struct digest_sha256_state *state) { SHA256_Init((SHA256_CTX *)state); }

void digest_sha256_add(struct digest_sha256_state *state, const void *bytes, size_t count) {
  SHA256_Update((SHA256_CTX *)state, bytes, count);
}

void digest_sha256_end(struct digest_sha256_state *state, uint8_t *result) {
  SHA256_Final(result, (SHA256_CTX *)state);
}
