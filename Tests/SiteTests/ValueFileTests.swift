import Telephony
import Testing

@Suite("Value files")
struct ValueFileTests {
  @Test(
    "The first line is the value, trimmed",
    arguments: [
      ("799", "799"), ("799\n", "799"), ("799\r\nremark\r\n", "799"), ("799\rremark", "799"), (" \t799 \t\r\n", "799"),
      ("\u{FEFF}799\n", "799"), ("", ""), ("\n799", ""), ("\r\n", ""), ("   ", ""), ("Rue à côté", "Rue à côté"),
    ])
  func value(text: String, expected: String) { #expect(ValueFile(Array(text.utf8)).value == expected) }

  @Test("Windows-1252, where it is not UTF-8")
  func windows1252() {
    #expect(ValueFile([0x4D, 0xFC, 0x6C, 0x6C, 0x65, 0x72, 0x20, 0x80]).value == "Müller €")
    #expect(ValueFile(Array("Müller €".utf8)).value == "Müller €")
    #expect(decodeText([UInt8](0...255)).unicodeScalars.count == 256)
  }

  @Test("Of a password only line ends and the byte order mark are dropped")
  func raw() { #expect(ValueFile(Array("\u{FEFF} a b \r\nremark".utf8)).rawValue == " a b ") }

  @Test("What is no text", arguments: [[0x37, 0x00, 0x39], [0x1B], [0x7F], [0xFF, 0xFE, 0x37, 0x00]] as [[UInt8]])
  func binary(bytes: [UInt8]) { #expect(ValueFile(bytes).isBinary) }

  @Test(
    "Another value; the remarks stay",
    arguments: [
      ("732\r\nremark\r\n", "733\r\nremark\r\n"), ("732", "733\n"), ("", "733\n"), ("\n", "733\n"),
      (" 732 \nwho is on duty\n", "733\nwho is on duty\n"), ("\u{FEFF}732\n", "\u{FEFF}733\n"), ("\r\nx", "733\r\nx"),
    ])
  func replacing(text: String, expected: String) {
    #expect(ValueFile(Array(text.utf8)).replacing("733") == Array(expected.utf8))
  }

  @Test("A value is one line, and is read again as it was written")
  func oneLine() {
    #expect(ValueFile(Array("1\nx".utf8)).replacing("2\n3") == Array("2\nx".utf8))
    #expect(ValueFile([0x31, 0x0A, 0xFC]).replacing("ä") == [0xE4, 0x0A, 0xFC])
    #expect(ValueFile(ValueFile([0x31, 0x0A, 0xFC]).replacing("€")).value == "€")
  }
}
