import SIPUserAgent
import Telephony

/// One phone that is being called: the ways that are tried, and the leg of each that is under way.
struct BranchCall: Sendable {
  let route: PhoneRoute
  var attempts: Attempts
  /// In the order of the calls. Once the phone has answered there is one.
  private(set) var legs: [(way: Way, leg: LegID)] = []

  init(_ route: PhoneRoute) {
    self.route = route
    attempts = route.attempts()
  }

  func way(of leg: LegID) -> Way? { legs.first { $0.leg == leg }?.way }

  func leg(on way: Way) -> LegID? { legs.first { $0.way == way }?.leg }

  mutating func add(_ leg: LegID, on way: Way) { legs.append((way, leg)) }

  mutating func remove(_ leg: LegID) { legs.removeAll { $0.leg == leg } }
}
