import PikettTesting
import Telephony
import Testing

@testable import Switchboard

@Suite struct RegisteredUsersTests {
  private let directory = TemporaryDirectory()
  private let now = WallTime(microseconds: 1_350_050_400_000_000)

  private func line(_ user: String, expires: Int64) -> String {
    "user=\(user) contact=sip:\(user)@192.0.2.7 by=UDP local=192.0.2.1:5060 remote=192.0.2.7:5060 q=1000 "
      + "expires=\(expires) registered=1350050300000000 call-id=a cseq=1\n"
  }

  @Test("Registered are those who are written down and have not expired")
  func written() throws {
    let text =
      "pikett-registrations 1\n" + line("731", expires: 1_350_050_400_000_001)
      + line("732", expires: 1_350_050_400_000_000) + "what cannot be read\n"
    _ = try directory.write("registrations", Array(text.utf8))
    #expect(registeredUsers(in: directory.path, at: now) == ["731"])
  }

  @Test("Where Pikett has run nobody may be registered; where it has not, nothing is known")
  func nothingWritten() throws {
    #expect(registeredUsers(in: directory.path, at: now) == nil)
    #expect(registeredUsers(in: directory.file("missing"), at: now) == nil)
    _ = try directory.write("journal", [])
    #expect(registeredUsers(in: directory.path, at: now) == [])
  }
}
