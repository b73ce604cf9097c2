// The decoders that only the conversion of captures needs, each with its state behind an opaque type. The libraries' own
// headers stay in the .c files. They are a target apart from CSpandsp, so that the daemon links none of them.
#ifndef PIKETT_CDECODERS_H
#define PIKETT_CDECODERS_H

#include <stdint.h>

/// GSM 06.10 in the packing of RFC 3551 §4.5.8, by spandsp: frames of 33 bytes, 160 samples at 8000 Hz.
struct pikett_gsm;
struct pikett_gsm *_Nullable pikett_gsm_new(void);
void pikett_gsm_free(struct pikett_gsm *_Nonnull decoder);
/// Decodes one frame of 33 bytes to 160 samples; how many, or 0 if it is no frame.
int32_t pikett_gsm_decode(struct pikett_gsm *_Nonnull decoder, const uint8_t *_Nonnull frame,
                          int16_t *_Nonnull samples);

/// What fills the place of lost samples, by spandsp: the last period of the voice again and again, fading within 50 ms.
struct pikett_concealer;
struct pikett_concealer *_Nullable pikett_concealer_new(void);
void pikett_concealer_free(struct pikett_concealer *_Nonnull concealer);
/// Hears good samples; may change the first of them, so that what was filled in goes over into them smoothly.
void pikett_concealer_hear(struct pikett_concealer *_Nonnull concealer, int16_t *_Nonnull samples, int32_t count);
/// Fills in `count` samples.
void pikett_concealer_fill(struct pikett_concealer *_Nonnull concealer, int16_t *_Nonnull samples, int32_t count);

/// Opus (RFC 6716), one channel (two are mixed), at 8000, 12000, 16000, 24000 or 48000 Hz.
struct pikett_opus;
struct pikett_opus *_Nullable pikett_opus_new(int32_t sample_rate);
void pikett_opus_free(struct pikett_opus *_Nonnull decoder);
/// Decodes a packet to at most `capacity` samples; how many, 0 for what is no packet.
int32_t pikett_opus_decode(struct pikett_opus *_Nonnull decoder, const uint8_t *_Nonnull bytes, int32_t count,
                           int16_t *_Nonnull samples, int32_t capacity);
/// The `length` samples before those of `bytes`, whose packet was lost, from what `bytes` says of them.
int32_t pikett_opus_recover(struct pikett_opus *_Nonnull decoder, const uint8_t *_Nonnull bytes, int32_t count,
                            int16_t *_Nonnull samples, int32_t length);
/// Fills in `length` lost samples, a multiple of 2.5 ms.
int32_t pikett_opus_conceal(struct pikett_opus *_Nonnull decoder, int16_t *_Nonnull samples, int32_t length);
/// How many samples a packet holds at `sample_rate`; 0 for what is no packet.
int32_t pikett_opus_length(const uint8_t *_Nonnull bytes, int32_t count, int32_t sample_rate);

/// G.729 with its annexes A and B, by bcg729: 80 samples at 8000 Hz a frame.
struct pikett_g729;
struct pikett_g729 *_Nullable pikett_g729_new(void);
void pikett_g729_free(struct pikett_g729 *_Nonnull decoder);
/// Decodes a frame of 10 bytes, or one of 2 bytes that describes the noise of a pause, to 80 samples.
void pikett_g729_decode(struct pikett_g729 *_Nonnull decoder, const uint8_t *_Nonnull frame, int32_t is_noise,
                        int16_t *_Nonnull samples);
/// Fills in the 80 samples of a frame that was lost, or in a pause was never sent.
void pikett_g729_conceal(struct pikett_g729 *_Nonnull decoder, int16_t *_Nonnull samples);

#endif
