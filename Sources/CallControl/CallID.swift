package import Telephony

/// One call that came in, from its INVITE to its end: `1353412812.000317`, the time it came to the microsecond.
///
/// It names the call in the log, in the journal and as Uniqueid in the CDR, and is never used twice.
package struct CallID: Hashable, Comparable, Sendable, CustomStringConvertible {
  private let microseconds: Int64

  /// - Parameter previous: the call before it; of two calls in one microsecond the later takes the next one.
  package init(at now: WallTime, after previous: CallID?) {
    microseconds = max(now.microseconds, (previous?.microseconds ?? .min).addingReportingOverflow(1).partialValue)
  }

  package var description: String { "\(microseconds / 1_000_000).\(padded(abs(microseconds % 1_000_000), 6))" }

  package static func < (a: CallID, b: CallID) -> Bool { a.microseconds < b.microseconds }
}
