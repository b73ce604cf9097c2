package import Telephony

/// How SIP is carried to a peer.
package enum SignallingTransport: String, Hashable, Sendable {
  case udp
  case tcp
  case tls

  /// 5060, or 5061 for TLS (RFC 3261 §19.1.2).
  package var defaultPort: UInt16 { self == .tls ? 5061 : 5060 }
}

/// A host as it stands in a file; without a port, SRV decides (RFC 3263).
package struct PeerHost: Hashable, Sendable, CustomStringConvertible {
  /// A name, or an address without brackets.
  package var host: String
  /// nil: not given.
  package var port: UInt16?

  package init(host: String, port: UInt16?) {
    self.host = host
    self.port = port
  }

  /// The address, where the host is one.
  package var address: IPAddress? { IPAddress(host) }

  package var description: String {
    let host = address?.uriText ?? host
    return port.map { "\(host):\($0)" } ?? host
  }
}

/// A block of addresses: `192.0.2.0/24`.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
  package var address: IPAddress
  package var prefixLength: Int

  package init(address: IPAddress, prefixLength: Int) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// True if `other` is in the block.
  package func contains(_ other: IPAddress) -> Bool { other.isWithin(address, prefixLength: prefixLength) }

  package var description: String { "\(address)/\(prefixLength)" }
}

/// A line to the outside or to a PBX: `trunks/NAME/`.
package struct Trunk: Hashable, Sendable {
  /// The directory's name, as it is spelled.
  package var name: String
  /// In order of failover; empty for a gateway that registers with Pikett.
  package var hosts: [PeerHost] = []
  /// Where its calls come from, besides its hosts.
  package var addresses: [AddressRange] = []
  package var transport = SignallingTransport.udp
  /// Whether its sound is encrypted.
  package var secure = MediaEncryption.none
  /// The file of the authorities, besides those the machine trusts, that its certificate may lead to.
  package var authorities: String?
  /// The user name of a registration, there or here.
  package var login: String?
  /// The digest user name; the login if not given.
  package var authUser: String?
  package var password: Redacted<String>?
  /// The host part of From and of the registration; the first host if not given.
  package var domain: String?
  /// An outbound proxy.
  package var proxy: PeerHost?
  /// Pikett registers there.
  package var registers = false
  /// The registration's life.
  package var expires = Duration.seconds(300)
  /// How the caller's number is shown.
  package var callerID = CallerID.from
  /// The own number for `pai` and `own`.
  package var from: String?
  /// Put before external numbers; empty if nothing is.
  package var prefix = ""
  /// Put in place of a leading `+`.
  package var international = "00"
  /// Which header holds the number that was called.
  package var called = CalledNumber.uri
  /// Where a call goes whose number matches nothing; nil: 404.
  package var defaultDestination: PhoneNumber?
  /// The time between OPTIONS; nil: none are sent.
  package var qualify: Duration? = .seconds(25)
  /// False: the caller hears busy tone for 30 s before he is released.
  package var automaticHangup = true

  package init(name: String) { self.name = name }

  /// How the caller's number is shown on calls that leave by a trunk.
  package enum CallerID: String, Hashable, Sendable {
    /// The caller in From and P-Asserted-Identity.
    case from
    /// The login in From, the caller in P-Asserted-Identity (RFC 3325).
    case pai
    /// The caller in Remote-Party-ID.
    case rpid
    /// `From.txt` in both; the caller is not shown.
    case own
  }

  /// Which header holds the number that was called.
  package enum CalledNumber: String, Hashable, Sendable {
    /// The Request-URI.
    case uri
    case to
    /// P-Called-Party-ID (RFC 7315 §4.2).
    case calledPartyID = "p-called-party-id"
  }

  /// A gateway that registers with Pikett, because its address is not known.
  package var isRegistrant: Bool { hosts.isEmpty && login != nil }

  /// The number to dial for an external `number`: a leading `+` is replaced, the prefix put before it.
  package func dialled(_ number: PhoneNumber) -> String {
    let digits = number.digits
    return prefix + (digits.hasPrefix("+") ? international + digits.dropFirst() : digits)
  }
}
