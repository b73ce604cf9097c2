package import Telephony

/// How a digit came.
package enum DigitSource: Hashable, Sendable {
  /// As a telephone-event (RFC 4733).
  case event
  /// As tones in the audio.
  case tone
}

/// What a leg has seen, told when it is closed.
package struct LegStatistics: Hashable, Sendable {
  /// The leg's RTP port, which is free now.
  package var localPort: UInt16 = 0
  /// RTP packets that came from the right source, and their bytes with headers.
  package var packetsReceived: UInt64 = 0
  package var bytesReceived: UInt64 = 0
  /// RTP packets sent, and their bytes with headers.
  package var packetsSent: UInt64 = 0
  package var bytesSent: UInt64 = 0
  /// Packets the peer's stream lacks (RFC 3550 A.3), over all its sources; never negative.
  package var packetsLost: UInt64 = 0
  /// Interarrival jitter at the end, in units of 1/8000 s (A.8).
  package var jitter: UInt32 = 0
  /// RTP and RTCP packets dropped by the source rule, and what is neither.
  package var packetsRefused: UInt64 = 0
  /// Where the last RTP packet that the source rule dropped came from, if the peer has not been heard since.
  package var refusedSource: Endpoint?
  /// Packets of an encrypted leg that no key of its peer's has made, or that came twice; dropped before all else.
  package var packetsUnauthentic: UInt64 = 0
  /// Packets not passed on because they had waited too long.
  package var packetsStale: UInt64 = 0
  /// RTP packets the kernel would not send, or the encryption, as those whose number it has had already.
  package var sendFailures: UInt64 = 0
  /// What the peer said of our stream in its last RTCP report that can be true, if it sent one: packets lost, of how many
  /// we had sent by then, and its jitter in units of 1/8000 s.
  package var remoteLost: Int32?
  package var remoteExpected: UInt32?
  package var remoteJitter: UInt32?
  /// From us to the peer and back (RFC 3550 §6.4.1), measured last; nil: the peer's reports do not tell.
  package var roundTrip: Duration?

  package init() {}
}

/// What the engine tells the event loop; called on the engine's threads, so the receiver hops at once.
///
/// Digits come at most 16 a second and leg, `silent` once per silence limit, `sourceRefused` once a leg, `recordingDropped` once a second and
/// recording: a flood from outside cannot grow the loop's queue.
package enum EngineEvent: Hashable, Sendable {
  /// A key was pressed (`0`-`9`, `*`, `#`, `A`-`D`). The same press may come by both ways.
  case digit(Leg, Character, by: DigitSource, at: Moment)
  /// The key press that came as telephone-event is over: its end has come, or nothing of it for 200 ms.
  case digitEnded(Leg, Character, milliseconds: Int, at: Moment)
  /// The sound of this token was played to its end.
  case played(Leg, token: UInt64)
  /// The leg is gone, its sockets are closed.
  case legClosed(Leg, LegStatistics)
  /// Neither RTP nor RTCP has come from the leg's peer since `since`; repeated each `LegMedia.silenceLimit` while it
  /// lasts.
  case silent(Leg, since: Instant)
  /// Sound comes from this place, which is none of the peer's, and is refused, while for 3 s nothing has been heard from the
  /// peer. Told once a leg.
  case sourceRefused(Leg, Endpoint)
  /// The recording cannot be written; `errno` says why. Told once a fault; calls go on, and so does the file as soon as
  /// it can be written again (not if it could not be created).
  case recordingFailed(RecordingID, errno: Int32, path: String)
  /// The recording's file could not be created: nothing of it will be there. Told right behind `recordingFailed`.
  case recordingRefused(RecordingID)
  /// These bytes of the recording are lost, the ring being full or the disk refusing.
  case recordingDropped(RecordingID, bytes: Int)
  /// The recording is complete and on disk (as far as `recordingFailed` does not say otherwise). An empty path: it never
  /// began.
  case recordingClosed(RecordingID, path: String)
}
