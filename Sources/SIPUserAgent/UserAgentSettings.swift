package import SIPMessage
import Telephony

/// Bounds of what the registrar grants (RFC 3261 §10.3), in seconds.
package struct RegistrarLimits: Hashable, Sendable {
  /// Less is refused with 423.
  package var minExpires: Int
  /// More is cut to this.
  package var maxExpires: Int
  /// Granted where the phone names none.
  package var defaultExpires: Int
  /// Contacts a user may hold at once; one more drops his oldest.
  package var maxContacts: Int

  package init(minExpires: Int = 60, maxExpires: Int = 3600, defaultExpires: Int = 3600, maxContacts: Int = 10) {
    self.minExpires = minExpires
    self.maxExpires = maxExpires
    self.defaultExpires = defaultExpires
    self.maxContacts = maxContacts
  }
}

/// What the user agent knows of the site; replaced as a whole when the site is reread.
package struct UserAgentSettings: Sendable {
  /// The digest realm that phones see.
  package var realm: String
  /// Our User-Agent and Server header, such as `Pikett/1.0`; strangers do not see it.
  package var userAgentName: String
  package var users: [UserPeer]
  package var trunks: [TrunkPeer]
  package var registrar: RegistrarLimits
  /// What a challenge offers, most preferred first. SHA-256 is always taken, and offered to whoever has used it; MD5
  /// alone is the default because old phones give up at a challenge they do not know.
  package var challengeAlgorithms: [DigestAlgorithm]
  /// Legs that may live at once; beyond it an incoming INVITE gets 503.
  package var maxLegs: Int
  /// Transactions that may live at once; beyond it new requests get 503, and those within a dialog have as many again.
  package var maxTransactions: Int
  /// What strangers may ask.
  package var limits: SourceLimits
  /// The host and port that peers on this way see as ours (Via, Contact); the host as it stands in a URI.
  package var advertised: @Sendable (Flow) -> (host: String, port: UInt16)

  package init(
    realm: String = "pikett", userAgentName: String = "Pikett", users: [UserPeer] = [], trunks: [TrunkPeer] = [],
    registrar: RegistrarLimits = RegistrarLimits(), challengeAlgorithms: [DigestAlgorithm] = [.md5],
    maxLegs: Int = 2000, maxTransactions: Int = 2000, limits: SourceLimits = SourceLimits(),
    advertised: @escaping @Sendable (Flow) -> (host: String, port: UInt16) = {
      ($0.local.address.uriText, $0.local.port)
    }
  ) {
    self.realm = realm
    self.userAgentName = userAgentName
    self.users = users
    self.trunks = trunks
    self.registrar = registrar
    self.challengeAlgorithms = challengeAlgorithms
    self.maxLegs = maxLegs
    self.maxTransactions = maxTransactions
    self.limits = limits
    self.advertised = advertised
  }
}
