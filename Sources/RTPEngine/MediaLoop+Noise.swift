import Audio
import RTP

/// The noise that stands for a pause of the other side (RFC 3389), for legs that take no comfort noise themselves: without it
/// the line sounds dead.
///
/// Of the description the level counts; the spectrum, which may follow, does not: the noise is white.
struct ComfortNoise {
  /// No louder than this, whatever a peer says, in dB below the loudest.
  private static let loudest = 30
  private var state: UInt32
  private let amplitude: Int32
  /// The packet that described it.
  private let ssrc: UInt32
  private let sequenceNumber: UInt16

  /// - Parameters:
  ///   - level: in dB below overload (RFC 3389 §3.1); the upper bit means nothing.
  ///   - header: that of the packet in which it came.
  init(level: UInt8, in header: RTPHeader) {
    // Of noise that is spread evenly up to an amplitude, the level is √3 lower.
    var amplitude = 32_768 * 1.732_050_8
    for _ in 0..<max(Self.loudest, Int(level & 0x7F)) { amplitude *= 0.891_250_9 }
    self.amplitude = Int32(amplitude.rounded())
    state = (header.ssrc ^ header.timestamp) | 1
    ssrc = header.ssrc
    sequenceNumber = header.sequenceNumber
  }

  /// True if a packet was sent before the pause began, and is late.
  func isNewer(than header: RTPHeader) -> Bool {
    header.ssrc == ssrc && Int16(bitPattern: header.sequenceNumber &- sequenceNumber) < 0
  }

  /// The next sample.
  mutating func next() -> Int16 {
    // Marsaglia's xorshift: quick, and nobody guesses anything from it.
    state ^= state << 13
    state ^= state >> 17
    state ^= state << 5
    let unit = Int64(Int32(bitPattern: state))
    return Int16(truncatingIfNeeded: (unit * Int64(amplitude)) >> 31)
  }
}

extension MediaLoop {
  /// A description of noise has come from the leg in `slot`: passed on to a side that takes such, else rendered there, until
  /// the sound goes on.
  func noiseCame(_ slot: Int, _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader) {
    let peer = Int(legs[slot].peer)
    guard peer >= 0, header.payloadLength > 0 else { return }
    if let type = legs[peer].comfortNoise { return relay(to: peer, packet, header, type: type) }
    // Its length is the receiver's affair: the side that pauses sends nothing more until something changes.
    let isNew = reserves[peer].noise == nil
    guard reserves[peer].noise?.isNewer(than: header) != true else { return }
    reserves[peer].noise = ComfortNoise(level: packet[header.payloadOffset], in: header)
    if isNew, !legs[peer].isSounding { legs[peer].rewriter.cut() }
    legs[peer].isSounding = true
  }

  /// Sends one packet of noise.
  func noisePacket(_ slot: Int) {
    guard reserves[slot].noise != nil else { return }
    let count = reserves[slot].packetSamples
    let law = legs[slot].sendLaw
    let isWide = legs[slot].sendKind == .g722
    for index in 0..<count {
      let sample = reserves[slot].noise?.next() ?? 0
      if isWide { linear[index] = sample } else { own[RTPHeader.fixedLength + index] = law.encode(sample) }
    }
    if isWide { widenOwn(slot, count) }
    sendOwn(slot, type: legs[slot].sendPayloadType, payloadLength: count, samples: count) { _ in }
  }

  /// The other side is to be heard on the leg in `slot` while something else sounds there: noise gives way.
  /// - Parameter header: that of the packet which is to be heard; nil: the pause is over without one.
  /// - Returns: false if what sounds is not noise, or the packet is older than the pause.
  func makesRoom(_ slot: Int, for header: RTPHeader? = nil) -> Bool {
    guard let noise = reserves[slot].noise else { return false }
    if let header, noise.isNewer(than: header) { return false }
    reserves[slot].noise = nil
    legs[slot].isSounding = reserves[slot].hasSound
    return !legs[slot].isSounding
  }
}
