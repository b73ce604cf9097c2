package import Hunting
package import SIPMessage
import Telephony

/// Through which numbers a call has come before it came to us: Diversion (RFC 5806) and History-Info (RFC 7044).
package struct CallHistory: Hashable, Sendable {
  /// One number that has passed the call on.
  package struct Station: Hashable, Sendable {
    /// As it stands in the header, without parameters.
    package var user: String
    /// Why it was passed on, such as `no-answer`, or the SIP status 302; nil if that is not told.
    package var reason: String?
    /// Not to be shown.
    package var isPrivate: Bool
  }

  /// The number that was called first stands first; at most ``limit``.
  package private(set) var stations: [Station] = []

  /// Longer histories are those of a loop.
  package static let limit = 16

  /// What of it can be read; the rest is passed over.
  package init(_ request: Request) {
    // The newest diversion stands on top (RFC 5806 §5.1), the oldest entry of the history (RFC 7044 §5).
    let diversions = request.headers.readable("Diversion").compactMap { Station(diversion: $0) }.reversed()
    let history = request.headers.readable("History-Info").compactMap { Station(entry: $0) }
    stations = Array((history + diversions).prefix(Self.limit))
  }

  /// The number that was called first, as the log may show it; nil if nobody has told.
  package var calledFirst: CallerName? {
    stations.first.map { $0.isPrivate ? .anonymous : CallerName($0.user) }
  }
}

extension CallHistory.Station {
  fileprivate init?(diversion: NameAddress) {
    guard let user = diversion.uri.number else { return nil }
    let privacy = diversion.parameters["privacy"]?.asciiLowercased ?? "off"
    self.init(user: user, reason: diversion.parameters["reason"], isPrivate: privacy != "off" && privacy != "name")
  }

  /// Privacy and Reason of an entry stand as headers in its URI, escaped: `<sip:731@x?Reason=SIP%3Bcause%3D302>`.
  fileprivate init?(entry: NameAddress) {
    guard let user = entry.uri.number else { return nil }
    let reason = entry.uri.header("Reason").flatMap { value in
      value.split(separator: ";").map(\.trimmed).first { $0.asciiLowercased.hasPrefix("cause=") }.map {
        String($0.dropFirst(6))
      }
    }
    let privacy = entry.uri.header("Privacy")?.asciiLowercased
    self.init(
      user: user, reason: reason, isPrivate: privacy == "history" || privacy == "header" || privacy == "session")
  }
}

extension SIPURI {
  /// Its user without parameters; nil if it has none.
  fileprivate var number: String? {
    let number = user.map { String($0.prefix { $0 != ";" }) } ?? ""
    return number.isEmpty ? nil : number
  }

  /// The value of a header in the URI, unescaped; nil if it is missing or no text.
  fileprivate func header(_ name: String) -> String? {
    for pair in (headers ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0].equalsIgnoringCase(name) { return String(unescaping: parts[1]) }
    }
    return nil
  }
}

extension String {
  /// `%3B` → `;`. Nil for an escape that is none, and for control characters.
  fileprivate init?(unescaping text: Substring) {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst()?.hexadecimalValue, let low = rest.popFirst()?.hexadecimalValue else {
        return nil
      }
      bytes.append(UInt8(truncatingIfNeeded: high << 4 | low))
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    self.init(decoding: bytes, as: UTF8.self)
  }
}
