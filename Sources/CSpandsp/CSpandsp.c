#include "CSpandsp.h"

#include <stddef.h>
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
