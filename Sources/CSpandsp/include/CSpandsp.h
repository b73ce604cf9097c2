// The one part of spandsp that Pikett uses so far: its DTMF receiver (ITU-T Q.23, Q.24).
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

#endif
