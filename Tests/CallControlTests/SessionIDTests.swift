import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// The session identifier of RFC 7989.
@Suite struct SessionIDTests {
  private static let uuid = "ab30317f1a784dc48ff824d0d3715d86"
  private static let zeros = String(repeating: "0", count: 32)

  private func session(_ header: String?) throws -> SessionID {
    var invite = Request(.invite, try SIPURI("sip:720@192.0.2.1"))
    if let header { invite.headers.add("Session-ID", header) }
    return SessionID(of: invite, random: .seeded(1))
  }

  private func isWellFormed(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy { $0.isASCIIDigit || (0x61...0x66).contains($0) }
  }

  @Test(arguments: [uuid, "\(uuid);remote=\(zeros)", " \(uuid) ; x=y"])
  func `the caller's own is taken over`(header: String) throws {
    let session = try session(header)
    #expect(session.caller == Self.uuid)
    #expect(isWellFormed(session.ours))
    #expect(session.ours != session.caller)
    #expect(session.towardCaller == "\(session.ours);remote=\(Self.uuid)")
    #expect(session.towardBranch == "\(Self.uuid);remote=\(Self.zeros)")
  }

  @Test(arguments: [
    nil, "", ";", "abc", uuid.uppercased(), uuid + "0", String(uuid.dropLast()), zeros, "\(zeros);remote=\(uuid)",
    "../../../../../../../etc/passwd.", "ab30317f-1a78-4dc4-8ff8-24d0d3715d86",
  ])
  func `one is made where he has none, or none that is well-formed`(header: String?) throws {
    let session = try session(header)
    #expect(isWellFormed(session.caller))
    #expect(session.caller != Self.uuid)
    #expect(session.caller != Self.zeros)
  }

  @Test func `names of calls are never used twice, even within one microsecond`() {
    let time = WallTime(microseconds: 1_353_412_812_000_317)
    let first = CallID(at: time, after: nil)
    #expect("\(first)" == "1353412812.000317")
    let second = CallID(at: time, after: first)
    #expect("\(second)" == "1353412812.000318")
    // Somebody has set the clock back.
    let third = CallID(at: WallTime(microseconds: 1), after: second)
    #expect(second < third)
  }
}
