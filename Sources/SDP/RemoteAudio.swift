import Telephony

/// What an `m=audio` section says, as far as we can use it.
struct RemoteAudio {
  /// Our codecs under their payload types, in the order of preference.
  var codecs: [(payloadType: UInt8, codec: AudioCodec)] = []
  var telephoneEvent: UInt8?
  var comfortNoise: UInt8?
  var endpoint: Endpoint?
  var rtcp: Endpoint?
  /// Seen from the other side; hold by 0.0.0.0 (RFC 3264 §8.4) counts as not receiving.
  var direction: Direction
  var ptime: Int?
  var maximumPtime: Int?

  /// - Parameter known: the encodings of payload types of ours, for an answer that repeats a type without its
  ///   `a=rtpmap`.
  init(
    _ stream: MediaDescription, in description: SessionDescription, capabilities: AudioCapabilities,
    known: [UInt8: String] = [:]
  ) {
    direction = description.direction(of: stream)
    for format in stream.formats {
      guard format.isDigits, let payloadType = UInt8(format), payloadType < 128,
        let encoding = stream.encoding(of: format) ?? known[payloadType]
      else { continue }
      if let codec = capabilities.codecs.first(where: { Self.matches(encoding, $0.encoding) }) {
        if !codecs.contains(where: { $0.codec == codec }) { codecs.append((payloadType, codec)) }
      } else if Self.matches(encoding, "telephone-event/8000"), capabilities.telephoneEvent {
        telephoneEvent = telephoneEvent ?? payloadType
      } else if Self.matches(encoding, "CN/8000") {
        comfortNoise = comfortNoise ?? payloadType
      }
    }
    let address = description.connection(of: stream)?.address
    if let address, address.isUnspecified {
      direction = direction.limited(to: .sendOnly)
    } else if let address, stream.port != 0 {
      endpoint = Endpoint(address, stream.port)
      rtcp = Self.rtcp(stream, address)
    }
    ptime = stream.attribute("ptime").flatMap { Int($0) }
    maximumPtime = stream.attribute("maxptime").flatMap { Int($0) }
  }

  /// What we take of an offer: G.722 wherever it stands, else what stands first.
  var preferred: (payloadType: UInt8, codec: AudioCodec)? {
    codecs.first { $0.codec == .g722 } ?? codecs.first
  }

  /// How long our packets shall be, 10 to 60 ms: what the other side asks for or the next below, else ours, and no more than
  /// it takes.
  func packetTime(usual: Int) -> Int {
    let possible = [10, 20, 30, 40, 50, 60]
    let wanted = min(ptime.flatMap { $0 > 0 ? $0 : nil } ?? usual, maximumPtime.flatMap { $0 > 0 ? $0 : nil } ?? .max)
    return possible.last { $0 <= wanted } ?? possible[0]
  }

  /// `pcma/8000` and `pcma/8000/1` are one encoding.
  private static func matches(_ encoding: String, _ wanted: String) -> Bool {
    encoding.equalsIgnoringCase(wanted) || encoding.equalsIgnoringCase(wanted + "/1")
  }

  private static func rtcp(_ stream: MediaDescription, _ address: IPAddress) -> Endpoint? {
    if let fields = stream.attribute("rtcp")?.split(separator: " "), let first = fields.first, first.isDigits,
      let port = UInt16(first), port != 0
    {
      return Endpoint(fields.count >= 4 ? IPAddress(fields[3]) ?? address : address, port)
    }
    return stream.port == .max ? nil : Endpoint(address, stream.port + 1)
  }
}
