import Telephony

/// A text with placeholders in braces: `{number}`, `{text}`, …
///
/// A brace that does not enclose small letters is an ordinary character, so that JSON can be written as it is.
package struct Template: Hashable, Sendable {
  private let parts: [Part]

  private enum Part: Hashable, Sendable {
    case literal(String)
    case placeholder(Placeholder)
  }

  /// What can be filled in.
  package enum Placeholder: String, Hashable, Sendable, CaseIterable {
    /// The mobile's number: by the rule of `SMSprefix.txt`.
    case number
    /// The same in digits only: without `+` or `00`.
    case digits
    case text
    case user
    case password
    case sender
    /// Base64 of `user:password`, for `Authorization: Basic {basic}` (RFC 7617).
    case basic
  }

  /// How a value must be written where it is filled in.
  package enum Context: Hashable, Sendable {
    /// Percent-encoded (RFC 3986 §2.3).
    case url
    /// As inside a JSON string (RFC 8259 §7).
    case json
    /// As character data or attribute value (XML 1.0 §2.4).
    case xml
    /// In a header: without control characters.
    case header
    /// As it is.
    case plain
  }

  /// An unknown placeholder.
  package struct UnknownPlaceholder: Error, Hashable, Sendable {
    package var name: String
  }

  /// Reads a template.
  package init(_ text: String) throws(UnknownPlaceholder) {
    var parts: [Part] = []
    var literal = ""
    var rest = Substring(text)
    while let character = rest.first {
      if character == "{", let end = rest.firstIndex(of: "}") {
        let name = rest[rest.index(after: rest.startIndex)..<end]
        if !name.isEmpty, name.utf8.allSatisfy({ (0x61...0x7A).contains($0) }) {
          guard let placeholder = Placeholder(rawValue: String(name)) else {
            throw UnknownPlaceholder(name: String(name))
          }
          if !literal.isEmpty { parts.append(.literal(literal)) }
          literal = ""
          parts.append(.placeholder(placeholder))
          rest = rest[rest.index(after: end)...]
          continue
        }
      }
      literal.append(character)
      rest.removeFirst()
    }
    if !literal.isEmpty { parts.append(.literal(literal)) }
    self.parts = parts
  }

  /// True if `placeholder` is filled in.
  package func uses(_ placeholder: Placeholder) -> Bool { parts.contains(.placeholder(placeholder)) }

  /// The text with its values, each written as `context` needs it.
  package func filled(_ context: Context, _ value: (Placeholder) -> String) -> String {
    var text = ""
    for part in parts {
      switch part {
      case .literal(let literal): text += literal
      case .placeholder(let placeholder): text += Template.escaped(value(placeholder), context)
      }
    }
    return text
  }

  /// `value` as it must be written in `context`.
  package static func escaped(_ value: String, _ context: Context) -> String {
    switch context {
    case .plain: value
    case .header: String(value.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.map { Character($0) })
    case .url: percentEncoded(value)
    case .json: value.unicodeScalars.map(jsonEscaped).joined()
    case .xml: value.unicodeScalars.map(xmlEscaped).joined()
    }
  }

  private static func percentEncoded(_ value: String) -> String {
    var text = ""
    for byte in value.utf8 {
      let isUnreserved = byte.isASCIILetter || byte.isASCIIDigit || "-._~".utf8.contains(byte)
      text += isUnreserved ? String(Unicode.Scalar(byte)) : "%" + hexadecimal([byte]).uppercased()
    }
    return text
  }

  private static func jsonEscaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: scalar.value < 0x20 ? "\\u00" + hexadecimal([UInt8(scalar.value)]) : String(scalar)
    }
  }

  private static func xmlEscaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "&": "&amp;"
    case "<": "&lt;"
    case ">": "&gt;"
    case "\"": "&quot;"
    case "'": "&apos;"
    case "\n", "\r", "\t": "&#\(scalar.value);"
    // XML 1.0 has no way to write the other control characters.
    default: scalar.value < 0x20 ? "" : String(scalar)
    }
  }
}
