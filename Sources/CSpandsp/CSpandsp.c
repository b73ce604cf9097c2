#include "CSpandsp.h"

#include <stddef.h>
#include <stdlib.h>
#include <spandsp.h>

// An own declaration of the opaque type would clash with spandsp's typedef, hence the casts.
static dtmf_rx_state_t *receiver(struct spandsp_dtmf *s) { return (dtmf_rx_state_t *)s; }

struct spandsp_dtmf *spandsp_dtmf_new(void) {
  dtmf_rx_state_t *state = dtmf_rx_init(NULL, NULL, NULL);
  if (state == NULL) return NULL;
  // A dial tone may still sound when the first key is pressed on an analogue line behind a gateway.
  dtmf_rx_parms(state, 1, -1, -1, -99);
  return (struct spandsp_dtmf *)state;
}

void spandsp_dtmf_free(struct spandsp_dtmf *s) { dtmf_rx_free(receiver(s)); }

void spandsp_dtmf_feed(struct spandsp_dtmf *s, const int16_t *samples, int32_t count) {
  dtmf_rx(receiver(s), samples, count);
}

void spandsp_dtmf_feed_silence(struct spandsp_dtmf *s, int32_t count) { dtmf_rx_fillin(receiver(s), count); }

int32_t spandsp_dtmf_take(struct spandsp_dtmf *s) {
  char digits[2] = {0, 0};
  return dtmf_rx_get(receiver(s), digits, 1) == 1 ? (unsigned char)digits[0] : 0;
}

struct spandsp_g722 {
  g722_encode_state_t *encoder;
  g722_decode_state_t *decoder;
};

struct spandsp_g722 *spandsp_g722_new(void) {
  struct spandsp_g722 *codec = malloc(sizeof *codec);
  if (codec == NULL) return NULL;
  codec->encoder = g722_encode_init(NULL, 64000, G722_SAMPLE_RATE_8000);
  codec->decoder = g722_decode_init(NULL, 64000, G722_SAMPLE_RATE_8000);
  if (codec->encoder != NULL && codec->decoder != NULL) return codec;
  spandsp_g722_free(codec);
  return NULL;
}

void spandsp_g722_free(struct spandsp_g722 *codec) {
  if (codec->encoder != NULL) g722_encode_free(codec->encoder);
  if (codec->decoder != NULL) g722_decode_free(codec->decoder);
  free(codec);
}

void spandsp_g722_encode(struct spandsp_g722 *codec, const int16_t *samples, int32_t count, uint8_t *bytes) {
  g722_encode(codec->encoder, bytes, samples, count);
}

void spandsp_g722_decode(struct spandsp_g722 *codec, const uint8_t *bytes, int32_t count, int16_t *samples) {
  g722_decode(codec->decoder, samples, bytes, count);
}
