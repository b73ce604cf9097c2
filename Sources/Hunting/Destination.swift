package import Telephony

/// Where a dialled number leads.
package enum Destination: Hashable, Sendable {
  /// Into the hunt: `799`, `799*`, `799*731`, `799731`.
  case hunt(HuntEntry)
  /// To the waiting queue of this name (`720`).
  case queue(String)
  /// To the user of this number (`731`).
  case user(String)
  /// A feature code behind the XML number: `799**…`. It is never a call (404).
  case reserved
  /// The beginning of a number of the site: more digits are to come (484).
  case incomplete
  /// Not a number of the site: 404 for a call from outside; a key's map bridges it without ticket or recording.
  case unknown
}

/// The numbers of a site, to compare a dialled one with.
package struct NumberPlan: Hashable, Sendable {
  private let xmlNumber: String
  private let queues: [QueueNumber]
  private let users: [String]

  private struct QueueNumber: Hashable, Sendable {
    var name: String
    var number: String
  }

  /// - Parameters:
  ///   - xmlNumber: the number of the ticketing object.
  ///   - queues: the waiting queues' names, each with one of its numbers; of two that clash the first counts.
  ///   - users: the users' numbers.
  package init(xmlNumber: PhoneNumber, queues: [(name: String, number: PhoneNumber)], users: [String]) {
    self.xmlNumber = xmlNumber.canonical
    self.queues = queues.map { QueueNumber(name: $0.name, number: $0.number.canonical) }
    self.users = users
  }

  /// Where `number` leads.
  package func destination(of number: PhoneNumber) -> Destination {
    let dialled = number.canonical
    if let queue = queues.first(where: { $0.number == dialled }) { return .queue(queue.name) }
    if dialled.hasPrefix(xmlNumber + "**") { return .reserved }
    if let entry = huntEntry(dialled) { return .hunt(entry) }
    if users.contains(dialled) { return .user(dialled) }
    return isBeginning(dialled) ? .incomplete : .unknown
  }

  /// `799` and `799*` → on duty; `799*731` → on duty, default 731; `799731` → at 731.
  private func huntEntry(_ dialled: String) -> HuntEntry? {
    guard dialled.hasPrefix(xmlNumber) else { return nil }
    let rest = dialled.dropFirst(xmlNumber.count)
    if rest.isEmpty || rest == "*" { return .onDuty(default: nil) }
    if users.contains(String(rest)) { return .at(String(rest)) }
    guard rest.hasPrefix("*") else { return nil }
    // A default user who has left the site must not cost the call; the beginning of one who is there is incomplete.
    let user = String(rest.dropFirst())
    let isWhole = user.isDigits && (users.contains(user) || !users.contains { $0.hasPrefix(user) })
    return isWhole ? .onDuty(default: user) : nil
  }

  private func isBeginning(_ dialled: String) -> Bool {
    let known = queues.map(\.number) + [xmlNumber] + users + users.flatMap { [xmlNumber + $0, xmlNumber + "*" + $0] }
    return known.contains { $0.hasPrefix(dialled) && $0 != dialled }
  }
}

extension PhoneNumber {
  /// Reads the user part of a Request-URI: escapes such as `%2A` are decoded, `;params` and separators dropped.
  ///
  /// Returns nil if what remains is no number, or an escape is broken.
  package init?(uriUser text: some StringProtocol) {
    var decoded: [UInt8] = []
    var bytes = text.utf8.prefix { $0 != UInt8(ascii: ";") }.makeIterator()
    while let byte = bytes.next() {
      if byte != UInt8(ascii: "%") {
        decoded.append(byte)
      } else if let high = bytes.next()?.hexadecimalValue, let low = bytes.next()?.hexadecimalValue {
        decoded.append(high << 4 | low)
      } else {
        return nil
      }
    }
    self.init(String(decoding: decoded, as: UTF8.self))
  }
}
