import Telephony

/// A header field's name in its long form and usual case; compact forms and any case are equal (RFC 3261 §7.3).
package struct HeaderName: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// The long form as we write it, such as `Call-ID`; an unknown name as it came.
  package let text: String
  /// The place in `names`; nil for an unknown name.
  private let known: Int?

  /// `i`, `call-id` and `Call-ID` give the same name.
  package init(_ name: String) { self.init(bytes: Array(name.utf8)[...]) }

  package init(stringLiteral name: String) { self.init(name) }

  init(bytes: ArraySlice<UInt8>) {
    let candidates = bytes.count < HeaderName.byLength.count ? HeaderName.byLength[bytes.count] : []
    for candidate in candidates where candidate.key.elementsEqual(bytes, by: { $0 == lowercased($1) }) {
      text = HeaderName.names[candidate.place]
      known = candidate.place
      return
    }
    text = decodedText(bytes)
    known = nil
  }

  package var description: String { text }

  package static func == (a: HeaderName, b: HeaderName) -> Bool {
    a.known == b.known && (a.known != nil || a.text.equalsIgnoringCase(b.text))
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(known)
    if known == nil { hasher.combine(text.asciiLowercased) }
  }

  static let contentLength: HeaderName = "Content-Length"
  static let callID: HeaderName = "Call-ID"

  private static let names = [
    "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
    "Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition",
    "Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date", "Diversion", "Error-Info",
    "Event", "Expires", "From", "History-Info", "In-Reply-To", "Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE",
    "Organization", "P-Asserted-Identity", "P-Called-Party-ID", "P-Preferred-Identity", "Path", "Priority", "Privacy",
    "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason", "Record-Route", "Refer-To",
    "Referred-By", "Reject-Contact", "Remote-Party-ID", "Replaces", "Reply-To", "Request-Disposition", "Require",
    "Retry-After", "Route", "RSeq", "Server", "Service-Route", "Session-Expires", "Session-ID", "Subject",
    "Subscription-State", "Supported", "Timestamp", "To", "Unsupported", "User-Agent", "Via", "Warning",
    "WWW-Authenticate",
  ]

  /// RFC 3261 §20 and the extensions' own.
  private static let compactForms: [(String, String)] = [
    ("a", "Accept-Contact"), ("b", "Referred-By"), ("c", "Content-Type"), ("d", "Request-Disposition"),
    ("e", "Content-Encoding"), ("f", "From"), ("i", "Call-ID"), ("j", "Reject-Contact"), ("k", "Supported"),
    ("l", "Content-Length"), ("m", "Contact"), ("o", "Event"), ("r", "Refer-To"), ("s", "Subject"), ("t", "To"),
    ("u", "Allow-Events"), ("v", "Via"), ("x", "Session-Expires"),
  ]

  /// Lower-case names and compact forms with their place in `names`, by length.
  private static let byLength: [[(key: [UInt8], place: Int)]] = {
    var table: [[(key: [UInt8], place: Int)]] = []
    func enter(_ name: String, _ place: Int) {
      while table.count <= name.utf8.count { table.append([]) }
      table[name.utf8.count].append((name.utf8.map(lowercased), place))
    }
    for (place, name) in names.enumerated() { enter(name, place) }
    for (compact, name) in compactForms {
      if let place = names.firstIndex(of: name) { enter(compact, place) }
    }
    return table
  }()
}

private func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
