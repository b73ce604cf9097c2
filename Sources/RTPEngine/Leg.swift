package import Audio
package import RTP
package import Telephony

/// One media leg of the engine: a pair of sockets and all that is sent and heard on them.
///
/// The generation tells a leg from an earlier one in the same slot: commands and datagrams for a leg that is gone
/// reach nobody.
package struct Leg: Hashable, Sendable, CustomStringConvertible {
  package let slot: UInt32
  package let generation: UInt32

  package init(slot: UInt32, generation: UInt32) {
    self.slot = slot
    self.generation = generation
  }

  package var description: String { "leg \(slot).\(generation)" }
}

/// What an SDP exchange has settled for a leg (RFC 3264), as the engine needs it.
package struct LegMedia: Hashable, Sendable {
  /// The SDP's address and port for RTP; nil while there is none (hold with 0.0.0.0, or no SDP yet).
  package var remote: Endpoint?
  /// The SDP's address and port for RTCP (RFC 3605); nil: the port after `remote`'s. Equal to `remote`: rtcp-mux.
  package var remoteRTCP: Endpoint?
  /// The peer's own addresses besides `remote`'s, from which its RTP may come (`SourceLatch`): its signalling's, its trunk's.
  package var ownSources: [SourceRange] = []
  /// Whether packets cannot come from `remote`: a private address, told to us from the public network.
  package var isTranslated = false
  /// The payload type of the audio we send, 0 to 127.
  package var sendPayloadType: UInt8
  /// The law of the audio we send.
  package var sendLaw: G711
  /// The payload types we take as audio.
  package var receivePayloadTypes: [UInt8: G711]
  /// Whether the audio we send is G.722; `sendLaw` means nothing then.
  package var sendsG722 = false
  /// The payload types we take as G.722.
  package var receiveG722: [UInt8] = []
  /// The peer's payload type for telephone-event; nil: it takes none, digits are sent to it as tones.
  package var telephoneEventSend: UInt8?
  /// Our payload type for telephone-event.
  package var telephoneEventReceive: UInt8?
  /// The payload type of comfort noise (RFC 3389) in both directions; nil: not negotiated.
  package var comfortNoise: UInt8?
  /// Whether we may send RTP (`sendrecv`, `sendonly` from our side).
  package var sends: Bool
  /// Whether we take RTP (`sendrecv`, `recvonly` from our side).
  package var receives: Bool
  /// How long one packet of ours lasts, in milliseconds, 10 to 60.
  package var ptime: Int
  /// After how long without RTP and RTCP the leg is told as silent; nil: never.
  package var silenceLimit: Duration?
  /// Our canonical name in RTCP (RFC 3550 §6.5.1), at most 60 bytes are sent; the same for all legs of a call.
  package var localCNAME: String
  /// Under which keys RTP and RTCP are encrypted; nil: they are plain.
  package var keys: LegKeys?

  /// G.711 with the static payload types, both ways, packets of 20 ms.
  package init(
    remote: Endpoint?, remoteRTCP: Endpoint? = nil, sendPayloadType: UInt8 = 8, sendLaw: G711 = .aLaw,
    receivePayloadTypes: [UInt8: G711] = [8: .aLaw, 0: .muLaw], telephoneEventSend: UInt8? = nil,
    telephoneEventReceive: UInt8? = nil, comfortNoise: UInt8? = nil, sends: Bool = true, receives: Bool = true,
    ptime: Int = 20, localCNAME: String = "pikett", keys: LegKeys? = nil
  ) {
    self.remote = remote
    self.remoteRTCP = remoteRTCP
    self.sendPayloadType = sendPayloadType
    self.sendLaw = sendLaw
    self.receivePayloadTypes = receivePayloadTypes
    self.telephoneEventSend = telephoneEventSend
    self.telephoneEventReceive = telephoneEventReceive
    self.comfortNoise = comfortNoise
    self.sends = sends
    self.receives = receives
    self.ptime = ptime
    self.localCNAME = localCNAME
    self.keys = keys
  }
}
