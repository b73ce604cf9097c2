package import Telephony

/// Names one recording; chosen by the caller, never used twice in the life of the engine.
package struct RecordingID: RawRepresentable, Hashable, Sendable {
  package var rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// What the event loop tells the engine. Commands are carried out in the order in which they were sent; one for a leg
/// or a recording that is gone does nothing.
package enum EngineCommand: Sendable {
  /// A new SDP for this leg; learning of its source reopens.
  case describe(Leg, LegMedia)
  /// Plays `sound` to the leg from its start, in place of what it may be playing; `played` follows at its end, once, unless
  /// it loops or is stopped or replaced. While it plays, the other side of a bridge is not heard on this leg.
  case play(Leg, Sound, loops: Bool, token: UInt64)
  /// Stops what the leg plays; no `played` follows.
  case stop(Leg)
  /// Listens for DTMF tones in the leg's audio, or no longer. While nobody listens, the audio of a peer that sends a
  /// telephone-event does not go through to the other side of a bridge: gateways leave the same key's tone in it.
  case detectTones(Leg, Bool)
  /// Sends a key press to the leg: telephone-event where negotiated, else tones. Presses queue (32 at most); what is no
  /// key is passed over. 40 to 8000 ms.
  case sendDigit(Leg, Character, milliseconds: Int)
  /// Joins two legs: each hears the other, and gets its telephone-events if it takes such. To send them to one that
  /// does not is left to the owner (`digitEnded`, `sendDigit`), and so is a press that had begun before. A leg that was bridged to a third leaves it.
  case bridge(Leg, Leg)
  /// Parts the leg from the other side of its bridge.
  case unbridge(Leg)
  /// Creates the recording's file, exclusively (an existing one is never touched), mode 0600.
  case startRecording(RecordingID, path: String)
  /// Gives the recording's file another name, never an existing one: `_2`, `_3`, … is added where the name is taken.
  case renameRecording(RecordingID, path: String)
  /// Puts a datagram (SIP) into the recording, in order with the RTP. Times within a file never go back.
  case recordDatagram(RecordingID, from: Endpoint, to: Endpoint, payload: [UInt8], at: WallTime)
  /// Records the leg's RTP and RTCP, both directions, from now on. `localAddressShown` stands in the file as our RTP
  /// address, the port after it as our RTCP address. One recording a leg; another one replaces it.
  case tap(Leg, RecordingID, localAddressShown: Endpoint)
  /// Ends the recording of the leg.
  case untap(Leg)
  /// Closes the file; `recordingClosed` follows when it is on disk. Taps end.
  case stopRecording(RecordingID)
  /// Sends RTCP BYE, closes the leg's sockets; `legClosed` follows, and only then its port is free.
  case closeLeg(Leg)
}
