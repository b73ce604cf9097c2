import RTP
import SIPMessage

/// Packets of telephone-event: two bytes of sequence number, four of time, one of flags, then the payload's four; the
/// whole is also read as the body of an INFO.
func fuzzEvent(_ bytes: [UInt8]) throws(Broken) {
  var detector = EventDetector()
  var keys = 0
  var begins = 0
  var place = 0
  while bytes.count - place >= 11 {
    let packet = Array(bytes[place..<place + 11])
    place += 11
    let header = RTPHeader(
      payloadType: 101, sequenceNumber: UInt16(packet[0]) << 8 | UInt16(packet[1]),
      timestamp: packet[2...5].reduce(0) { $0 << 8 | UInt32($1) }, ssrc: UInt32(packet[6] & 0x7F),
      marker: packet[6] & 0x80 != 0)
    guard let event = Array(packet[7...]).withUnsafeBytes({ TelephoneEvent(parsing: $0) }) else {
      throw Broken(property: "four bytes are an event")
    }
    try eventSurvives(event)
    if detector.receive(event, in: header) != nil { keys += 1 }
    if event.digit != nil { begins += 1 }
    // The same packet again, as a network that doubles brings it, is no second press.
    try hold(detector.receive(event, in: header) == nil, "a doubled packet is no press")
  }
  try hold(keys <= begins, "there are no more presses than packets with a key")
  try pressIsHeardOnce(bytes.first ?? 0, milliseconds: bytes.count > 1 ? Int(bytes[1]) * 8 : 100)
  for type in ["application/dtmf-relay", "application/dtmf"] {
    guard let pressed = InfoDigit(contentType: type, body: bytes) else { continue }
    try hold(TelephoneEvent.code(of: pressed.digit) != nil, "an INFO's key is a key: \(pressed.digit)")
    try hold(pressed.milliseconds.map { (1...60_000).contains($0) } ?? true, "an INFO's key lasts 1 to 60000 ms")
  }
}

private func eventSurvives(_ event: TelephoneEvent) throws(Broken) {
  var buffer = [UInt8](repeating: 0, count: 4)
  let count = buffer.withUnsafeMutableBytes { event.write(into: $0) }
  let again = buffer.withUnsafeBytes { TelephoneEvent(parsing: $0) }
  try hold(count == 4 && again == event, "an event survives writing")
  if let digit = event.digit {
    try hold(TelephoneEvent.code(of: digit) == event.code, "a key has one code: \(digit)")
  }
}

/// What we send for a key is heard as that key, once.
private func pressIsHeardOnce(_ code: UInt8, milliseconds: Int) throws(Broken) {
  guard let digit = TelephoneEvent.digit(of: code % 16) else { return }
  guard var sender = EventSender(digit: digit, milliseconds: milliseconds) else { return }
  var detector = EventDetector()
  var heard: [Character] = []
  var sequence: UInt16 = 65_530
  while let packet = sender.next() {
    let header = RTPHeader(
      payloadType: 101, sequenceNumber: sequence, timestamp: 4_294_967_000, ssrc: 1, marker: packet.marker)
    if let key = detector.receive(packet.event, in: header) { heard.append(key) }
    sequence &+= 1
    try hold(heard.count <= 1 && sequence != 65_529, "a press ends")
  }
  try hold(heard == [digit], "a press of \(digit) is heard once: \(heard)")
}
