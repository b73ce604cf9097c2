import NIOSSL
package import Telephony

/// Why a TLS connection has not come about, in words for the owner.
package enum TLSFailure: Hashable, Sendable, CustomStringConvertible {
  /// The handshake took too long.
  case tooSlow
  /// The peer hung up in the middle of it: what he got of us, he may not trust.
  case ended
  /// His certificate counts no more.
  case expired(WallTime)
  /// His certificate does not count yet.
  case notYetValid(WallTime)
  /// His certificate does not lead to an authority that we trust.
  case untrusted(names: [String])
  /// His certificate is somebody else's.
  case otherName(names: [String], wanted: [String])
  /// The site expects nobody at this address, so there is no name to be checked.
  case unknownPeer
  /// Anything else, in the library's words.
  case other(String)

  /// - Parameter certificate: the peer's, if he has shown one.
  init(_ error: any Error, _ certificate: NIOSSLCertificate?, at now: WallTime) {
    let text = Self.reason(error)
    if text.contains("CERTIFICATE_VERIFY_FAILED"), let certificate {
      if let validity = CertificateValidity(certificate), validity.until < now {
        self = .expired(validity.until)
      } else if let validity = CertificateValidity(certificate), now < validity.from {
        self = .notYetValid(validity.from)
      } else {
        self = .untrusted(names: CertificateName.names(of: certificate).map(\.description))
      }
    } else if text.contains("EOF during handshake") {
      self = .ended
    } else {
      self = .other(text)
    }
  }

  /// Of the library's `Error: 268435703 error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …` the words
  /// that say something; a peer's alert is among them.
  private static func reason(_ error: any Error) -> String {
    guard case .handshakeFailed(let failure)? = error as? NIOSSLError else { return "\(error)" }
    guard case .sslError(let stack) = failure else { return "\(failure)" }
    let reasons = stack.map { entry in
      let parts = entry.description.split(separator: "OPENSSL_internal:")
      let words = parts.count > 1 ? parts[1].prefix { $0 != " " } : parts[0].drop { $0 != " " }.drop { $0 == " " }
      return String(words)
    }
    return reasons.joined(separator: ", ")
  }

  package var description: String {
    switch self {
    case .tooSlow: "the TLS handshake takes too long"
    case .ended: "the peer has ended the TLS handshake"
    case .expired(let time): "the peer's certificate has expired on \(dayText(time))"
    case .notYetValid(let time): "the peer's certificate counts only from \(dayText(time))"
    case .untrusted(let names):
      "the peer's certificate (of \(Self.list(names))) does not lead to an authority that this machine trusts"
    case .otherName(let names, let wanted):
      "the peer's certificate is for \(Self.list(names)), not for "
        + wanted.joined(separator: " or ")
    case .unknownPeer: "no trunk and no Contact of the site is at this address, so nobody's certificate can be expected"
    case .other(let text): text
    }
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "nobody" : names.prefix(5).map { String($0.prefix(100)) }.joined(separator: ", ")
  }
}

/// `2027-01-31`, UTC.
package func dayText(_ time: WallTime) -> String {
  let day = LocalCalendar.utc.local(time)
  return [padded(day.year, 4), padded(day.month, 2), padded(day.day, 2)].joined(separator: "-")
}
