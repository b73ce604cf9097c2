#include "CDecoders.h"

#include <bcg729/decoder.h>
#include <stddef.h>

static bcg729DecoderChannelContextStruct *channel(struct pikett_g729 *decoder) {
  return (bcg729DecoderChannelContextStruct *)decoder;
}

struct pikett_g729 *pikett_g729_new(void) { return (struct pikett_g729 *)initBcg729DecoderChannel(); }

void pikett_g729_free(struct pikett_g729 *decoder) { closeBcg729DecoderChannel(channel(decoder)); }

void pikett_g729_decode(struct pikett_g729 *decoder, const uint8_t *frame, int32_t is_noise, int16_t *samples) {
  bcg729Decoder(channel(decoder), frame, is_noise ? 2 : 10, 0, is_noise ? 1 : 0, 0, samples);
}

void pikett_g729_conceal(struct pikett_g729 *decoder, int16_t *samples) {
  // Which of the two it is the decoder knows by what came before.
  bcg729Decoder(channel(decoder), NULL, 0, 1, 0, 0, samples);
}
