import PikettTesting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// Calls of a provider come over the connection over which we registered: behind a NAT there is no other way.
@Suite struct LostConnectionTests {
  @Test func `a registration over TCP is renewed when its connection is lost`() throws {
    var control = CallController(
      site: SceneSite.read([
        "trunks/MOBILE/Login.txt": "line", "trunks/MOBILE/Password.txt": "geheim", "trunks/MOBILE/Transport.txt": "tcp",
        "trunks/MOBILE/Qualify.txt": "none",
      ]), digest: standInDigest, random: .seeded(1),
      advertised: { ($0.local.address.uriText, $0.local.port) },
      route: { Flow($1, local: Places.pikett, remote: $0) })
    var now = Moment.testStart
    let asked = try #require(registrations(control.handle(.start, at: now)).first)
    #expect(asked.flow.transport == .tcp && asked.flow.remote.address == Places.mobile.address)
    var granted = asked.request.response(200, toTag: "registrar")
    granted.headers.add("Contact", "\(asked.request.headers["Contact"] ?? "")")
    #expect(registrations(control.handle(.received(.response(granted), asked.flow), at: now)).isEmpty)

    now = now + .seconds(60)
    #expect(registrations(control.handle(.transportFailed(asked.flow), at: now)).isEmpty)
    now = now + .seconds(1)
    let again = try #require(registrations(control.handle(.timersDue, at: now)).first)
    #expect(again.flow == asked.flow && again.request.headers["Call-ID"] == asked.request.headers["Call-ID"])
  }

  private func registrations(_ commands: [CallCommand]) -> [(request: Request, flow: Flow)] {
    commands.compactMap {
      guard case .transmit(.request(let request), let flow) = $0, request.method == .register else { return nil }
      return (request, flow)
    }
  }
}
