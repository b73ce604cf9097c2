package import Telephony

/// A name and a password with which we answer a peer's digest challenge, or a peer ours (RFC 7616).
package struct Credentials: Hashable, Sendable {
  package var user: String
  package var password: Redacted<String>

  package init(user: String, password: Redacted<String>) {
    self.user = user
    self.password = password
  }
}

/// A block of addresses, such as 192.0.2.0/24; a single address has the full prefix.
package struct Network: Hashable, Sendable {
  package var address: IPAddress
  /// 0 to 32 (IPv4) or 128 (IPv6) leading bits that must be equal.
  package var prefixLength: Int

  /// - Parameter prefixLength: all bits if nil.
  package init(_ address: IPAddress, prefixLength: Int? = nil) {
    self.address = address
    self.prefixLength = prefixLength ?? address.bytes.count * 8
  }

  /// True if `other` lies in the block; an IPv4 address never lies in an IPv6 block.
  package func contains(_ other: IPAddress) -> Bool { other.isWithin(address, prefixLength: prefixLength) }
}

/// A user who may register and call with a password of his own.
package struct UserPeer: Hashable, Sendable {
  /// His number: the user part of his address and his digest user name.
  package var number: String
  package var password: Redacted<String>

  package init(number: String, password: Redacted<String>) {
    self.number = number
    self.password = password
  }
}

/// A PBX, gateway or provider.
package struct TrunkPeer: Hashable, Sendable {
  package var name: String
  /// Whence it calls without being asked for a password.
  package var addresses: [Network]
  /// The ports of its usual sources; they only prefer this trunk among several at one address, and never refuse.
  package var ports: [UInt16]
  /// The user that it registers with us, if it is a gateway that does (RFC 3261 §10.3); nil for all others. It then calls
  /// from where it has registered, or with the password of `credentials` from anywhere.
  package var account: String?
  /// With these it answers our challenges if it registers with us; else we answer its challenges, also within calls that
  /// it made (a provider may want a password for our BYE).
  package var credentials: Credentials?
  /// Its own numbers and names: one that is called prefers this trunk among several at one address.
  package var numbers: [String]
  /// The unique user part of the Contact with which we registered there: who names it is this trunk.
  package var contactUser: String?
  /// True if it speaks TLS: a datagram from its address, which anybody can forge, is then not its.
  package var isSecure: Bool

  package init(
    name: String, addresses: [Network], ports: [UInt16] = [], account: String? = nil, credentials: Credentials? = nil,
    numbers: [String] = [], contactUser: String? = nil, isSecure: Bool = false
  ) {
    self.name = name
    self.addresses = addresses
    self.ports = ports
    self.account = account
    self.credentials = credentials
    self.numbers = numbers
    self.contactUser = contactUser
    self.isSecure = isSecure
  }
}

/// Who a request comes from, once that is known.
package enum PeerIdentity: Hashable, Sendable {
  /// By its source address, or by its login.
  case trunk(String)
  /// By his password.
  case user(String)
}
