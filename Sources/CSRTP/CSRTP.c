#include "CSRTP.h"
#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

/// A call has a stream or two; a peer with the key must not fill the memory with more.
#define MAXIMUM_STREAMS 256
/// Packets that may come late; 128 is libsrtp's own, two and a half seconds of audio.
#define REPLAY_WINDOW 128

struct pikett_srtp {
  srtp_t session;
  int has_mki;
  uint32_t streams;
  uint32_t newest_ssrc;
};

static void begin(void) { srtp_init(); }

static struct pikett_srtp *create(const uint8_t *key, int32_t short_tag, srtp_ssrc_t ssrc, const uint8_t *mki,
                                  size_t mki_length) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (mki_length > SRTP_MAX_MKI_LEN || pthread_once(&once, begin) != 0) return NULL;
  struct pikett_srtp *context = calloc(1, sizeof *context);
  if (!context) return NULL;
  // libsrtp copies what it is given.
  uint8_t master[PIKETT_SRTP_KEY_BYTES], name[SRTP_MAX_MKI_LEN];
  memcpy(master, key, sizeof master);
  if (mki_length > 0) memcpy(name, mki, mki_length);
  srtp_master_key_t named = {.key = master, .mki_id = name, .mki_size = (unsigned int)mki_length};
  srtp_master_key_t *keys[] = {&named};
  srtp_policy_t policy = {.ssrc = ssrc, .window_size = REPLAY_WINDOW};
  if (short_tag) {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
  } else {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
  }
  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  if (mki_length > 0) {
    policy.keys = keys;
    policy.num_master_keys = 1;
  } else {
    policy.key = master;
  }
  srtp_err_status_t status = srtp_create(&context->session, &policy);
  explicit_bzero(master, sizeof master);
  context->has_mki = mki_length > 0;
  if (status == srtp_err_status_ok) return context;
  free(context);
  return NULL;
}

struct pikett_srtp *pikett_srtp_sender(const uint8_t *key, int32_t short_tag) {
  return create(key, short_tag, (srtp_ssrc_t){.type = ssrc_any_outbound}, NULL, 0);
}

struct pikett_srtp *pikett_srtp_receiver(const uint8_t *key, int32_t short_tag, const uint8_t *mki, size_t mki_length) {
  return create(key, short_tag, (srtp_ssrc_t){.type = ssrc_any_inbound}, mki, mki_length);
}

struct pikett_srtp *pikett_srtp_joiner(const uint8_t *key, int32_t short_tag, const uint8_t *mki, size_t mki_length,
                                       uint32_t ssrc, uint32_t rollovers) {
  srtp_ssrc_t one = {.type = ssrc_specific, .value = ssrc};
  struct pikett_srtp *context = create(key, short_tag, one, mki, mki_length);
  if (!context) return NULL;
  context->streams = 1;
  context->newest_ssrc = ssrc;
  if (srtp_set_stream_roc(context->session, ssrc, rollovers) == srtp_err_status_ok) return context;
  pikett_srtp_free(context);
  return NULL;
}

void pikett_srtp_free(struct pikett_srtp *context) {
  srtp_dealloc(context->session);
  free(context);
}

size_t pikett_srtp_protect(struct pikett_srtp *context, void *packet, size_t length) {
  int count = (int)length;
  return srtp_protect(context->session, packet, &count) == srtp_err_status_ok && count > 0 ? (size_t)count : 0;
}

size_t pikett_srtp_protect_rtcp(struct pikett_srtp *context, void *packet, size_t length) {
  int count = (int)length;
  return srtp_protect_rtcp(context->session, packet, &count) == srtp_err_status_ok && count > 0 ? (size_t)count : 0;
}

static enum pikett_srtp_verdict verdict(srtp_err_status_t status) {
  switch (status) {
  case srtp_err_status_ok: return pikett_srtp_ok;
  case srtp_err_status_auth_fail:
  case srtp_err_status_bad_mki: return pikett_srtp_forged;
  case srtp_err_status_replay_fail:
  case srtp_err_status_replay_old: return pikett_srtp_repeated;
  default: return pikett_srtp_unusable;
  }
}

/// True if a packet of this source would be the first of its stream, as big-endian bytes stand at `place`.
static int is_new(struct pikett_srtp *context, const uint8_t *place, uint32_t *ssrc) {
  *ssrc = (uint32_t)place[0] << 24 | (uint32_t)place[1] << 16 | (uint32_t)place[2] << 8 | place[3];
  if (context->streams > 0 && *ssrc == context->newest_ssrc) return 0;
  uint32_t rollovers;
  return srtp_get_stream_roc(context->session, *ssrc, &rollovers) != srtp_err_status_ok;
}

static enum pikett_srtp_verdict unprotect(struct pikett_srtp *context, void *packet, size_t *length, size_t ssrc_at,
                                          srtp_err_status_t (*body)(srtp_t, void *, int *, unsigned int)) {
  if (*length < ssrc_at + 4 || *length > 65535) return pikett_srtp_unusable;
  uint32_t ssrc;
  int starts = is_new(context, (const uint8_t *)packet + ssrc_at, &ssrc);
  if (starts && context->streams >= MAXIMUM_STREAMS) return pikett_srtp_unusable;
  int count = (int)*length;
  srtp_err_status_t status = body(context->session, packet, &count, (unsigned int)context->has_mki);
  if (status != srtp_err_status_ok || count < 0) return status == srtp_err_status_ok ? pikett_srtp_unusable : verdict(status);
  if (starts) context->streams += 1;
  context->newest_ssrc = ssrc;
  *length = (size_t)count;
  return pikett_srtp_ok;
}

enum pikett_srtp_verdict pikett_srtp_unprotect(struct pikett_srtp *context, void *packet, size_t *length) {
  return unprotect(context, packet, length, 8, srtp_unprotect_mki);
}

enum pikett_srtp_verdict pikett_srtp_unprotect_rtcp(struct pikett_srtp *context, void *packet, size_t *length) {
  return unprotect(context, packet, length, 4, srtp_unprotect_rtcp_mki);
}
