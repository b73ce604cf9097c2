import PikettTesting
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// A registrar that was away may have come back without its memory.
@Suite struct RegistrarBackTests {
  @Test func `a registrar that answers again after silence is asked again at once`() throws {
    var trunk = Trunk(name: "PBX")
    trunk.hosts = [PeerHost(host: "192.0.2.50", port: nil)]
    let places = trunk.places(KnownHosts())
    let account = TrunkRegistration.Account(login: "line", credentials: nil, expires: 300, contactUser: "token")
    var registration = TrunkRegistration(account, random: .seeded(1))
    var now = Instant(nanoseconds: 0)
    let first = registration.handle(.ask, places, at: now)
    let place = try #require(places.first)
    #expect(first == [.send(attempt: 1, place, account, expires: 300)])
    let granted = RegistrationAnswer(status: 200, reason: "OK", expires: 300, minExpires: nil, retryAfter: nil)
    _ = registration.handle(.answered(attempt: 1, .answered(granted)), places, at: now)
    let refresh = try #require(registration.nextDeadline)
    #expect(refresh - now >= .seconds(240))

    now = now + .seconds(30)
    _ = registration.handle(.back(place.endpoint), places, at: now)
    let soon = try #require(registration.nextDeadline)
    #expect(soon - now <= .seconds(1))
    let again = registration.handle(.timersDue, places, at: soon)
    #expect(again == [.send(attempt: 2, place, account, expires: 300)])
  }
}
