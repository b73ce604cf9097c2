import Telephony

/// Whether the sound of a phone or trunk is encrypted: `Secure.txt`.
package enum MediaEncryption: String, Hashable, Sendable, CaseIterable {
  /// Plain RTP is offered; encryption is taken where it is offered.
  case none
  /// Plain RTP is offered with keys: who understands them encrypts.
  case optional
  /// Nothing but encryption is offered or taken.
  case required

  /// As a file says it.
  init?(text: String) {
    guard let value = Self.allCases.first(where: { $0.rawValue.equalsIgnoringCase(text) }) else { return nil }
    self = value
  }
}

extension SiteReader {
  /// `Secure.txt` of a user or trunk.
  mutating func mediaEncryption(_ directory: String) -> MediaEncryption {
    setting("\(directory)/Secure.txt", "none, optional or required") { MediaEncryption(text: $0) }.or(.none) ?? .none
  }

  /// The keys of the sound stand in the signalling: who can read that can hear the call.
  mutating func checkEncryption(_ site: SiteSnapshot) {
    let listens = site.listen.contains { $0.transport == .tls }
    for trunk in site.trunks where trunk.secure != .none {
      let isProtected = trunk.hosts.isEmpty ? listens : trunk.transport == .tls
      if !isProtected {
        warn("trunks/\(trunk.name)", trunk.hosts.isEmpty ? "tls in Listen.txt" : "tls in Transport.txt")
      }
    }
    for user in site.users where user.secure != .none {
      switch user.deskPhone {
      case .contact(let contact, _) where contact.transport != .tls:
        warn(user.number, "a sips: URI in Contact.txt, or ;transport=tls")
      case .registration where !listens: warn(user.number, "tls in Listen.txt")
      case .trunk(let names) where names.contains(where: { site.trunk($0)?.transport != .tls }):
        warn(user.number, "tls in the trunk's Transport.txt")
      case .contact, .registration, .trunk, .none: break
      }
    }
  }

  private mutating func warn(_ directory: String, _ expected: String) {
    report(
      "\(directory)/Secure.txt", "the keys of the encrypted sound go over signalling that anybody on the way can read",
      expected: expected, .warning)
  }
}
