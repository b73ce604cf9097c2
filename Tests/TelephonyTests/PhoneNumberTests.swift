import Telephony
import Testing

@Suite struct PhoneNumberTests {
  @Test(arguments: [
    ("799", "799"), ("799*731", "799*731"), ("*21#", "*21#"), ("+39 0471 999-720", "+390471999720"),
    ("0039 (0471) 999.720/1", "003904719997201"), (" +41", "+41"), ("#", "#"), ("*", "*"), ("(+39)1", "+391"),
    (String(repeating: "1", count: 64), String(repeating: "1", count: 64)),
  ])
  func read(_ text: String, _ digits: String) throws {
    let number = try #require(PhoneNumber(text))
    #expect(number.digits == digits)
    #expect(number.description == digits)
    #expect(PhoneNumber("<\(text)>".dropFirst().dropLast())?.digits == digits)
  }

  @Test(arguments: [
    "", " ", "+", "-", "()", "++39", "39+", "1+1", "abc", "731a", "%2A21", "1,2", "１２", "1\t2", "1\n", "sip:731",
    String(repeating: "1", count: 65), "1\u{301}", "\0",
  ])
  func anythingElseIsNone(_ text: String) {
    #expect(PhoneNumber(text) == nil)
  }

  @Test func plusAndTwoZerosAreOneNumber() throws {
    let plus = try #require(PhoneNumber("+390471"))
    let zeros = try #require(PhoneNumber("00390471"))
    let other = try #require(PhoneNumber("0390471"))
    #expect(plus == zeros)
    #expect(plus.canonical == "+390471" && zeros.canonical == "+390471")
    #expect(zeros.digits == "00390471")
    #expect(Set([plus, zeros, other]).count == 2)
    #expect(plus != other)
    #expect(!(plus < zeros) && !(zeros < plus))
    #expect(PhoneNumber("00") == PhoneNumber("00"))
    #expect(PhoneNumber("000")?.canonical == "+0")
  }

  @Test func anInternalNumberIsItsDigits() {
    #expect(PhoneNumber(internalNumber: 799) == PhoneNumber("799"))
    #expect(PhoneNumber(internalNumber: 0).digits == "0")
    #expect(PhoneNumber(internalNumber: .max).digits == "18446744073709551615")
  }

  @Test func theyAreSortedAsText() throws {
    let numbers = try ["733", "+39", "*21", "731"].map { try #require(PhoneNumber($0)) }
    #expect(numbers.sorted().map(\.digits) == ["*21", "+39", "731", "733"])
  }
}
