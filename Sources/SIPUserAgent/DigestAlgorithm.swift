import SIPMessage
import Telephony

/// A digest algorithm of RFC 7616 §6.1 that we speak.
package enum DigestAlgorithm: String, Hashable, Sendable, CaseIterable {
  case md5 = "MD5"
  case sha256 = "SHA-256"

  /// - Parameter token: as it stands in a header; nil there means MD5 (RFC 7616 §3.3).
  /// - Returns: nil for the session variants and for what we do not know.
  package init?(token: String?) {
    guard let token else {
      self = .md5
      return
    }
    guard let known = Self.allCases.first(where: { $0.rawValue.equalsIgnoringCase(token) }) else { return nil }
    self = known
  }
}

/// One request's proof that its sender knows the password (RFC 7616 §3.4.1), as the values that go into it.
struct DigestProof {
  var algorithm: DigestAlgorithm
  var user: String
  var realm: String
  var method: String
  /// digest-uri, byte for byte as it stands in the header.
  var uri: String
  var nonce: String
  /// nc and cnonce as they stand in the header; nil for the older form without qop (RFC 2069).
  var protection: Protection?

  struct Protection {
    var nonceCount: String
    var cnonce: String
  }

  /// The `response` value: lower-case hexadecimal digits.
  func response(password: Redacted<String>, functions: DigestFunctions) -> String {
    let hash = { (text: String) -> String in
      switch algorithm {
      case .md5: hexadecimal(functions.md5(wireBytes(text)))
      case .sha256: hexadecimal(functions.sha256(wireBytes(text)))
      }
    }
    let ha1 = hash("\(user):\(realm):\(password.secret)")
    let ha2 = hash("\(method):\(uri)")
    guard let protection else { return hash("\(ha1):\(nonce):\(ha2)") }
    return hash("\(ha1):\(nonce):\(protection.nonceCount):\(protection.cnonce):auth:\(ha2)")
  }
}

/// True if both are equal, in a time that tells nothing of where they differ.
func equalInConstantTime(_ a: String, _ b: String) -> Bool {
  let a = Array(a.utf8)
  let b = Array(b.utf8)
  guard a.count == b.count else { return false }
  return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
}
