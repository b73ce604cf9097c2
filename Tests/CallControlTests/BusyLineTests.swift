import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// Short calls, one upon the other: what is over still leaves transactions for half a minute (RFC 3261 §17), and what it
/// has left must not refuse the next ones.
@Suite struct BusyLineTests {
  @Test func `the more calls a site takes at once, the more transactions`() {
    func bound(_ calls: String) -> Int {
      UserAgentSettings(
        site: SceneSite.read(["MaxCalls.txt": calls]), hosts: KnownHosts(),
        advertised: { ($0.local.address.uriText, 5060) }
      ).maxTransactions
    }
    #expect(bound("1") == 2000 && bound("50") == 5000 && bound("1000") == 100_000)
  }
}
