import NIOSSL
import Telephony

/// A name in a certificate (RFC 5280 §4.2.1.6), as far as it can be a SIP peer's.
enum CertificateName: Hashable {
  case dns(String)
  case uri(String)
  case address([UInt8])

  /// The names of a certificate's subject. Its common name is none: "the implementation MAY examine" it only where there
  /// is no subjectAltName (RFC 5922 §7.1), and public authorities have issued none without since 2017.
  static func names(of certificate: NIOSSLCertificate) -> [CertificateName] {
    certificate._subjectAlternativeNames().compactMap { name in
      let bytes = Array(name.contents)
      switch name.nameType {
      case .dnsName: return .dns(String(decoding: bytes, as: UTF8.self))
      case .uri: return .uri(String(decoding: bytes, as: UTF8.self))
      case .ipAddress: return .address(bytes)
      default: return nil
      }
    }
  }

  static func isAddress(_ text: String) -> Bool { IPAddress(text) != nil }

  /// True if a certificate with this name is good for a peer that we know as `wanted` (RFC 5922 §7.2).
  ///
  /// A URI counts if it is `sip:` and only a host, no user: "sip:alice@example.com" is a person's. A name may begin with
  /// `*.`, which stands for one label (RFC 6125 §6.4.3): RFC 5922 forbids it, but providers' certificates have it.
  /// An address counts as such only, never as the text of a name.
  func isGood(for wanted: String) -> Bool {
    if let address = IPAddress(wanted) {
      guard case .address(let bytes) = self else { return false }
      return bytes == Array(address.bytes)
    }
    switch self {
    case .dns(let name): return Self.matches(name, wanted)
    case .uri(let uri): return Self.sipHost(uri).map { $0.equalsIgnoringCase(Self.withoutDot(wanted)) } ?? false
    case .address: return false
    }
  }

  /// The host of `sip:example.com`; nil for any other URI.
  private static func sipHost(_ uri: String) -> String? {
    guard let colon = uri.firstIndex(of: ":"), uri[..<colon].equalsIgnoringCase("sip") else { return nil }
    let host = uri[uri.index(after: colon)...]
    return host.isEmpty || host.contains { "@:;?/*".contains($0) } ? nil : withoutDot(String(host))
  }

  private static func matches(_ name: String, _ wanted: String) -> Bool {
    let (name, wanted) = (withoutDot(name), withoutDot(wanted))
    guard !name.isEmpty, !name.utf8.contains(0) else { return false }
    if !name.contains("*") { return name.equalsIgnoringCase(wanted) }
    // Whole first label, and never a whole top-level domain.
    guard name.hasPrefix("*."), !name.dropFirst(2).contains("*"), name.dropFirst(2).contains("."),
      let dot = wanted.firstIndex(of: "."), dot != wanted.startIndex
    else { return false }
    return String(name.dropFirst(1)).equalsIgnoringCase(String(wanted[dot...]))
  }

  private static func withoutDot(_ name: String) -> String { name.hasSuffix(".") ? String(name.dropLast()) : name }
}

extension CertificateName: CustomStringConvertible {
  var description: String {
    switch self {
    case .dns(let name): name
    case .uri(let uri): uri
    case .address(let bytes): IPAddress(bytes: bytes)?.description ?? "an address"
    }
  }
}
