package import Hunting
package import Telephony

/// A technician as the site describes him: `731/`.
package struct SiteUser: Hashable, Sendable {
  /// Whom the hunt rings.
  package var user: User
  /// The secret with which his phone registers as his number; nil: it cannot register.
  package var password: Redacted<String>?
  /// Where his phone is called before a registration is looked for.
  package var contact: ContactAddress?
  /// The trunk at whose host the Contact is; its credentials answer a challenge.
  package var contactTrunk: String?
  /// The trunks by which he is rung without Contact and password, in order of failover.
  package var trunks: [String] = []
  /// Whether his desk phone's sound is encrypted.
  package var secure = MediaEncryption.none
  /// How his SMS is sent: one way a provider, in order. Empty: he gets none.
  package var smsRoutes: [SMSRoute] = []
  /// He gets the instant message.
  package var wantsIM = true

  package init(user: User) { self.user = user }

  /// The internal number.
  package var number: String { user.number }

  /// How the desk phone is rung.
  package var deskPhone: DeskPhone {
    if let contact { return .contact(contact, trunk: contactTrunk) }
    if password != nil { return .registration }
    return trunks.isEmpty ? .none : .trunk(trunks)
  }
}

/// How a user's desk phone is rung: Contact, else registration, else trunk.
package enum DeskPhone: Hashable, Sendable {
  case contact(ContactAddress, trunk: String?)
  /// He has a password: without a registration the branch fails at once.
  case registration
  /// His number at these trunks, in order of failover.
  case trunk([String])
  /// There is none.
  case none
}

/// Where a phone is called directly: `sip:731@192.0.2.10`.
package struct ContactAddress: Hashable, Sendable {
  /// The SIP URI as it stands in the file.
  package var uri: String
  package var user: String?
  package var host: PeerHost
  /// Its `;transport=`; TLS for `sips:`.
  package var transport: SignallingTransport

  package init(uri: String, user: String?, host: PeerHost, transport: SignallingTransport = .udp) {
    self.uri = uri
    self.user = user
    self.host = host
    self.transport = transport
  }
}
