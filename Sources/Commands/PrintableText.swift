import Telephony

/// How many columns of a terminal `text` takes, as far as that can be known without asking the terminal.
///
/// Combining marks take none, East Asian wide characters and emoji two (UAX #11), all others one.
package func displayWidth(_ text: String) -> Int {
  let isPlain = text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
  // A character of several scalars (a letter with its accents, a flag) is as wide as the widest of them.
  return isPlain ? text.utf8.count : text.reduce(0) { $0 + ($1.unicodeScalars.map(width).max() ?? 0) }
}

/// `text` without anything that would steer a terminal or turn the writing round: such characters become `?`.
///
/// What is printed comes from files, names and peers; none of it is trusted.
package func printable(_ text: String) -> String {
  if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
  return String(String.UnicodeScalarView(text.unicodeScalars.map { isSteering($0) ? "?" : $0 }))
}

/// `text` inside the quotes of a JSON string (RFC 8259 §7); what would steer a terminal is escaped as well.
package func jsonEscaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case _ where isSteering(scalar):
      for unit in String(scalar).utf16 {
        result += "\\u" + hexadecimal([UInt8(truncatingIfNeeded: unit >> 8), UInt8(truncatingIfNeeded: unit)])
      }
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

private func isSteering(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
  // Joiners are part of names and emoji; the other format characters turn the direction of writing or hide.
  case .format: scalar != "\u{200C}" && scalar != "\u{200D}"
  default: false
  }
}

private func width(_ scalar: Unicode.Scalar) -> Int {
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format, .control: return 0
  default: return scalar.properties.isEmojiPresentation || isWide(scalar.value) ? 2 : 1
  }
}

/// The blocks whose characters are wide in every font.
private func isWide(_ value: UInt32) -> Bool {
  switch value {
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
    0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1_F300...0x1_F64F, 0x1_F900...0x1_F9FF, 0x2_0000...0x3_FFFD:
    true
  default: false
  }
}
