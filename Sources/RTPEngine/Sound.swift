/// Something to be heard: immutable 16-bit samples, 8000 Hz, shared by all legs that play it.
package final class Sound: Sendable {
  package let samples: [Int16]

  package init(_ samples: [Int16]) { self.samples = samples }

  /// How long it lasts.
  package var duration: Duration { .microseconds(samples.count * 125) }
}
