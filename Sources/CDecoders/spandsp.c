#include "CDecoders.h"

#include <stddef.h>
#include <stdlib.h>
#include <spandsp.h>

// An own declaration of the opaque types would clash with spandsp's typedefs, hence the casts.

struct pikett_gsm *pikett_gsm_new(void) { return (struct pikett_gsm *)gsm0610_init(NULL, GSM0610_PACKING_VOIP); }

void pikett_gsm_free(struct pikett_gsm *decoder) { gsm0610_free((gsm0610_state_t *)decoder); }

int32_t pikett_gsm_decode(struct pikett_gsm *decoder, const uint8_t *frame, int16_t *samples) {
  // A frame's first four bits are its signature.
  if (frame[0] >> 4 != 0xD) return 0;
  return gsm0610_decode((gsm0610_state_t *)decoder, samples, frame, 33);
}

struct pikett_concealer *pikett_concealer_new(void) { return (struct pikett_concealer *)plc_init(NULL); }

void pikett_concealer_free(struct pikett_concealer *concealer) { plc_free((plc_state_t *)concealer); }

void pikett_concealer_hear(struct pikett_concealer *concealer, int16_t *samples, int32_t count) {
  plc_rx((plc_state_t *)concealer, samples, count);
}

void pikett_concealer_fill(struct pikett_concealer *concealer, int16_t *samples, int32_t count) {
  plc_fillin((plc_state_t *)concealer, samples, count);
}
