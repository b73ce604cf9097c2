import Telephony
import Testing

@Suite struct RedactedTests {
  private struct Account {
    var user = "731"
    var password = Redacted("geheim")
    var old: Redacted<String>? = Redacted("geheim")
    var all = ["731": Redacted("geheim")]
  }

  private struct Fault: Error {
    var password = Redacted("geheim")
  }

  @Test func nothingThatPrintsShowsTheSecret() {
    let secret = Redacted("geheim")
    var dumped = ""
    dump(Account(), to: &dumped)
    dump(secret, to: &dumped)
    var printed = ""
    print(Account(), secret, [secret], Fault(), to: &printed)
    debugPrint(Account(), secret, [secret], Fault(), to: &printed)
    let texts = [
      "\(secret)", String(describing: secret), String(reflecting: secret), "\(Account())", "\([secret])",
      "\(["a": secret])", "\(secret as Any)", "\(Redacted([1, 2, 3]))", "\(Fault())", String(reflecting: Account()),
      "\((secret, 1))", dumped, printed, "\(Redacted(secret))",
    ]
    for text in texts {
      #expect(!text.contains("geheim"))
      #expect(text.contains("redacted"))
    }
    #expect(Mirror(reflecting: secret).children.isEmpty)
  }

  @Test func whoWantsItGetsIt() {
    #expect(Redacted("geheim").secret == "geheim")
    #expect(Redacted("geheim") == Redacted("geheim"))
    #expect(Redacted("geheim") != Redacted("anders"))
    #expect(Set([Redacted(1), Redacted(1), Redacted(2)]).count == 2)
  }
}
