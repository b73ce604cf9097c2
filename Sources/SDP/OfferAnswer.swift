package import Telephony

/// The offer/answer of one call leg (RFC 3264): one audio stream; all other streams are refused in their place.
///
/// Payload types stay what they were over the whole call, and the version of our `o=` line counts the descriptions that
/// differ (§8).
package struct OfferAnswer: Sendable {
  private let capabilities: AudioCapabilities
  private let sessionID: UInt64
  private var version: UInt64 = 0
  private var lastSent: SessionDescription?
  /// The streams of the call so far, ours or the other side's, in their order, for the next offer.
  private var streams: [MediaDescription] = []
  private var audioIndex = 0
  private var hasOffered = false
  private var offeredDirection = Direction.sendReceive
  /// Our payload types: what the other side sends to us, once agreed.
  private var payloadTypes: [(payloadType: UInt8, codec: AudioCodec)]
  private var telephoneEvent: UInt8?
  private var encryption: Encryption
  /// What our payload types have meant so far: packets under an earlier one are still under way when the codec changes
  /// (RFC 3264 §8.3.2).
  private var received: [UInt8: AudioCodec] = [:]

  /// - Parameters:
  ///   - sessionID: random; held to 31 bits, since there are peers that read it into an Int32.
  ///   - security: whether the leg is to be encrypted.
  ///   - random: where our keys come from; nil: encryption is not spoken.
  package init(
    _ capabilities: AudioCapabilities = AudioCapabilities(), sessionID: UInt64, security: MediaSecurity = .accepted,
    random: RandomSource? = nil
  ) {
    self.capabilities = capabilities
    encryption = Encryption(security, random)
    self.sessionID = sessionID & 0x7FFF_FFFF
    payloadTypes = capabilities.codecs.map { ($0.staticPayloadType, $0) }
    telephoneEvent = capabilities.telephoneEvent ? 101 : nil
  }

  /// Our offer: the first one, or one within the call (which keeps the streams there are, §8).
  /// - Parameters:
  ///   - local: where we receive.
  ///   - direction: ours; `sendOnly` or `inactive` to hold.
  package mutating func makeOffer(local: Endpoint, direction: Direction = .sendReceive) -> [UInt8] {
    hasOffered = true
    offeredDirection = direction
    let crypto = encryption.offer()
    let audio = stream(
      at: local.port, transport: encryption.transport, payloadTypes, telephoneEvent: telephoneEvent,
      direction: direction, ptime: capabilities.ptime, crypto)
    if streams.isEmpty {
      streams = [audio]
      audioIndex = 0
    }
    streams[audioIndex] = audio
    return send(streams, local: local)
  }

  /// Answers an offer of the other side, the first one or one within the call.
  ///
  /// The first codec of the offer that we speak is taken, and it alone: the offerer's order counts (§6.1), and one
  /// codec leaves no doubt about what comes. G.722, where we speak it, is taken wherever it stands: it sounds best.
  /// - Parameter direction: what we want; the answer gives of it what the offer allows.
  /// - Throws: `noAudio`, `noCommonCodec`, `noCommonCrypto`, `notSecure`, and what the parser throws. The state stays
  ///   what it was.
  package mutating func answer(
    _ offer: [UInt8], local: Endpoint, direction: Direction = .sendReceive
  ) throws(SDPError) -> (sdp: [UInt8], NegotiatedAudio) {
    let description = try SessionDescription(parsing: offer)
    let (candidates, fault) = encryption.candidates(in: description.media)
    guard !candidates.isEmpty else { throw fault }
    var found: (index: Int, remote: RemoteAudio, first: (payloadType: UInt8, codec: AudioCodec))?
    for index in candidates where found == nil {
      let remote = RemoteAudio(description.media[index], in: description, capabilities: capabilities)
      if let first = remote.preferred { found = (index, remote, first) }
    }
    guard let found else { throw .noCommonCodec }
    let agreed = found.remote.direction.reversed.limited(to: direction)
    payloadTypes =
      [found.first]
      + payloadTypes.filter { own in
        own.codec != found.first.codec && own.payloadType != found.first.payloadType
          && own.payloadType != found.remote.telephoneEvent
      }
    receive([found.first])
    (hasOffered, offeredDirection) = (true, agreed)
    telephoneEvent = capabilities.telephoneEvent ? found.remote.telephoneEvent ?? freeEventType() : nil
    let keys = encryption.answer(description.media[found.index])
    audioIndex = found.index
    streams = description.media.map { Self.refused($0) }
    streams[audioIndex] = stream(
      at: local.port, transport: description.media[found.index].transport, [found.first],
      telephoneEvent: found.remote.telephoneEvent, direction: agreed, ptime: capabilities.ptime,
      encryption.agreed.map { [$0] } ?? [])
    let negotiated = NegotiatedAudio(
      remote: found.remote.endpoint, remoteRTCP: found.remote.rtcp, codec: found.first.codec,
      sendPayloadType: found.first.payloadType, receivePayloadTypes: received,
      telephoneEventSend: found.remote.telephoneEvent, telephoneEventReceive: found.remote.telephoneEvent,
      comfortNoise: found.remote.comfortNoise, direction: agreed,
      ptime: found.remote.packetTime(usual: capabilities.ptime), keys: keys)
    return (send(streams, local: local), negotiated)
  }

  /// Takes the other side's answer to our last offer. May be called again: 183 and 200 repeat the answer, and a forked
  /// call brings several. What we have answered with is offered again where the session is refreshed (RFC 4028 §10).
  /// - Throws: `noAudio` if our stream was refused, `noCommonCodec`, `noCommonCrypto`, `notSecure`, `unexpectedAnswer`,
  ///   and what the parser throws.
  package mutating func accept(_ answer: [UInt8]) throws(SDPError) -> NegotiatedAudio {
    guard hasOffered else { throw .unexpectedAnswer }
    let description = try SessionDescription(parsing: answer)
    guard description.media.indices.contains(audioIndex), description.media[audioIndex].isAudio else {
      throw .noAudio
    }
    var agreed = encryption
    let keys = try agreed.accept(description.media[audioIndex])
    var known: [UInt8: String] = [:]
    for own in payloadTypes { known[own.payloadType] = own.codec.encoding }
    if let telephoneEvent { known[telephoneEvent] = "telephone-event/8000" }
    let remote = RemoteAudio(
      description.media[audioIndex], in: description, capabilities: capabilities, known: known)
    guard let first = remote.codecs.first else { throw .noCommonCodec }
    encryption = agreed
    receive(payloadTypes)
    return NegotiatedAudio(
      remote: remote.endpoint, remoteRTCP: remote.rtcp, codec: first.codec, sendPayloadType: first.payloadType,
      receivePayloadTypes: received, telephoneEventSend: remote.telephoneEvent,
      telephoneEventReceive: remote.telephoneEvent == nil ? nil : telephoneEvent, comfortNoise: remote.comfortNoise,
      direction: offeredDirection.limited(to: remote.direction.reversed),
      ptime: remote.packetTime(usual: capabilities.ptime), keys: keys)
  }

  /// A stream we do not want keeps its place, with port 0 (§6).
  private static func refused(_ stream: MediaDescription) -> MediaDescription {
    MediaDescription(kind: stream.kind, port: 0, transport: stream.transport, formats: stream.formats)
  }

  private mutating func receive(_ types: [(payloadType: UInt8, codec: AudioCodec)]) {
    for type in types { received[type.payloadType] = type.codec }
  }

  /// A payload type for key presses in a later offer of ours that no codec has.
  private func freeEventType() -> UInt8 {
    let taken = payloadTypes.map(\.payloadType)
    return [101, 96, 97, 98].first { !taken.contains($0) } ?? 99
  }

  private func stream(
    at port: UInt16, transport: String, _ types: [(payloadType: UInt8, codec: AudioCodec)], telephoneEvent: UInt8?,
    direction: Direction, ptime: Int, _ crypto: [CryptoLine] = []
  ) -> MediaDescription {
    var formats = types.map { String($0.payloadType) }
    var attributes = types.map { Attribute("rtpmap", "\($0.payloadType) \($0.codec.encoding)") }
    if let telephoneEvent {
      formats.append(String(telephoneEvent))
      attributes.append(Attribute("rtpmap", "\(telephoneEvent) telephone-event/8000"))
      attributes.append(Attribute("fmtp", "\(telephoneEvent) 0-15"))
    }
    attributes += crypto.map { Attribute("crypto", $0.value) }
    attributes.append(Attribute("ptime", String(ptime)))
    attributes.append(Attribute(direction.rawValue))
    return MediaDescription(
      kind: "audio", port: port, transport: transport, formats: formats, attributes: attributes)
  }

  private mutating func send(_ media: [MediaDescription], local: Endpoint) -> [UInt8] {
    let connection = Connection(local.address)
    var description = SessionDescription(
      origin: Origin(sessionID: String(sessionID), version: String(version), connection: connection),
      connection: connection, media: media)
    if description != lastSent {
      version += 1
      description.origin.version = String(version)
    }
    lastSent = description
    return description.serialized()
  }
}
