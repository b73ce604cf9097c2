import Telephony

extension SIPURI {
  /// True if both name the same resource (RFC 3261 §19.1.4; RFC 3966 §4 for `tel:`). Not transitive, as the RFC says.
  ///
  /// Beside user, ttl, method and maddr a transport that only one of them names keeps them apart, as the RFC's examples
  /// have it.
  package func isEquivalent(to other: SIPURI) -> Bool {
    guard scheme == other.scheme else { return false }
    switch scheme {
    case "sip", "sips":
      return user == other.user && password == other.password && hostsMatch(host, other.host) && port == other.port
        && parametersMatch(other) && headersMatch(other)
    case "tel":
      return digits(user) == digits(other.user)
        && parameters.items.count == other.parameters.items.count
        && parameters.items.allSatisfy { item in
          other.parameters.has(item.name) && valuesMatch(parameters[item.name], other.parameters[item.name])
        }
    default:
      return opaque == other.opaque
    }
  }

  private func parametersMatch(_ other: SIPURI) -> Bool {
    func agree(_ a: Parameters, _ b: Parameters) -> Bool {
      a.items.allSatisfy { item in
        b.has(item.name) ? valuesMatch(a[item.name], b[item.name]) : !item.name.standsAlone
      }
    }
    return agree(parameters, other.parameters) && agree(other.parameters, parameters)
  }

  private func headersMatch(_ other: SIPURI) -> Bool {
    var left = pairs(other.headers)
    let right = pairs(headers)
    // Pairing costs the square; a URI with that many headers is nobody's address.
    guard left.count == right.count, left.count <= 64 else { return headers == other.headers }
    for pair in right {
      guard let index = left.firstIndex(of: pair) else { return false }
      left.remove(at: index)
    }
    return true
  }
}

private struct HeaderPair: Hashable {
  var name: HeaderName
  var value: String
}

private func pairs(_ headers: String?) -> [HeaderPair] {
  guard let headers, !headers.isEmpty else { return [] }
  return headers.split(separator: "&").map { part in
    let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { unescaped(String($0)) }
    return HeaderPair(name: HeaderName(sides.first ?? ""), value: sides.count == 2 ? sides[1] : "")
  }
}

/// Hosts are compared without regard to case; addresses by their bytes, so that every way to write an IPv6 is equal.
private func hostsMatch(_ a: String, _ b: String) -> Bool {
  if a.equalsIgnoringCase(b) { return true }
  guard let left = IPAddress(a), let right = IPAddress(b) else { return false }
  return left == right
}

private func valuesMatch(_ a: String?, _ b: String?) -> Bool {
  guard let a, let b else { return a == nil && b == nil }
  return unescaped(a).equalsIgnoringCase(unescaped(b))
}

private func unescaped(_ text: String) -> String {
  let bytes = wireBytes(text)
  return (try? percentDecoded(bytes, 0..<bytes.count)) ?? text
}

/// A number without its visual separators (RFC 3966 §3).
private func digits(_ number: String?) -> String {
  String(decoding: (number ?? "").utf8.filter { !"-.()".utf8.contains($0) }, as: UTF8.self).asciiLowercased
}

extension String {
  /// A parameter that, standing in one URI only, keeps two URIs apart.
  fileprivate var standsAlone: Bool {
    ["user", "ttl", "method", "maddr", "transport"].contains { equalsIgnoringCase($0) }
  }
}
