/// What is fed with any bytes, and must hold for all of them.
///
/// `tools/fuzz` runs these under libFuzzer; the ordinary tests replay every seed and every find.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// A SIP datagram.
  case message
  /// A stream of SIP, cut in pieces.
  case stream
  /// A session description: read, written, offered and answered.
  case sdp
  /// RTP packets of a stream, and RTCP.
  case rtp
  /// The payloads of telephone-event packets, and key presses in INFO.
  case event
  /// WWW-Authenticate and Authorization.
  case digest
  /// A sound file.
  case wav
  /// A capture file of any kind, as it is read.
  case capture
  /// A capture file's calls, as they become sound.
  case call

  /// What the target is given and what it proves, in a few words.
  package var summary: String {
    switch self {
    case .message: "a datagram: written and read again it is the same; a cut one is refused with whole lines only"
    case .stream: "a stream: the pieces it comes in make no difference; what is whole in it is what a datagram holds"
    case .sdp: "a session description: written and read again it is the same; an answer has the offer's streams"
    case .rtp: "RTP and RTCP packets: payloads lie within, what goes out is one stream under one SSRC"
    case .event: "telephone events and INFO bodies: no key from nothing, each press once"
    case .digest: "challenges and credentials: written and read again they are the same; masked, no secret is left"
    case .wav: "a WAV file: the sound has the length that the header says"
    case .capture: "a capture file: read twice it is the same, and cut off it is a beginning of the whole"
    case .call: "a capture file: its calls are found, and each makes a WAV file"
    }
  }

  /// Feeds `bytes` to the target.
  /// - Returns: which property does not hold; nil if all do. A trap is the other way to fail.
  package func fault(_ bytes: [UInt8]) -> String? {
    do throws(Broken) {
      switch self {
      case .message: try fuzzMessage(bytes)
      case .stream: try fuzzStream(bytes)
      case .sdp: try fuzzSDP(bytes)
      case .rtp: try fuzzRTP(bytes)
      case .event: try fuzzEvent(bytes)
      case .digest: try fuzzDigest(bytes)
      case .wav: try fuzzWAV(bytes)
      case .capture: try fuzzCapture(bytes)
      case .call: try fuzzCall(bytes)
      }
      return nil
    } catch {
      return error.property
    }
  }
}

/// A property that does not hold.
struct Broken: Error {
  var property: String
}

/// Throws if `condition` is false.
func hold(_ condition: Bool, _ property: @autoclosure () -> String) throws(Broken) {
  if !condition { throw Broken(property: property()) }
}

extension [UInt8] {
  /// A number that follows from the bytes, so that a find replays: FNV-1a.
  var digest: UInt64 { reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 } }
}
