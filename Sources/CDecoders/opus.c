#include "CDecoders.h"

#include <opus/opus.h>
#include <stddef.h>

static OpusDecoder *opus(struct pikett_opus *decoder) { return (OpusDecoder *)decoder; }

static int32_t counted(int result) { return result > 0 ? result : 0; }

struct pikett_opus *pikett_opus_new(int32_t sample_rate) {
  int error = OPUS_OK;
  OpusDecoder *decoder = opus_decoder_create(sample_rate, 1, &error);
  return error == OPUS_OK ? (struct pikett_opus *)decoder : NULL;
}

void pikett_opus_free(struct pikett_opus *decoder) { opus_decoder_destroy(opus(decoder)); }

int32_t pikett_opus_decode(struct pikett_opus *decoder, const uint8_t *bytes, int32_t count, int16_t *samples,
                           int32_t capacity) {
  // A packet without bytes would ask for concealment.
  return count > 0 ? counted(opus_decode(opus(decoder), bytes, count, samples, capacity, 0)) : 0;
}

int32_t pikett_opus_recover(struct pikett_opus *decoder, const uint8_t *bytes, int32_t count, int16_t *samples,
                            int32_t length) {
  return count > 0 ? counted(opus_decode(opus(decoder), bytes, count, samples, length, 1)) : 0;
}

int32_t pikett_opus_conceal(struct pikett_opus *decoder, int16_t *samples, int32_t length) {
  return counted(opus_decode(opus(decoder), NULL, 0, samples, length, 0));
}

int32_t pikett_opus_length(const uint8_t *bytes, int32_t count, int32_t sample_rate) {
  return count > 0 ? counted(opus_packet_get_nb_samples(bytes, count, sample_rate)) : 0;
}
