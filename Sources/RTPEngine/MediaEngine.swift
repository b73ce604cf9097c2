import CLinux
import Glibc
import Synchronization
package import Telephony

/// The media engine: relays, plays, listens and records on its own two threads.
///
/// All calls come from one thread, the event loop; none of them waits for the engine, `shutdown` excepted.
package final class MediaEngine: Sendable {
  package struct Configuration: Sendable {
    /// Legs at once; memory for them is reserved, not touched.
    package var maxLegs = 1024
    /// Recordings at once.
    package var maxRecordings = 256
    /// The recorder's ring. It is touched only as far as the disk falls behind.
    package var recorderBytes = 16 * 1024 * 1024
    /// After how long without RTP and RTCP a leg is told as silent.
    package var silenceLimit: Duration = .seconds(30)
    /// How often reports are sent (RFC 3550 §6.2).
    package var reportInterval: Duration = .seconds(5)
    /// Whether recordings are put on disk (not only handed to the kernel) each time they are written out.
    package var syncsRecordings = true

    package init() {}
  }

  /// Why a leg could not be opened; its sockets remain with the caller.
  package enum Refusal: Error, Hashable, Sendable {
    case tooManyLegs
    case notRunning
  }
  // BODY
}
