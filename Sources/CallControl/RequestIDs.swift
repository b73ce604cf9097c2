import SIPUserAgent

/// The one source of numbers for requests outside of dialogs, whatever they are sent for.
struct RequestIDs: Sendable {
  private var last: UInt64 = 0

  mutating func next() -> RequestID {
    last += 1
    return RequestID(rawValue: last)
  }
}
