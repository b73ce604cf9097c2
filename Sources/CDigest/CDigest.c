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
