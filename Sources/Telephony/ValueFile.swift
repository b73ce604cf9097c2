/// A file that holds one value: its first line. Further lines are the owner's remarks.
///
/// The original lived on a FAT card and was edited with whatever was at hand, so UTF-8 and Windows-1252, a byte order
/// mark, and every kind of line end are understood.
package struct ValueFile: Sendable {
  private let bytes: [UInt8]
  private let firstLine: Range<Int>

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let start = bytes.starts(with: ValueFile.byteOrderMark) ? ValueFile.byteOrderMark.count : 0
    let end = bytes[start...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.count
    firstLine = start..<end
  }

  /// The value: the first line without blanks and tabs at both ends; empty if the file is blank.
  package var value: String { rawValue.trimmed }

  /// The first line with its blanks, as a password needs it.
  package var rawValue: String { decodeText(bytes[firstLine]) }

  /// True if the first line holds something that is no text: a control character other than a tab, such as the zero bytes
  /// of UTF-16.
  package var isBinary: Bool { bytes[firstLine].contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F } }

  /// The file with another value; the remarks, the byte order mark and the line ends stay as they are.
  ///
  /// - Parameter value: one line; anything from a line end on is left away.
  package func replacing(_ value: String) -> [UInt8] {
    let line = value.utf8.prefix { $0 != 0x0A && $0 != 0x0D }
    let rest = bytes[firstLine.upperBound...]
    // In a file of Windows-1252 a value beyond ASCII would not be read as such again if it were UTF-8.
    let encoded = isWindows1252 ? encodeWindows1252(String(Substring(line))) ?? Array(line) : Array(line)
    return bytes[..<firstLine.lowerBound] + encoded + (rest.isEmpty ? [0x0A] : rest)
  }

  private var isWindows1252: Bool { String(validating: bytes, as: UTF8.self) == nil }

  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
}

/// `bytes` as UTF-8, else as Windows-1252 (in which every byte stands for a character).
package func decodeText(_ bytes: some Collection<UInt8>) -> String {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  var text = ""
  for byte in bytes {
    let scalar = (0x80...0x9F).contains(byte) ? windows1252[Int(byte) - 0x80] : Unicode.Scalar(byte)
    text.unicodeScalars.append(scalar)
  }
  return text
}

/// `text` in Windows-1252, or nil if it has a character that is not in there.
private func encodeWindows1252(_ text: String) -> [UInt8]? {
  var bytes: [UInt8] = []
  for scalar in text.unicodeScalars {
    if scalar.value < 0x80 || (0xA0...0xFF).contains(scalar.value) {
      bytes.append(UInt8(truncatingIfNeeded: scalar.value))
    } else if let index = windows1252.firstIndex(of: scalar) {
      bytes.append(UInt8(index + 0x80))
    } else {
      return nil
    }
  }
  return bytes
}

/// 0x80 to 0x9F; the five bytes without a character stand for the control characters of ISO 8859-1, as browsers have it.
private let windows1252: [Unicode.Scalar] = [
  "\u{20AC}", "\u{81}", "\u{201A}", "\u{0192}", "\u{201E}", "\u{2026}", "\u{2020}", "\u{2021}",
  "\u{02C6}", "\u{2030}", "\u{0160}", "\u{2039}", "\u{0152}", "\u{8D}", "\u{017D}", "\u{8F}",
  "\u{90}", "\u{2018}", "\u{2019}", "\u{201C}", "\u{201D}", "\u{2022}", "\u{2013}", "\u{2014}",
  "\u{02DC}", "\u{2122}", "\u{0161}", "\u{203A}", "\u{0153}", "\u{9D}", "\u{017E}", "\u{0178}",
]
