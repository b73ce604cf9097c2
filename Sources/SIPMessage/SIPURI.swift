import Telephony

/// `;name=value` parameters in their order; names are compared without regard to case (RFC 3261 §7.3.1).
package struct Parameters: Hashable, Sendable {
  /// One parameter; `value` is nil for a flag such as `lr`. Quotes of a quoted value are taken off when read.
  package struct Item: Hashable, Sendable {
    package var name: String
    package var value: String?
  }

  package private(set) var items: [Item] = []

  package init() {}

  package var isEmpty: Bool { items.isEmpty }

  /// The value of `name`: nil if it is missing or a flag. Setting nil removes the parameter.
  package subscript(name: String) -> String? {
    get { items.first { $0.name.equalsIgnoringCase(name) }?.value }
    set {
      guard let newValue else { return items.removeAll { $0.name.equalsIgnoringCase(name) } }
      set(name, newValue)
    }
  }

  /// True if `name` stands there, with or without a value.
  package func has(_ name: String) -> Bool { items.contains { $0.name.equalsIgnoringCase(name) } }

  /// Sets `name` in place, or appends it; nil makes it a flag.
  package mutating func set(_ name: String, _ value: String?) {
    if let index = items.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) {
      items[index].value = value
    } else {
      items.append(Item(name: name, value: value))
    }
  }
}

/// A `sip:`, `sips:` or `tel:` URI (RFC 3261 §19.1, RFC 3966); any other scheme is kept as it stands.
package struct SIPURI: Hashable, Sendable {
  /// In lower case.
  package var scheme: String
  /// Percent-decoded; nil if there is no `@`. Of a `tel:` URI: the number.
  package var user: String?
  package var password: String?
  /// A name or an address as written, IPv6 in brackets; empty for schemes other than sip and sips.
  package var host: String
  package var port: UInt16?
  package var parameters: Parameters
  /// What stands behind `?`, as written.
  package var headers: String?
  /// What stands behind the colon of a scheme that is neither sip, sips nor tel.
  package var opaque: String?

  package init(
    scheme: String = "sip", user: String? = nil, host: String, port: UInt16? = nil,
    parameters: Parameters = Parameters()
  ) {
    self.scheme = scheme
    self.user = user
    self.password = nil
    self.host = host
    self.port = port
    self.parameters = parameters
    self.headers = nil
    self.opaque = nil
  }

  package var isSIP: Bool { scheme == "sip" || scheme == "sips" }
}

/// A display name, a URI and header parameters: From, To, Contact, Route, P-Asserted-Identity (RFC 3261 §20.10).
package struct NameAddress: Hashable, Sendable {
  /// Without its quotes; nil if there is none.
  package var displayName: String?
  package var uri: SIPURI
  /// The header's own parameters, such as `tag`, outside the angle brackets.
  package var parameters: Parameters

  package init(_ uri: SIPURI, displayName: String? = nil, parameters: Parameters = Parameters()) {
    self.uri = uri
    self.displayName = displayName
    self.parameters = parameters
  }

  package var tag: String? {
    get { parameters["tag"] }
    set { parameters["tag"] = newValue }
  }
}

/// One Via value (RFC 3261 §20.42).
package struct Via: Hashable, Sendable {
  /// As written, such as `UDP`; upper case is what we write.
  package var transport: String
  /// sent-by; IPv6 in brackets.
  package var host: String
  package var port: UInt16?
  package var parameters: Parameters

  package init(transport: String, host: String, port: UInt16?, parameters: Parameters = Parameters()) {
    self.transport = transport
    self.host = host
    self.port = port
    self.parameters = parameters
  }

  package var branch: String? { parameters["branch"] }
}

/// CSeq (RFC 3261 §20.16): number (below 2^31) and method.
package struct CSeq: Hashable, Sendable {
  package var number: UInt32
  package var method: Method
  package init(_ number: UInt32, _ method: Method) {
    self.number = number
    self.method = method
  }
}
