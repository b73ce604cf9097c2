// The parts of spandsp that the daemon uses: its DTMF receiver (ITU-T Q.23, Q.24), and G.722 at 64 kbit/s.
// spandsp.h itself stays in the .c file: it would bring libtiff's headers into every importer.
#ifndef PIKETT_CSPANDSP_H
#define PIKETT_CSPANDSP_H

#include <stdint.h>

/// A DTMF receiver.
struct spandsp_dtmf;

/// A new receiver that also bears dial tone; NULL if there is no memory.
struct spandsp_dtmf *_Nullable spandsp_dtmf_new(void);

/// Ends a receiver.
void spandsp_dtmf_free(struct spandsp_dtmf *_Nonnull receiver);

/// Feeds `count` samples, 16-bit linear, 8000 Hz.
void spandsp_dtmf_feed(struct spandsp_dtmf *_Nonnull receiver, const int16_t *_Nonnull samples, int32_t count);

/// Stands for `count` samples that were lost.
void spandsp_dtmf_feed_silence(struct spandsp_dtmf *_Nonnull receiver, int32_t count);

/// The next digit that was recognised (`0`-`9`, `*`, `#`, `A`-`D` in ASCII), or 0 if there is none.
int32_t spandsp_dtmf_take(struct spandsp_dtmf *_Nonnull receiver);

/// G.722 in both directions, with 8000 samples a second: the lower of its two bands.
struct spandsp_g722;

/// A new pair of encoder and decoder; NULL if there is no memory.
struct spandsp_g722 *_Nullable spandsp_g722_new(void);

void spandsp_g722_free(struct spandsp_g722 *_Nonnull codec);

/// Encodes `count` samples to as many bytes.
void spandsp_g722_encode(struct spandsp_g722 *_Nonnull codec, const int16_t *_Nonnull samples, int32_t count,
                         uint8_t *_Nonnull bytes);

/// Decodes `count` bytes to as many samples.
void spandsp_g722_decode(struct spandsp_g722 *_Nonnull codec, const uint8_t *_Nonnull bytes, int32_t count,
                         int16_t *_Nonnull samples);

#endif
