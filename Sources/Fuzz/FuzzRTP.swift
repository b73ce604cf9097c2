import RTP
import Telephony

/// Packets, each behind two bytes for its length and one for how much later it comes.
func fuzzRTP(_ bytes: [UInt8]) throws(Broken) {
  var tracker = SequenceTracker()
  var rewriter = StreamRewriter(ssrc: 0x5049_4B54, sequence: 1, timestamp: 1)
  var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 1_350_043_200_000_000))
  var place = 0
  while bytes.count - place > 3 {
    let length = min(Int(bytes[place]) << 8 | Int(bytes[place + 1]), bytes.count - place - 3)
    now = now + .milliseconds(Int(bytes[place + 2]))
    let packet = Array(bytes[place + 3..<place + 3 + length])
    place += 3 + length
    if packet.withUnsafeBytes({ RTCPReader.isRTCP($0) }) {
      try readControl(packet)
      continue
    }
    guard let header = packet.withUnsafeBytes({ try? RTPHeader(parsing: $0) }) else { continue }
    try hold(
      header.payloadOffset >= 12 && header.payloadLength >= 0 && header.payloadRange.upperBound <= packet.count,
      "the payload lies within the packet")
    _ = tracker.receive(header.sequenceNumber, timestamp: header.timestamp, at: now.instant)
    if let out = rewriter.relay(header, at: now.instant) {
      try hold(out.ssrc == 0x5049_4B54, "what goes out bears our SSRC")
      try isRewritten(packet, out)
    }
  }
  _ = (tracker.expected, tracker.cumulativeLost, tracker.jitter, tracker.takeFractionLost())
  if let report = rewriter.senderReport(at: now) { try reportSurvives(report) }
}

/// Overwriting changes the header's five fields and nothing else.
private func isRewritten(_ packet: [UInt8], _ header: RTPHeader) throws(Broken) {
  var copy = packet
  let isDone = copy.withUnsafeMutableBytes { header.overwrite($0) }
  try hold(isDone, "a packet that was read can be overwritten")
  guard let again = copy.withUnsafeBytes({ try? RTPHeader(parsing: $0) }) else {
    throw Broken(property: "an overwritten packet can be read")
  }
  try hold(again == header, "an overwritten packet holds what was written")
  try hold(copy.dropFirst(12) == packet.dropFirst(12), "the rest of the packet stays")
}

private func readControl(_ packet: [UInt8]) throws(Broken) {
  var count = 0
  var fault: String?
  packet.withUnsafeBytes { buffer in
    var reader = RTCPReader(buffer.bytes)
    while let item = try? reader.next() {
      count += 1
      if case .canonicalName(_, let range) = item, range.lowerBound < 4 || range.upperBound > packet.count {
        fault = "a name lies within the packet"
      }
      if count > packet.count {
        fault = "there are no more items than bytes"
        return
      }
    }
  }
  if let fault { throw Broken(property: fault) }
}

private func reportSurvives(_ report: SenderReport) throws(Broken) {
  var buffer = [UInt8](repeating: 0, count: 256)
  let count = buffer.withUnsafeMutableBytes { bytes in
    var writer = RTCPWriter(bytes)
    writer.append(report)
    return writer.count
  }
  let first = buffer[..<count].withUnsafeBytes { bytes in
    var reader = RTCPReader(bytes.bytes)
    return try? reader.next()
  }
  try hold(first == .senderReport(report), "a sender report survives writing")
}
