import Audio
package import RTPEngine
package import SDP

extension LegMedia {
  /// What an offer and its answer agreed on, in the engine's words.
  package init(_ audio: NegotiatedAudio) {
    self.init(
      remote: audio.remote, remoteRTCP: audio.remoteRTCP, sendPayloadType: audio.sendPayloadType,
      sendLaw: audio.codec.law ?? .aLaw, receivePayloadTypes: audio.receivePayloadTypes.compactMapValues(\.law),
      telephoneEventSend: audio.telephoneEventSend, telephoneEventReceive: audio.telephoneEventReceive,
      comfortNoise: audio.comfortNoise, sends: audio.direction.sends, receives: audio.direction.receives,
      ptime: audio.ptime, keys: audio.keys.map { LegKeys(send: .init($0.send), receive: .init($0.receive)) })
    sendsG722 = audio.codec == .g722
    receiveG722 = audio.receivePayloadTypes.filter { $0.value == .g722 }.map(\.key).sorted()
  }
}

extension LegKeys.Key {
  fileprivate init(_ key: MediaKey) {
    self.init(master: key.key, name: key.name, hasShortTag: key.suite == .sha1With32Bits)
  }
}

extension AudioCodec {
  /// nil: it is none of G.711.
  fileprivate var law: G711? {
    switch self {
    case .g722: nil
    case .pcma: .aLaw
    case .pcmu: .muLaw
    }
  }
}
