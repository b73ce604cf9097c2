import Telephony

/// A header field's name in its long form and usual case; compact forms and any case are equal (RFC 3261 §7.3).
package struct HeaderName: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// The long form as we write it, such as `Call-ID`; an unknown name as it came.
  package let text: String
  private let key: String

  /// `i`, `call-id` and `Call-ID` give the same name.
  package init(_ name: String) {
    let lowered = name.asciiLowercased
    let known = HeaderName.known[lowered]
    text = known ?? name
    key = known?.asciiLowercased ?? lowered
  }

  package init(stringLiteral name: String) { self.init(name) }

  package var description: String { text }
  package static func == (a: HeaderName, b: HeaderName) -> Bool { a.key == b.key }
  package func hash(into hasher: inout Hasher) { hasher.combine(key) }

  /// Lower-case name or compact form → the long form as we write it.
  private static let known: [String: String] = {
    var table: [String: String] = [:]
    for name in [
      "Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Authentication-Info",
      "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition", "Content-Encoding",
      "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date", "Diversion", "Error-Info", "Event",
      "Expires", "From", "History-Info", "In-Reply-To", "Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE",
      "Organization", "P-Asserted-Identity", "P-Called-Party-ID", "P-Preferred-Identity", "Path", "Priority",
      "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason", "Record-Route",
      "Refer-To", "Referred-By", "Remote-Party-ID", "Replaces", "Reply-To", "Require", "Retry-After", "Route", "RSeq",
      "Server", "Service-Route", "Session-Expires", "Session-ID", "Subject", "Subscription-State", "Supported",
      "Timestamp", "To", "Unsupported", "User-Agent", "Via", "Warning", "WWW-Authenticate",
    ] { table[name.asciiLowercased] = name }
    for (compact, name) in [
      "a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "e": "Content-Encoding", "f": "From",
      "i": "Call-ID", "k": "Supported", "l": "Content-Length", "m": "Contact", "o": "Event", "r": "Refer-To",
      "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires",
    ] { table[compact] = name }
    return table
  }()
}

/// The header fields of a message in their order, each line a name and its raw (unfolded, trimmed) value.
///
/// Several values in one comma-separated line stay one line here; the typed readers (`Headers+Typed.swift`) split them.
package struct Headers: Hashable, Sendable {
  package struct Field: Hashable, Sendable {
    package var name: HeaderName
    package var value: String
    package init(_ name: HeaderName, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package var fields: [Field] = []

  package init() {}
  package init(_ fields: [(HeaderName, String)]) { self.fields = fields.map { Field($0.0, $0.1) } }

  /// The first line called `name`; setting replaces all lines of that name in the first one's place (or appends),
  /// nil removes them.
  package subscript(name: HeaderName) -> String? {
    get { fields.first { $0.name == name }?.value }
    set {
      let place = fields.firstIndex { $0.name == name } ?? fields.count
      fields.removeAll { $0.name == name }
      if let newValue { fields.insert(Field(name, newValue), at: min(place, fields.count)) }
    }
  }

  /// Every line called `name`, in order.
  package func lines(_ name: HeaderName) -> [String] { fields.filter { $0.name == name }.map(\.value) }

  package func has(_ name: HeaderName) -> Bool { fields.contains { $0.name == name } }

  /// Appends a line.
  package mutating func add(_ name: HeaderName, _ value: String) { fields.append(Field(name, value)) }

  /// Puts a line before the first one of its name, or at the very front.
  package mutating func prepend(_ name: HeaderName, _ value: String) {
    fields.insert(Field(name, value), at: fields.firstIndex { $0.name == name } ?? 0)
  }
}
