import Testing

@testable import Switchboard

@Suite struct LogLinesTests {
  @Test func plainValuesStandAsTheyAre() {
    #expect(LogLines.value("799*731") == "799*731")
    #expect(LogLines.value("sip:731@127.0.0.1:5060") == "sip:731@127.0.0.1:5060")
  }

  @Test func valuesWithBlanksAreQuoted() {
    #expect(LogLines.value("no phone") == "\"no phone\"")
    #expect(LogLines.value("") == "\"\"")
    #expect(LogLines.value("a \"b\" c") == "\"a 'b' c\"")
    #expect(LogLines.value("a=b") == "\"a=b\"")
  }

  /// What a caller writes into his number must not look like a line of ours, nor reach the terminal as a command.
  @Test func controlCharactersAreGone() {
    #expect(LogLines.value("1\r\n2026 ERROR") == "\"1??2026 ERROR\"")
    #expect(LogLines.value("\u{1B}[2J") == "?[2J")
    #expect(LogLines.value("\u{202E}evil") == "?evil")
    #expect(LogLines.value("a\u{2028}b\u{2029}c\u{85}d") == "a?b?c?d")
    #expect(LogLines.value(String(repeating: "7", count: 2000)).count == 500)
  }
}
