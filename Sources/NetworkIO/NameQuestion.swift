package import SIPMessage
package import Telephony

/// What is asked of the name service.
package enum NameQuestion: Hashable, Sendable {
  /// The addresses of a name (A, AAAA).
  case addresses(String)
  /// Where SIP is spoken for a name without a port (RFC 3263 §4.2): by SRV, else at its addresses by the usual port.
  case service(String, Transport)

  package var name: String {
    switch self {
    case .addresses(let name), .service(let name, _): name
    }
  }
}

/// What became of a question.
package struct NameAnswer: Hashable, Sendable {
  /// One place that was found.
  package struct Place: Hashable, Sendable {
    /// Of `addresses` without a port (0).
    package var endpoint: Endpoint
    /// What SRV says of it; 0 without.
    package var priority: UInt16 = 0
    package var weight: UInt16 = 0

    package init(_ endpoint: Endpoint, priority: UInt16 = 0, weight: UInt16 = 0) {
      self.endpoint = endpoint
      self.priority = priority
      self.weight = weight
    }
  }

  package enum Outcome: Hashable, Sendable {
    case found
    /// The addresses of the name itself, since nobody says whether it has services: there are name servers that know no SRV.
    case guessed
    /// The name service says that there is nothing.
    case none
    /// It says nothing, or nothing of sense.
    case failed
  }

  package var outcome: Outcome
  /// In the order in which they are to be tried.
  package var places: [Place]
  /// How long the answer counts; then it is asked again.
  package var life: Duration

  package init(_ outcome: Outcome, places: [Place] = [], life: Duration) {
    self.outcome = outcome
    self.places = places
    self.life = life
  }
}

/// Which addresses are of use.
package struct AddressFamilies: Hashable, Sendable {
  package var ipv4: Bool
  package var ipv6: Bool

  package init(ipv4: Bool = true, ipv6: Bool = true) {
    self.ipv4 = ipv4
    self.ipv6 = ipv6
  }
}
