package import Telephony

/// A session description (RFC 8866), of which we keep what telephony uses: `i u e p b r z k` lines are read over.
package struct SessionDescription: Hashable, Sendable {
  package var origin: Origin
  /// The `s=` line; never empty when written.
  package var name: String
  /// The session's `c=` line, for media without their own.
  package var connection: Connection?
  package var attributes: [Attribute]
  package var media: [MediaDescription]

  package init(
    origin: Origin, name: String = "-", connection: Connection? = nil, attributes: [Attribute] = [],
    media: [MediaDescription] = []
  ) {
    self.origin = origin
    self.name = name
    self.connection = connection
    self.attributes = attributes
    self.media = media
  }

  /// Where the packets of a stream are to go: its own `c=` line's address, else the session's.
  package func connection(of stream: MediaDescription) -> Connection? { stream.connection ?? connection }

  /// The first of the four direction attributes, of the stream or else of the session; `sendrecv` if there is none
  /// (§6.7).
  package func direction(of stream: MediaDescription) -> Direction {
    for attribute in stream.attributes + attributes {
      if let direction = Direction(rawValue: attribute.name) { return direction }
    }
    return .sendReceive
  }
}

/// Who made the description, and its version (the `o=` line, §5.2).
package struct Origin: Hashable, Sendable {
  package var username: String
  package var sessionID: String
  /// A number as text, however long.
  package var version: String
  package var connection: Connection

  package init(username: String = "-", sessionID: String, version: String, connection: Connection) {
    self.username = username
    self.sessionID = sessionID
    self.version = version
    self.connection = connection
  }
}

/// Where packets go (the `c=` line, §5.7): an address, or a name that somebody else would have to look up.
package struct Connection: Hashable, Sendable {
  /// The address or name as it stands, without TTL.
  package var text: String
  /// IP6 rather than IP4.
  package var isIPv6: Bool

  package init(text: String, isIPv6: Bool) {
    self.text = text
    self.isIPv6 = isIPv6
  }

  package init(_ address: IPAddress) { self.init(text: address.description, isIPv6: address.isIPv6) }

  /// The address, if it is one.
  package var address: IPAddress? { IPAddress(text) }
}

/// One stream (the `m=` line and what follows it, §5.14).
package struct MediaDescription: Hashable, Sendable {
  /// `audio`, `video`, `image` ...
  package var kind: String
  /// 0: the stream is refused or no longer used (RFC 3264 §6, §8.2).
  package var port: UInt16
  /// `RTP/AVP`, `RTP/SAVP`, `udptl` ...
  package var transport: String
  /// Payload types as text, or what the transport uses instead.
  package var formats: [String]
  package var connection: Connection?
  package var attributes: [Attribute]

  package init(
    kind: String, port: UInt16, transport: String, formats: [String], connection: Connection? = nil,
    attributes: [Attribute] = []
  ) {
    self.kind = kind
    self.port = port
    self.transport = transport
    self.formats = formats
    self.connection = connection
    self.attributes = attributes
  }

  /// The value of the first attribute with this name; empty for one without a value.
  package func attribute(_ name: String) -> String? { attributes.first { $0.name == name }.map { $0.value ?? "" } }

  /// The encoding of a payload type by its `a=rtpmap` (§6.6), in lower case, e.g. `pcma/8000`; of types 0, 8, 9 and 13
  /// also without one (RFC 3551 §6).
  package func encoding(of format: String) -> String? {
    for attribute in attributes where attribute.name == "rtpmap" {
      let parts = (attribute.value ?? "").split(separator: " ", maxSplits: 1)
      if parts.count == 2, parts[0] == format { return parts[1].trimmed.asciiLowercased }
    }
    switch format {
    case "0": return "pcmu/8000"
    case "8": return "pcma/8000"
    case "9": return "g722/8000"
    case "13": return "cn/8000"
    default: return nil
    }
  }
}

/// An `a=` line: a property, or a name with a value (§5.13).
package struct Attribute: Hashable, Sendable {
  package var name: String
  package var value: String?

  package init(_ name: String, _ value: String? = nil) {
    self.name = name
    self.value = value
  }
}

/// Who sends, seen from the side whose description it is (§6.7).
package enum Direction: String, Hashable, Sendable, CaseIterable {
  case sendReceive = "sendrecv"
  case sendOnly = "sendonly"
  case receiveOnly = "recvonly"
  case inactive

  package init(sends: Bool, receives: Bool) {
    switch (sends, receives) {
    case (true, true): self = .sendReceive
    case (true, false): self = .sendOnly
    case (false, true): self = .receiveOnly
    case (false, false): self = .inactive
    }
  }

  package var sends: Bool { self == .sendReceive || self == .sendOnly }
  package var receives: Bool { self == .sendReceive || self == .receiveOnly }

  /// The same seen from the other side.
  package var reversed: Direction { Direction(sends: receives, receives: sends) }

  /// What both allow, both seen from the same side.
  package func limited(to other: Direction) -> Direction {
    Direction(sends: sends && other.sends, receives: receives && other.receives)
  }
}
