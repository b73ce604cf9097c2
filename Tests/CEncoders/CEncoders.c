#include "CEncoders.h"

#include <bcg729/encoder.h>
#include <opus/opus.h>
#include <spandsp.h>
#include <stddef.h>

int32_t test_gsm(const int16_t *samples, int32_t count, uint8_t *bytes) {
  gsm0610_state_t *encoder = gsm0610_init(NULL, GSM0610_PACKING_VOIP);
  int32_t length = gsm0610_encode(encoder, bytes, samples, count);
  gsm0610_free(encoder);
  return length;
}

int32_t test_g729(const int16_t *samples, int32_t count, int32_t with_pauses, uint8_t *bytes) {
  bcg729EncoderChannelContextStruct *encoder = initBcg729EncoderChannel(with_pauses ? 1 : 0);
  int32_t length = 0;
  for (int32_t start = 0; start + 80 <= count; start += 80) {
    bcg729Encoder(encoder, samples + start, bytes + length + 1, bytes + length);
    length += 1 + bytes[length];
  }
  closeBcg729EncoderChannel(encoder);
  return length;
}

int32_t test_opus(const int16_t *samples, int32_t count, int32_t sample_rate, int32_t channels, int32_t frame,
                  uint8_t *bytes, int32_t capacity) {
  int error = OPUS_OK;
  OpusEncoder *encoder = opus_encoder_create(sample_rate, channels, OPUS_APPLICATION_VOIP, &error);
  if (error != OPUS_OK) return 0;
  opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1));
  opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(20));
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(24000));
  int32_t length = 0;
  for (int32_t start = 0; start + frame <= count && capacity - length > 2; start += frame) {
    int32_t size = opus_encode(encoder, samples + start * channels, frame, bytes + length + 2, capacity - length - 2);
    if (size < 0) break;
    bytes[length] = (uint8_t)(size >> 8);
    bytes[length + 1] = (uint8_t)size;
    length += 2 + size;
  }
  opus_encoder_destroy(encoder);
  return length;
}
