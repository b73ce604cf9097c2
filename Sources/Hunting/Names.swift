/// The number of a ticket, as the caller and the technician are told it: 1, 2, 3, …
package struct TicketNumber: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package var rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Reads the number as `TickeNR.TXT` and the ticket log write it: decimal digits, at least 1.
  ///
  /// Returns nil for anything else, and for what leaves no room for a next number.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = UInt64(text), value >= 1,
      value <= TicketNumber.highest
    else { return nil }
    rawValue = value
  }

  /// The highest number that is drawn: 15 digits, so that the message stays readable and no sum can overflow.
  package static let highest: UInt64 = 999_999_999_999_999

  package var description: String { String(rawValue) }

  package static func < (a: TicketNumber, b: TicketNumber) -> Bool { a.rawValue < b.rawValue }
}

/// The n-th hop of a call; the first is 1. Each hop has its own ticket number.
package struct HopID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package var rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let first = HopID(rawValue: 1)

  /// The hop after this one.
  package var next: HopID { HopID(rawValue: rawValue &+ 1) }

  package var description: String { "hop \(rawValue)" }

  package static func < (a: HopID, b: HopID) -> Bool { a.rawValue < b.rawValue }
}

/// One phone that is rung in a hop: the user's desk phone (0) or one of his forks (1, 2, …, in the order of `Fork.txt`).
package struct BranchID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var hop: HopID
  /// 0 is the desk phone; n is the n-th fork.
  package var index: Int
  /// 0, or n for the n-th further phone where the user has registered several.
  package var phone: Int

  package init(hop: HopID, index: Int, phone: Int = 0) {
    self.hop = hop
    self.index = index
    self.phone = phone
  }

  package var description: String {
    let which = index == 0 ? "desk phone" : "fork \(index)"
    return phone == 0 ? "\(hop), \(which)" : "\(hop), \(which), phone \(phone + 1)"
  }

  package static func < (a: BranchID, b: BranchID) -> Bool { (a.hop, a.index, a.phone) < (b.hop, b.index, b.phone) }
}
