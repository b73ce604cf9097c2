import NIOCore
import NetworkIO
import SIPMessage
import Site
import Telephony

/// Which address peers see as ours: the route's own, or `Address.txt` for those outside.
///
/// Read on the event loop only; the core gets it as a function.
final class AddressBook {
  private var shown: PeerHost?
  private var addresses: [IPAddress] = []

  /// Takes over `Address.txt` and, where it is a name, what is known of its addresses.
  func update(_ site: SiteSnapshot, hosts: KnownHosts) {
    shown = site.address
    addresses = site.address.map { hosts.addresses(of: $0) } ?? []
  }

  /// Host and port for Via and Contact.
  func advertised(_ flow: Flow) -> (host: String, port: UInt16) {
    guard let shown, Self.isOutside(flow.remote.address) else { return (flow.local.address.uriText, flow.local.port) }
    // The port that Address.txt names is the one for SIP that is not encrypted.
    let port = flow.transport == .tls ? nil : shown.port
    return (shown.address?.uriText ?? shown.host, port ?? flow.local.port)
  }

  /// The address for SDP, which must be one.
  func mediaAddress(_ flow: Flow) -> IPAddress {
    guard Self.isOutside(flow.remote.address),
      let address = addresses.first(where: { $0.isIPv6 == flow.remote.address.isIPv6 })
    else { return flow.local.address }
    return address
  }

  /// True for addresses that mean nothing elsewhere: also those a provider shares among its customers (RFC 6598).
  static func isPrivate(_ address: IPAddress) -> Bool {
    !isOutside(address) || sharedRange.map { address.isWithin($0, prefixLength: 10) } ?? false
  }

  private static let sharedRange = IPAddress("100.64.0.0")

  /// False for loopback, private and link-local addresses.
  private static func isOutside(_ address: IPAddress) -> Bool {
    !address.isLoopback && !privateRanges.contains { address.isWithin($0.0, prefixLength: $0.1) }
  }

  /// RFC 1918, RFC 3927, RFC 4193, RFC 4291 §2.5.6.
  private static let privateRanges: [(IPAddress, Int)] = [
    ("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16), ("169.254.0.0", 16), ("fc00::", 7), ("fe80::", 10),
  ].compactMap { text, length in IPAddress(text).map { ($0, length) } }
}
