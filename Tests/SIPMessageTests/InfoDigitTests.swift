import SIPMessage
import Testing

@Suite struct InfoDigitTests {
  @Test(
    arguments: [
      ("application/dtmf-relay", "Signal=1\r\nDuration=160\r\n", "1", 160),
      ("application/dtmf-relay", "Signal=1\r\nDuration=160", "1", 160),
      ("application/dtmf-relay", "Signal= 5\nDuration= 250\n", "5", 250),
      ("application/dtmf-relay", "signal=*\r\n", "*", nil),
      ("application/dtmf-relay", "Signal=#\r\nDuration=x\r\n", "#", nil),
      ("application/dtmf-relay", "Signal=10\r\n", "*", nil),
      ("application/dtmf-relay", "Signal=11\r\n", "#", nil),
      ("application/dtmf-relay", "Signal=d\r\nDuration=0\r\n", "D", nil),
      ("application/dtmf-relay", "Duration=99999999\r\nSignal=0\r\n", "0", 60_000),
      ("application/dtmf-relay", "Duration=99999999999999999999999\r\nSignal=0\r\n", "0", nil),
      ("application/dtmf-relay", "Signal=1\r\nSignal=2\r\n", "1", nil),
      ("application/dtmf", "1", "1", nil),
      ("application/dtmf", " 7 \r\n", "7", nil),
      ("application/dtmf", "*", "*", nil),
      ("application/dtmf", "Signal=3\r\nDuration=100\r\n", "3", 100),
      ("application/dtmf", "11", "#", nil),
    ] as [(String, String, Character, Int?)])
  func reads(_ type: String, _ body: String, _ digit: Character, _ milliseconds: Int?) {
    #expect(
      InfoDigit(contentType: type, body: Array(body.utf8)) == InfoDigit(digit: digit, milliseconds: milliseconds))
  }

  @Test(arguments: [
    ("application/dtmf-relay", ""), ("application/dtmf-relay", "Signal=\r\n"), ("application/dtmf-relay", "Signal=16"),
    ("application/dtmf-relay", "1"), ("application/dtmf", ""), ("application/dtmf", "x"), ("application/dtmf", "1234"),
    ("application/sdp", "1"), ("", "1"), ("application/dtmf-relay", "\0\u{FF}="), ("application/dtmf", "=\n=1\n"),
  ])
  func refuses(_ type: String, _ body: String) {
    #expect(InfoDigit(contentType: type, body: Array(body.utf8)) == nil)
    #expect(InfoDigit(contentType: nil, body: Array(body.utf8)) == nil)
  }
}
