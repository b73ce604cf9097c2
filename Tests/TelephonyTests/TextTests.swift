import Telephony
import Testing

@Suite struct TextTests {
  @Test(arguments: [
    (0, 0, "0"), (0, 3, "000"), (7, 2, "07"), (123, 2, "123"), (-5, 4, "-0005"), (-123, 2, "-123"), (5, -1, "5"),
    (Int.min, 3, "-9223372036854775808"),
  ])
  func padding(_ value: Int, _ width: Int, _ text: String) {
    #expect(padded(value, width) == text)
  }

  @Test(arguments: [
    ("", ""), (" \t\r\n", ""), (" a ", "a"), ("a b", "a b"), ("\r\na\tb\n", "a\tb"), ("\u{A0}a", "\u{A0}a"),
    (" \u{301}é ", "\u{301}é"), ("a\r\n", "a"),
  ])
  func trimming(_ text: String, _ trimmed: String) {
    #expect(text.trimmed == trimmed)
    #expect("<\(text)>".dropFirst().dropLast().trimmed == trimmed)
  }

  @Test func lowerCaseIsOfASCIIAlone() {
    #expect("ÄbC-Z@[`{".asciiLowercased == "Äbc-z@[`{")
    #expect("ABCDEFGHIJKLMNOPQRSTUVWXYZ".asciiLowercased == "abcdefghijklmnopqrstuvwxyz")
  }

  /// Each pair of single bytes, against the plain rule.
  @Test func caseIsIgnoredForLettersOnly() {
    for a in UInt8(0)...127 {
      for b in UInt8(0)...127 {
        let (x, y) = (String(UnicodeScalar(a)), String(UnicodeScalar(b)))
        let isEqual = x.asciiLowercased == y.asciiLowercased
        if x.equalsIgnoringCase(y) != isEqual || Substring(x).equalsIgnoringCase(y) != isEqual {
          Issue.record("\(a) and \(b)")
        }
      }
    }
    #expect("Call-ID".equalsIgnoringCase("cALL-id"))
    #expect(!"Call-ID".equalsIgnoringCase("Call-I"))
    #expect(!"".equalsIgnoringCase("a"))
    #expect("".equalsIgnoringCase(""))
    #expect("Ä".equalsIgnoringCase("Ä"))
    #expect(!"Ä".equalsIgnoringCase("ä"))
    #expect(!"Call-IDs".dropLast().equalsIgnoringCase("Call-IDs"))
  }

  @Test(arguments: [
    ("", false), ("0", true), ("0123456789", true), ("1a", false), ("-1", false), ("+1", false), ("１", false),
    ("1\u{301}", false), (" 1", false),
  ])
  func digits(_ text: String, _ areDigits: Bool) {
    #expect(text.isDigits == areDigits)
  }

  @Test func bytesAsCharacters() {
    for byte in UInt8(0)...255 {
      let character = Character(UnicodeScalar(byte))
      #expect(byte.isASCIIDigit == ("0"..."9").contains(character))
      #expect(byte.isASCIILetter == (("a"..."z").contains(character) || ("A"..."Z").contains(character)))
      let isHex = character.isASCII && character.isHexDigit
      #expect(byte.hexadecimalValue.map(Int.init) == (isHex ? character.hexDigitValue : nil))
    }
  }

  @Test func hexadecimalText() {
    #expect(hexadecimal([]) == "")
    #expect(hexadecimal([0x00, 0x0F, 0xA5, 0xFF]) == "000fa5ff")
    #expect(hexadecimal((UInt8(0)...255)).utf8.count == 512)
  }

  // MARK: decodeText

  @Test(
    arguments: [
      ([], ""), (Array("Größe €".utf8), "Größe €"), ([0x47, 0x72, 0xF6, 0xDF, 0x65], "Größe"),
      ([0x80, 0x93, 0x94], "€“”"), ([0x81, 0x8D, 0x8F, 0x90, 0x9D], "\u{81}\u{8D}\u{8F}\u{90}\u{9D}"),
      ([0xC3], "Ã"), ([0xC0, 0x80], "À€"), ([0xED, 0xA0, 0x80], "í\u{A0}€"), ([0xFF, 0x41], "ÿA"),
    ] as [([UInt8], String)])
  func textIsUTF8ElseWindows1252(_ bytes: [UInt8], _ text: String) {
    #expect(decodeText(bytes) == text)
    #expect(decodeText(([0x2A] + bytes).dropFirst()) == text)
  }

  /// No bytes are refused, and one byte that is no UTF-8 makes one character of each.
  @Test(arguments: 1...20) func anyBytesAreText(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...30, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = decodeText(bytes)
      #expect(Array(text.utf8) == bytes || text.unicodeScalars.count == bytes.count)
    }
  }
}
