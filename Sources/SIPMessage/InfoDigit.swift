import Telephony

/// A key press in the body of an INFO: `application/dtmf-relay` (`Signal=1`, `Duration=160`) or `application/dtmf`
/// (`1`). No RFC defines them; this is what phones and exchanges send.
package struct InfoDigit: Hashable, Sendable {
  /// `0` to `9`, `*`, `#`, `A` to `D`.
  package var digit: Character
  /// How long the key was held, 1 to 60000; nil if it is not told.
  package var milliseconds: Int?

  package init(digit: Character, milliseconds: Int? = nil) {
    self.digit = digit
    self.milliseconds = milliseconds
  }

  /// - Parameter contentType: as `Headers.contentType` gives it.
  /// - Returns: nil for another type, a body without a key, and the flash (event 16).
  package init?(contentType: String?, body: [UInt8]) {
    guard contentType == "application/dtmf-relay" || contentType == "application/dtmf" else { return nil }
    var key: Character?
    var duration: Int?
    for line in body.prefix(256).split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
      let text = String(decoding: line, as: UTF8.self)
      let parts = text.split(separator: "=", maxSplits: 1).map(\.trimmed)
      if let name = parts.first, parts.count == 2 {
        if name.equalsIgnoringCase("Signal") { key = key ?? keyNamed(parts[1]) }
        if name.equalsIgnoringCase("Duration"), parts[1].isDigits { duration = Int(parts[1]) }
      } else if contentType == "application/dtmf" {
        key = key ?? keyNamed(text.trimmed)
      }
    }
    guard let key else { return nil }
    digit = key
    milliseconds = duration.flatMap { $0 > 0 ? min($0, 60_000) : nil }
  }
}

/// A key by its sign, or by its event number of RFC 4733 §3.2, in which some send star and hash.
private func keyNamed(_ text: String) -> Character? {
  switch text {
  case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D": text.first
  case "a": "A"
  case "b": "B"
  case "c": "C"
  case "d": "D"
  case "10": "*"
  case "11": "#"
  case "12": "A"
  case "13": "B"
  case "14": "C"
  case "15": "D"
  default: nil
  }
}
