import Hunting
import Telephony

// The journal as text: one line a record, `crc seq time kind key=value …`, fields separated by tabs. The CRC covers the
// rest of the line, so that a torn or damaged line is known as such and passed over.

extension JournalEntry {
  /// The line, with its line end.
  var line: [UInt8] {
    var fields = [String(sequence), String(time.microseconds)]
    switch record {
    case .opened(let hop): fields += ["hop"] + hop.fields
    case .ended(let call): fields += ["end"] + call.fields
    case .settled(let upTo, let counter):
      fields += ["settled", field("upto", upTo)] + (counter.map { [field("next", $0)] } ?? [])
    case .began(let next): fields += ["began", field("next", next)]
    case .stopped(let next): fields += ["stopped", field("next", next)]
    }
    let body = Array(fields.joined(separator: "\t").utf8)
    let check = String(checksum(body), radix: 16)
    return Array(String(repeating: "0", count: 8 - check.utf8.count).utf8) + Array(check.utf8) + [0x09] + body + [0x0A]
  }

  /// Reads a line without its line end; nil if it is damaged.
  init?(line: some Collection<UInt8>) {
    let bytes = Array(line)
    guard bytes.count > 9, bytes[8] == 0x09,
      let check = UInt32(String(decoding: bytes[..<8], as: UTF8.self), radix: 16),
      checksum(bytes[9...]) == check
    else { return nil }
    let parts = String(decoding: bytes[9...], as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
    guard parts.count >= 3, let sequence = UInt64(parts[0]), let time = Int64(parts[1]) else { return nil }
    var fields = JournalFields(parts[3...])
    guard let record = JournalRecord(kind: parts[2], &fields) else { return nil }
    self.init(sequence: sequence, time: WallTime(microseconds: time), record: record)
  }
}

/// What reading a journal gave.
struct JournalReading: Sendable {
  /// In the order of their numbers. A record that was written twice, because a sync failed, can be there twice: to take
  /// it again changes nothing.
  var entries: [JournalEntry] = []
  /// Whole lines that could not be read. A torn last line is not among them: it was never promised.
  var damagedLines = 0

  init(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      guard let entry = JournalEntry(line: line) else {
        if index < lines.count - 1 { damagedLines += 1 }
        continue
      }
      entries.append(entry)
    }
    // A batch that was written again after a failed sync can stand behind later records.
    let order = entries.enumerated().sorted { ($0.element.sequence, $0.offset) < ($1.element.sequence, $1.offset) }
    entries = order.map(\.element)
  }
}

// MARK: - Writing

extension OpenedHop {
  fileprivate var fields: [String] {
    [
      field("call", call), field("hop", hop.rawValue), field("ticket", ticket), field("next", next),
      field("user", user), field("caller", caller), field("start", start.microseconds), field("origin", origin),
      field("dialled", dialled), field("ring", ring.microseconds),
    ] + (ownersNumber.map { [field("owner", $0)] } ?? []) + (closing?.fields ?? [])
  }
}

extension ClosedHop {
  fileprivate var fields: [String] {
    [field("closes", hop.rawValue), field("end", end.microseconds), field("file", file)]
  }
}

extension EndedCall {
  fileprivate var fields: [String] {
    var fields = [field("call", call), field("cdr", cdr), field("cdrfile", cdrFile)] + (closing?.fields ?? [])
    for message in messages {
      fields += [
        field("message", message.channel.rawValue), field("hop", message.hop.rawValue),
        field("ticket", message.ticket), field("user", message.user), field("caller", message.caller),
        field("text", message.text), field("created", message.created.microseconds),
      ]
    }
    return fields
  }
}

/// `key=value`; `%`, tabs, line ends and other control characters of the value as `%XX`.
private func field(_ key: String, _ value: some CustomStringConvertible) -> String {
  var text: [UInt8] = Array(key.utf8) + [0x3D]
  for byte in value.description.utf8 {
    if byte < 0x20 || byte == 0x25 || byte == 0x7F {
      text += [0x25] + Array(hexadecimal([byte]).utf8)
    } else {
      text.append(byte)
    }
  }
  return String(decoding: text, as: UTF8.self)
}

// MARK: - Reading

/// The fields of a line, taken in the order in which they were written; unknown ones are passed over, so that an older
/// Pikett reads what a newer one wrote.
private struct JournalFields {
  private var rest: ArraySlice<(key: String, value: String)>

  init(_ parts: ArraySlice<Substring>) {
    rest =
      parts.map { part in
        let equals = part.firstIndex(of: "=") ?? part.endIndex
        return (String(part[..<equals]), unescaped(part[equals...].dropFirst()))
      }[...]
  }

  /// The next field named `key`; those before it are passed over only if it is there.
  mutating func text(_ key: String) -> String? {
    guard let index = rest.firstIndex(where: { $0.key == key }) else { return nil }
    defer { rest = rest[(index + 1)...] }
    return rest[index].value
  }

  mutating func number(_ key: String) -> Int64? { text(key).flatMap { Int64($0) } }
  mutating func time(_ key: String) -> WallTime? { number(key).map { WallTime(microseconds: $0) } }
  mutating func hop(_ key: String) -> HopID? { number(key).flatMap { Int(exactly: $0) }.map { HopID(rawValue: $0) } }
  mutating func ticket(_ key: String) -> TicketNumber? { text(key).flatMap { TicketNumber($0) } }
}

private func unescaped(_ text: Substring) -> String {
  var bytes: [UInt8] = []
  var rest = Array(text.utf8)[...]
  while let byte = rest.popFirst() {
    if byte == 0x25, let high = rest.first?.hexadecimalValue, let low = rest.dropFirst().first?.hexadecimalValue {
      bytes.append(high << 4 | low)
      rest = rest.dropFirst(2)
    } else {
      bytes.append(byte)
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}

extension JournalRecord {
  fileprivate init?(kind: Substring, _ fields: inout JournalFields) {
    switch kind {
    case "hop":
      guard let hop = OpenedHop(&fields) else { return nil }
      self = .opened(hop)
    case "end":
      guard let call = EndedCall(&fields) else { return nil }
      self = .ended(call)
    case "settled":
      guard let upTo = fields.number("upto"), let sequence = UInt64(exactly: upTo) else { return nil }
      self = .settled(upTo: sequence, counter: fields.ticket("next"))
    case "began":
      guard let next = fields.ticket("next") else { return nil }
      self = .began(next: next)
    case "stopped":
      guard let next = fields.ticket("next") else { return nil }
      self = .stopped(next: next)
    default: return nil
    }
  }
}

extension OpenedHop {
  fileprivate init?(_ fields: inout JournalFields) {
    guard let call = fields.text("call"), let hop = fields.hop("hop"), let ticket = fields.ticket("ticket"),
      let next = fields.ticket("next"), let user = fields.text("user"), let caller = fields.text("caller"),
      let start = fields.time("start"), let origin = fields.text("origin"), let dialled = fields.text("dialled"),
      let ring = fields.time("ring")
    else { return nil }
    let owner = fields.ticket("owner")
    self.init(
      call: call, hop: hop, ticket: ticket, next: next, ownersNumber: owner, user: user, caller: CallerName(caller),
      start: start, closing: ClosedHop(&fields), origin: origin, dialled: dialled, ring: ring)
  }
}

extension ClosedHop {
  fileprivate init?(_ fields: inout JournalFields) {
    guard let hop = fields.hop("closes"), let end = fields.time("end"), let file = fields.text("file") else {
      return nil
    }
    self.init(hop: hop, end: end, file: file)
  }
}

extension EndedCall {
  fileprivate init?(_ fields: inout JournalFields) {
    guard let call = fields.text("call"), let cdr = fields.text("cdr"), let cdrFile = fields.text("cdrfile") else {
      return nil
    }
    let closing = ClosedHop(&fields)
    var messages: [MessageOrder] = []
    while let channel = fields.text("message") {
      guard let channel = MessageChannel(rawValue: channel), let hop = fields.hop("hop"),
        let ticket = fields.ticket("ticket"), let user = fields.text("user"), let caller = fields.text("caller"),
        let text = fields.text("text"), let created = fields.time("created")
      else { return nil }
      messages.append(
        MessageOrder(
          channel: channel, call: call, hop: hop, ticket: ticket, user: user, caller: CallerName(caller), text: text,
          created: created))
    }
    self.init(call: call, closing: closing, messages: messages, cdr: cdr, cdrFile: cdrFile)
  }
}

// MARK: - Checksum

/// CRC-32 as in Ethernet and zip (polynomial 0xEDB88320, reflected).
func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
  var crc: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
  return ~crc
}
