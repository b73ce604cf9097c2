import Frames

/// What is known of the payload types while a capture is read.
struct KnownCodecs: Sendable {
  /// What an earlier reading has found out.
  private var found: [StreamKey: [UInt8: PayloadCodec]] = [:]
  /// What the SDP seen so far says of what is sent to an endpoint.
  private var declared: [FrameAddress: [UInt8: PayloadCodec]] = [:]

  private static let mostEndpoints = 100_000

  /// Takes a party's word.
  mutating func declare(_ media: AudioMedia) {
    guard declared[media.endpoint] != nil || declared.count < Self.mostEndpoints else { return }
    declared[media.endpoint, default: [:]].merge(media.codecs) { _, newer in newer }
  }

  /// Takes the result of an earlier reading, which counts more than any word.
  mutating func find(_ codec: PayloadCodec, of type: UInt8, in key: StreamKey) {
    found[key, default: [:]][type] = codec
  }

  /// The receiver's word counts (RFC 3264 §5.1), then the sender's, then RFC 3551; nil if there is none.
  func codec(of type: UInt8, in key: StreamKey) -> PayloadCodec? {
    found[key]?[type] ?? declared[key.target]?[type] ?? declared[key.source]?[type]
      ?? PayloadCodec(staticPayloadType: type)
  }
}
