/// An RTP stream of a capture, for people.
package struct RecordedStream: Hashable, Sendable {
  /// Address and port.
  package var source: String
  package var target: String
  package var ssrc: UInt32
  /// What is in it, key presses and comfort noise too, in order of the packets' number.
  package var codecs: [PayloadCodec]
  package var packetCount: Int
  /// Packets missing by their sequence numbers.
  package var lostCount: Int
  /// Interarrival jitter (RFC 3550 §6.4.1) in nanoseconds: its mean, and its most.
  package var jitter: Int64
  package var mostJitter: Int64
  /// When its first and last packets came: nanoseconds since 1970 on the capture's clock.
  package var firstTime: Int64
  package var lastTime: Int64
}
