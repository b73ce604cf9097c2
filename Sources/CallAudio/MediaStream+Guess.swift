/// What a stream's regularity tells where no SIP does.
extension MediaStream {
  /// True if this is the other one on the far side of a relay, which leaves SSRC and packets as they are.
  func isCopy(of other: MediaStream) -> Bool {
    let apart = [firstTime &- other.firstTime, lastTime &- other.lastTime]
    return key.ssrc == other.key.ssrc && key.flow != other.key.flow && apart.allSatisfy { $0.magnitude < 1_000_000_000 }
      && (packetCount - other.packetCount).magnitude <= max(packetCount, other.packetCount) / 10
  }

  /// True if the stream is sound without doubt: its numbers follow each other, and its timestamps go with its packets'
  /// length or with the time.
  ///
  /// - Parameter leastPackets: how many packets it must have.
  func looksLikeSound(leastPackets: Int) -> Bool {
    guard packetCount >= leastPackets, payloads.count <= 8, regularity.successions * 2 >= min(packetCount - 1, 1000),
      let main = mainPayload
    else { return false }
    if main.longest <= 8 { return main.type >= 96 && main.count == packetCount }
    guard regularity.step > 0, regularity.step <= 48_000 else { return false }
    switch PayloadCodec(staticPayloadType: main.type) {
    case .pcmu, .pcma, .g722:
      // As long as it lasts; a little longer where it is encrypted (RFC 3711 §3.1).
      return regularity.length >= regularity.step && regularity.length <= Int(regularity.step) + Self.longestTag
        || isSteady
    case .gsm, .g729, .l16, .other, .opus: return isSteady
    case .telephoneEvent, .comfortNoise: return true
    case nil: return main.type >= 96 && isSteady && measuredRate != nil
    }
  }

  /// What a payload type stands for that neither SDP nor RFC 3551 explains.
  func guess(_ payload: Payload) -> PayloadCodec {
    guard payload.codec == PayloadCodec(unexplained: payload.type), payload.type >= 35 else { return payload.codec }
    let rate = measuredRate ?? 8000
    if payload.longest <= 8 { return .telephoneEvent(clockRate: payloads.count == 1 ? 8000 : rate) }
    guard payload.type == mainPayload?.type else { return .other("type \(payload.type)", clockRate: rate) }
    let step = Int(regularity.step)
    if isSteady, step > 0, regularity.length == step * 2 { return .l16(rate: rate, channels: 1) }
    if isSteady, step > 0, regularity.length == step * 4 { return .l16(rate: rate, channels: 2) }
    if rate == 48_000, step > 0, step % 120 == 0, step <= 5760 { return .opus(channels: 2) }
    return .other("type \(payload.type)", clockRate: rate)
  }

  /// True if the packets of a codec of a byte a sample are longer than they last: what is there more is the tag that
  /// SRTP puts behind them (RFC 3711 §3.1).
  func isEncrypted(_ codec: PayloadCodec) -> Bool {
    guard codec == .pcmu || codec == .pcma || codec == .g722, regularity.step > 0, isSteady else { return false }
    return regularity.length >= Int(regularity.step) + 4 && regularity.length <= Int(regularity.step) + Self.longestTag
  }

  /// The tag and a key's name (RFC 3711 §3.1).
  private static let longestTag = 30

  /// The payload type with most packets.
  private var mainPayload: Payload? { payloads.max { ($0.count, $1.type) < ($1.count, $0.type) } }

  /// True if most packets have the same step of time behind them.
  private var isSteady: Bool { regularity.steadySteps * 2 > regularity.successions }

  /// The clock rate that the timestamps keep against the arrivals; nil if it is none that sound has.
  private var measuredRate: Int? {
    guard regularity.units > 0, regularity.time > 0, regularity.successions >= 2 else { return nil }
    let measured = Double(regularity.units) / Double(regularity.time) * 1e9
    let rates = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
    let nearest = rates.min { abs(Double($0) - measured) < abs(Double($1) - measured) } ?? 8000
    return abs(Double(nearest) - measured) < Double(nearest) / 5 ? nearest : nil
  }
}
