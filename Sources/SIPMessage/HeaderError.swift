/// Why a header field, or a part of one, could not be read.
package struct HeaderError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The field is not there.
    case missing
    /// A field that may stand once stands several times (RFC 3261 §7.3.1).
    case repeated
    /// Against the grammar of RFC 3261 §25.
    case malformed
    /// A number beyond what the field allows, such as a CSeq of 2^31 or a port of 70000.
    case outOfRange
  }

  package var kind: Kind
  /// What was expected, in a few plain words of ours; never holds the peer's own bytes.
  package var detail: String

  package init(_ kind: Kind, _ detail: String) {
    self.kind = kind
    self.detail = detail
  }

  package var description: String { detail }

  /// The same error with the field's name before it.
  func inField(_ name: HeaderName) -> HeaderError { HeaderError(kind, "\(name.text): \(detail)") }
}
