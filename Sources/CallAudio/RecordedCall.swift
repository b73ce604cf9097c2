package import Telephony

/// A call found in a capture, with the sound it has there.
package struct RecordedCall: Sendable {
  /// One direction of a call.
  package struct Direction: Hashable, Sendable {
    /// The codecs in it, in order of their packets' number, key presses and comfort noise left out.
    package var codecs: [PayloadCodec] = []
    package var packetCount = 0
    /// Packets missing by their sequence numbers.
    package var lostCount = 0
  }

  /// Counted from 1, in order of the calls' first messages.
  package var number: Int
  /// The Call-ID of the call's first dialog.
  package var callID: String
  /// The first session identifier (RFC 7989), if there is one.
  package var sessionID: String?
  /// The user (else host) of From and To in the first message.
  package var caller: String
  package var called: String
  /// When the first sound belongs.
  package var start: WallTime
  /// How many samples a channel has, at 8000 a second.
  package var frames: Int64
  /// What the first offerer sent.
  package var left: Direction
  /// What was sent to him.
  package var right: Direction

  /// What of it is to be put together, and where.
  var parts: [SoundPart]

  /// Sound beyond this (74 hours) is left out: timestamps reach no farther, and such a file holds a wrong time.
  static let mostFrames: Int64 = 1 << 31

  /// The whole call's duration in seconds.
  package var duration: Double { Double(frames) / 8000 }

  /// The codecs of the call that cannot be decoded.
  package var undecodableCodecs: [String] {
    var names: [String] = []
    for codec in left.codecs + right.codecs where !codec.canBeDecoded && !names.contains(codec.name) {
      names.append(codec.name)
    }
    return names
  }
}

/// One stream's place in a call.
struct SoundPart: Sendable {
  /// What the packets of a stretch are placed by.
  struct Stretch: Sendable {
    var firstRecord: Int
    var timestamp: UInt32
    /// The time of `timestamp` in the capture, in nanoseconds.
    var time: Int64
    /// The sample of the call with which `timestamp` begins.
    var frame: Int64
  }

  var key: StreamKey
  var firstRecord: Int
  var lastRecord: Int
  /// 0 is left, 1 is right.
  var channel: Int
  var stretches: [Stretch]
  /// The payload types that can be decoded.
  var pcmuTypes: [UInt8]
  var pcmaTypes: [UInt8]
}
