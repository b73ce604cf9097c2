// The two algorithms that libsrtp2 needs for the AES_CM_128 suites, from libcrypto, in place of its own crypto kernel.
//
// Debian builds libsrtp2 on NSS: it would bring six shared libraries and the software token into the daemon's memory, and
// make a cipher context for each packet on the heap. libsrtp2.a is linked statically, and of an archive the linker takes
// only what is missing: as the seven functions of its kernel stand here, neither the kernel nor anything of NSS comes
// along. What libsrtp does itself, key derivation, indices, replay protection, packets, stays its own.
//
// Of libcrypto the low-level functions alone are asked for: the high-level ones would bring all of it, and its start-up.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>
#include <openssl/modes.h>
#include <openssl/sha.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <stdlib.h>
#include <string.h>

// MARK: AES in counter mode (RFC 3711 §4.1.1)

/// Key and salt as libsrtp hands them over.
#define CIPHER_KEY_BYTES 30

struct counter_mode {
  AES_KEY key;
  uint8_t salt[16];
  uint8_t counter[16];
  uint8_t stream[16];
  unsigned int used;
};

static srtp_err_status_t cipher_init(void *state, const uint8_t *key) {
  struct counter_mode *cipher = state;
  memset(cipher->salt, 0, sizeof cipher->salt);
  memcpy(cipher->salt, key + 16, CIPHER_KEY_BYTES - 16);
  return AES_set_encrypt_key(key, 128, &cipher->key) == 0 ? srtp_err_status_ok : srtp_err_status_init_fail;
}

static srtp_err_status_t cipher_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction) {
  (void)direction;
  struct counter_mode *cipher = state;
  for (int i = 0; i < 16; i++) cipher->counter[i] = cipher->salt[i] ^ iv[i];
  cipher->used = 0;
  return srtp_err_status_ok;
}

static srtp_err_status_t cipher_run(void *state, uint8_t *bytes, unsigned int *count) {
  struct counter_mode *cipher = state;
  CRYPTO_ctr128_encrypt(bytes, bytes, *count, &cipher->key, cipher->counter, cipher->stream, &cipher->used,
                        (block128_f)AES_encrypt);
  return srtp_err_status_ok;
}

static srtp_err_status_t cipher_dealloc(srtp_cipher_pointer_t cipher) {
  explicit_bzero(cipher->state, sizeof(struct counter_mode));
  free(cipher->state);
  free(cipher);
  return srtp_err_status_ok;
}

static const srtp_cipher_type_t counter_mode = {
    .dealloc = cipher_dealloc,
    .init = cipher_init,
    .encrypt = cipher_run,
    .decrypt = cipher_run,
    .set_iv = cipher_set_iv,
    .description = "AES-128 counter mode by libcrypto",
    .id = SRTP_AES_ICM_128,
};

srtp_err_status_t srtp_crypto_kernel_alloc_cipher(srtp_cipher_type_id_t id, srtp_cipher_pointer_t *result, int key_length,
                                                  int tag_length) {
  (void)tag_length;
  if (id != SRTP_AES_ICM_128 || key_length != CIPHER_KEY_BYTES) return srtp_err_status_bad_param;
  srtp_cipher_t *cipher = calloc(1, sizeof *cipher);
  struct counter_mode *state = calloc(1, sizeof *state);
  if (!cipher || !state) {
    free(cipher);
    free(state);
    return srtp_err_status_alloc_fail;
  }
  *cipher = (srtp_cipher_t){.type = &counter_mode, .state = state, .key_len = key_length, .algorithm = (int)id};
  *result = cipher;
  return srtp_err_status_ok;
}

// MARK: HMAC-SHA1 (RFC 2104, RFC 3711 §4.2.1)

/// SHA-1 after the padded key, ready to be copied, and the one at work.
struct keyed_hash {
  SHA_CTX inner, outer, running;
};

static srtp_err_status_t hash_init(void *state, const uint8_t *key, int key_length) {
  struct keyed_hash *hash = state;
  if (key_length < 0 || key_length > SHA_CBLOCK) return srtp_err_status_bad_param;
  uint8_t pad[SHA_CBLOCK];
  memset(pad, 0x36, sizeof pad);
  for (int i = 0; i < key_length; i++) pad[i] ^= key[i];
  SHA1_Init(&hash->inner);
  SHA1_Update(&hash->inner, pad, sizeof pad);
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5C;
  SHA1_Init(&hash->outer);
  SHA1_Update(&hash->outer, pad, sizeof pad);
  explicit_bzero(pad, sizeof pad);
  hash->running = hash->inner;
  return srtp_err_status_ok;
}

static srtp_err_status_t hash_start(void *state) {
  struct keyed_hash *hash = state;
  hash->running = hash->inner;
  return srtp_err_status_ok;
}

static srtp_err_status_t hash_update(void *state, const uint8_t *bytes, int count) {
  struct keyed_hash *hash = state;
  SHA1_Update(&hash->running, bytes, (size_t)count);
  return srtp_err_status_ok;
}

static srtp_err_status_t hash_compute(void *state, const uint8_t *bytes, int count, int tag_length, uint8_t *tag) {
  struct keyed_hash *hash = state;
  uint8_t digest[SHA_DIGEST_LENGTH];
  if (tag_length < 0 || tag_length > SHA_DIGEST_LENGTH) return srtp_err_status_bad_param;
  SHA1_Update(&hash->running, bytes, (size_t)count);
  SHA1_Final(digest, &hash->running);
  hash->running = hash->outer;
  SHA1_Update(&hash->running, digest, sizeof digest);
  SHA1_Final(digest, &hash->running);
  memcpy(tag, digest, (size_t)tag_length);
  return srtp_err_status_ok;
}

static srtp_err_status_t hash_dealloc(srtp_auth_pointer_t hash) {
  explicit_bzero(hash->state, sizeof(struct keyed_hash));
  free(hash->state);
  free(hash);
  return srtp_err_status_ok;
}

static const srtp_auth_type_t keyed_hash = {
    .dealloc = hash_dealloc,
    .init = hash_init,
    .compute = hash_compute,
    .update = hash_update,
    .start = hash_start,
    .description = "HMAC-SHA1 by libcrypto",
    .id = SRTP_HMAC_SHA1,
};

srtp_err_status_t srtp_crypto_kernel_alloc_auth(srtp_auth_type_id_t id, srtp_auth_pointer_t *result, int key_length,
                                                int tag_length) {
  if (id != SRTP_HMAC_SHA1 || key_length > SHA_DIGEST_LENGTH || tag_length > SHA_DIGEST_LENGTH) {
    return srtp_err_status_bad_param;
  }
  srtp_auth_t *hash = calloc(1, sizeof *hash);
  struct keyed_hash *state = calloc(1, sizeof *state);
  if (!hash || !state) {
    free(hash);
    free(state);
    return srtp_err_status_alloc_fail;
  }
  *hash = (srtp_auth_t){.type = &keyed_hash, .state = state, .out_len = tag_length, .key_len = key_length};
  *result = hash;
  return srtp_err_status_ok;
}

// MARK: What else libsrtp asks of a kernel

srtp_err_status_t srtp_crypto_kernel_init(void) { return srtp_err_status_ok; }
srtp_err_status_t srtp_crypto_kernel_shutdown(void) { return srtp_err_status_ok; }
srtp_err_status_t srtp_crypto_kernel_load_debug_module(void *module) { return module ? srtp_err_status_ok : srtp_err_status_bad_param; }
srtp_err_status_t srtp_crypto_kernel_list_debug_modules(void) { return srtp_err_status_ok; }
srtp_err_status_t srtp_crypto_kernel_set_debug_module(const char *name, int on) {
  (void)on;
  return name ? srtp_err_status_ok : srtp_err_status_bad_param;
}
