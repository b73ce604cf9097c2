import Telephony

/// The way to one member of a JSON text (RFC 8259), as jq writes it: `.messages[0].status`.
struct JSONPath: Hashable, Sendable {
  private enum Step: Hashable, Sendable {
    case member(String)
    case element(Int)
  }

  private let steps: [Step]

  /// Reads a path; nil if it is none.
  init?(_ text: String) {
    var steps: [Step] = []
    var rest = Substring(text)
    while let first = rest.popFirst() {
      switch first {
      case ".":
        let name = rest.prefix { $0 != "." && $0 != "[" }
        guard !name.isEmpty, !name.contains(where: { $0 == " " || $0 == "]" }) else { return nil }
        steps.append(.member(String(name)))
        rest = rest.dropFirst(name.count)
      case "[":
        let digits = rest.prefix { $0 != "]" }
        guard digits.isDigits, let index = Int(digits), rest.dropFirst(digits.count).first == "]" else { return nil }
        steps.append(.element(index))
        rest = rest.dropFirst(digits.count + 1)
      default: return nil
      }
    }
    guard !steps.isEmpty else { return nil }
    self.steps = steps
  }

  /// What stands there: a string's characters, a number as it is written, `true`, `false` or `null`. nil if there is
  /// nothing there, or an object or an array, or if the text breaks off or is no JSON before it.
  func value(in bytes: [UInt8]) -> String? {
    var scanner = JSONScanner(bytes)
    for step in steps {
      switch step {
      case .member(let name): guard scanner.enterObject(at: name) else { return nil }
      case .element(let index): guard scanner.enterArray(at: index) else { return nil }
      }
    }
    return scanner.scalar()
  }
}

/// Walks through a JSON text without building anything of it; whatever the bytes are, it ends.
private struct JSONScanner {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next byte that is no blank; it is not taken.
  private mutating func peek() -> UInt8? {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    return position < bytes.count ? bytes[position] : nil
  }

  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  /// Goes to the value of a member of the object that begins here.
  mutating func enterObject(at name: String) -> Bool {
    guard take("{") else { return false }
    while let key = string(), take(":") {
      if key == name { return true }
      guard skip(), take(",") else { return false }
    }
    return false
  }

  /// Goes to an element of the array that begins here.
  mutating func enterArray(at index: Int) -> Bool {
    guard take("["), peek() != UInt8(ascii: "]") else { return false }
    for _ in 0..<index {
      guard skip(), take(",") else { return false }
    }
    return true
  }

  /// The string, number or word that stands here.
  mutating func scalar() -> String? {
    guard let first = peek() else { return nil }
    if first == UInt8(ascii: "\"") { return string() }
    let word = bytes[position...].prefix { $0.isASCIILetter || $0.isASCIIDigit || "+-.".utf8.contains($0) }
    return word.isEmpty ? nil : String(decoding: word, as: UTF8.self)
  }

  /// Leaves the value that stands here behind, however deep it is.
  private mutating func skip() -> Bool {
    var depth = 0
    repeat {
      switch peek() {
      case nil: return false
      case UInt8(ascii: "\""):
        guard string() != nil else { return false }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { return false }
        depth -= 1
        position += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { return false }
        position += 1
      default:
        guard let word = scalar() else { return false }
        position += word.utf8.count
      }
    } while depth > 0
    return true
  }

  private mutating func string() -> String? {
    guard take("\"") else { return nil }
    var text: [UInt8] = []
    var units: [UInt16] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\\"), position < bytes.count, bytes[position] == UInt8(ascii: "u") {
        guard let unit = hexadecimalUnit() else { return nil }
        units.append(unit)
        continue
      }
      // What was written in UTF-16 units belongs together: a surrogate pair is one character.
      text += Array(String(decoding: units, as: UTF16.self).utf8)
      units = []
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard position < bytes.count, let character = JSONScanner.escapes[bytes[position]] else { return nil }
        text.append(character)
        position += 1
      default: text.append(byte)
      }
    }
    return nil
  }

  private static let escapes: [UInt8: UInt8] = [
    0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09,
  ]

  /// The four digits after `\u`.
  private mutating func hexadecimalUnit() -> UInt16? {
    position += 1
    guard bytes.count - position >= 4 else { return nil }
    var unit: UInt16 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = byte.hexadecimalValue else { return nil }
      unit = unit << 4 | UInt16(digit)
    }
    position += 4
    return unit
  }
}
