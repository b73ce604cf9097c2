/// One INVITE session of ours with a peer, whoever called; never used twice in a run.
package struct LegID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package var rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  package var description: String { "leg \(rawValue)" }
  package static func < (a: LegID, b: LegID) -> Bool { a.rawValue < b.rawValue }
}

/// A request outside of any dialog that the owner asked for (MESSAGE, REGISTER, OPTIONS); the owner picks the number.
package struct RequestID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package var rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  package var description: String { "request \(rawValue)" }
  package static func < (a: RequestID, b: RequestID) -> Bool { a.rawValue < b.rawValue }
}
