package import Telephony

/// The codecs we speak: both laws of G.711 (RFC 3551 §4.5.14), and G.722 (§4.5.2), whose RTP clock is 8000 Hz though it is
/// sampled at 16 kHz.
package enum AudioCodec: Hashable, Sendable, CaseIterable {
  case g722
  case pcma
  case pcmu

  /// The payload type that needs no `a=rtpmap`.
  package var staticPayloadType: UInt8 {
    switch self {
    case .g722: 9
    case .pcma: 8
    case .pcmu: 0
    }
  }

  /// As it stands in `a=rtpmap`.
  package var encoding: String {
    switch self {
    case .g722: "G722/8000"
    case .pcma: "PCMA/8000"
    case .pcmu: "PCMU/8000"
    }
  }
}

/// What we offer and accept.
package struct AudioCapabilities: Hashable, Sendable {
  /// In the order in which we offer them. G.722 among them is taken out of an offer wherever it stands there.
  package var codecs: [AudioCodec]
  /// RFC 4733 key presses.
  package var telephoneEvent: Bool
  /// What a packet lasts, in ms.
  package var ptime: Int

  package init(codecs: [AudioCodec] = [.pcma, .pcmu], telephoneEvent: Bool = true, ptime: Int = 20) {
    self.codecs = codecs
    self.telephoneEvent = telephoneEvent
    self.ptime = ptime
  }
}

/// What offer and answer have settled for one call leg, seen from our side.
package struct NegotiatedAudio: Hashable, Sendable {
  /// Where our packets go; nil while the other side names no address (hold by 0.0.0.0, or a name instead of an
  /// address).
  package var remote: Endpoint?
  /// Where our RTCP goes: `a=rtcp` (RFC 3605), else the next port.
  package var remoteRTCP: Endpoint?
  /// What we send.
  package var codec: AudioCodec
  /// The payload type under which we send it.
  package var sendPayloadType: UInt8
  /// What the payload types we receive mean.
  package var receivePayloadTypes: [UInt8: AudioCodec]
  /// The payload type of the key presses we send; nil if the other side takes none.
  package var telephoneEventSend: UInt8?
  /// The payload type of the key presses we receive.
  package var telephoneEventReceive: UInt8?
  /// The payload type of comfort noise (RFC 3389) the other side may send. We never answer with it, since silence
  /// suppression costs syllables; but who has it on his list may send it all the same.
  package var comfortNoise: UInt8?
  /// Ours: whether we send, and whether we receive.
  package var direction: Direction
  /// What a packet we send is to last, in ms.
  package var ptime: Int
  /// Under which keys RTP and RTCP are encrypted; nil: they are plain.
  package var keys: MediaKeys?

  package init(
    remote: Endpoint?, remoteRTCP: Endpoint?, codec: AudioCodec, sendPayloadType: UInt8,
    receivePayloadTypes: [UInt8: AudioCodec], telephoneEventSend: UInt8? = nil, telephoneEventReceive: UInt8? = nil,
    comfortNoise: UInt8? = nil, direction: Direction = .sendReceive, ptime: Int = 20,
    keys: MediaKeys? = nil
  ) {
    self.remote = remote
    self.remoteRTCP = remoteRTCP
    self.codec = codec
    self.sendPayloadType = sendPayloadType
    self.receivePayloadTypes = receivePayloadTypes
    self.telephoneEventSend = telephoneEventSend
    self.telephoneEventReceive = telephoneEventReceive
    self.comfortNoise = comfortNoise
    self.direction = direction
    self.ptime = ptime
    self.keys = keys
  }

  /// True while the other side holds the call: it wants nothing from us.
  package var isHeld: Bool { !direction.sends }
}
