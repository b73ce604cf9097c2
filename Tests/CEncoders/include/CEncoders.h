// The other side of CDecoders, for tests only.
#ifndef PIKETT_CENCODERS_H
#define PIKETT_CENCODERS_H

#include <stdint.h>

/// Encodes `count` samples at 8000 Hz, a multiple of 160, to 33 bytes for each 160.
int32_t test_gsm(const int16_t *_Nonnull samples, int32_t count, uint8_t *_Nonnull bytes);

/// Encodes `count` samples at 8000 Hz, a multiple of 80. Each frame takes a byte with its length (10, 2 or, in a pause,
/// 0) and as many bytes. The number of all bytes.
int32_t test_g729(const int16_t *_Nonnull samples, int32_t count, int32_t with_pauses, uint8_t *_Nonnull bytes);

/// Encodes samples of `channels` channels, `frame` to a packet, for a network that loses a fifth. Each packet takes two
/// bytes with its length, big endian, and as many bytes. The number of all bytes.
int32_t test_opus(const int16_t *_Nonnull samples, int32_t count, int32_t sample_rate, int32_t channels, int32_t frame,
                  uint8_t *_Nonnull bytes, int32_t capacity);

#endif
