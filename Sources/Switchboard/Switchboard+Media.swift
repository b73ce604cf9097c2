import Audio
import CallControl
import Disk
import Hunting
import Logging
import Media
import RTP
import RTPEngine
import Records
import SDP
import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// A leg of the core and its leg in the engine.
struct MediaLeg {
  var leg: Leg
  var address: IPAddress
  /// Our media address as the peer sees it, for the recording.
  var shown: Endpoint
  /// Where its signalling comes from, and where else its sound may.
  var peer: IPAddress
  var sources: [SourceRange]
  /// For the log.
  var call: CallID?

  /// Its signalling comes from `peer` now: what was the peer's own before remains so, as packets may be under way.
  mutating func move(to peer: IPAddress, _ networks: [Network]) {
    let present = networks.map(SourceRange.init)
    sources = present + sources.filter { !present.contains($0) }.prefix(Self.formerSources)
    self.peer = peer
  }

  /// Of a peer that moves on and on, the newest ones.
  private static let formerSources = 16
}

extension SourceRange {
  fileprivate init(_ network: Network) { self.init(network.address, prefixLength: network.prefixLength) }
}

/// A recording in progress.
struct OpenRecording {
  var id: RecordingID
  var directory: String
  var start: LocalTime
  var caller: CallerName
}

/// Legs, sounds and recordings: the core's words into the engine's.
extension Switchboard {
  func openMedia(_ leg: LegID, _ flow: Flow) {
    let address = flow.local.address
    let range = control.site.rtpPorts
    // Legs of another range than today's live on; the ports they hold are occupied, should the ranges overlap.
    var pool = ports[address].flatMap { $0.range == range ? $0 : nil } ?? MediaPorts(range: range, address: address)
    defer { ports[address] = pool }
    do {
      let sockets = try pool.bind()
      do {
        let engineLeg = try engine.openLeg(sockets)
        let shown = Endpoint(addressBook.mediaAddress(flow), sockets.port)
        media[leg] = MediaLeg(
          leg: engineLeg, address: address, shown: shown, peer: flow.remote.address,
          sources: control.mediaSources(flow).map(SourceRange.init), call: control.call(of: leg))
        legOfEngine[engineLeg] = leg
        take(.mediaOpened(leg, shown))
      } catch {
        sockets.close()
        pool.release(sockets.port)
        logger.error("no room for another media leg", metadata: ["fault": "\(error)"])
        take(.mediaRefused(leg))
      }
    } catch {
      logger.error("no media ports", metadata: ["fault": "\(error)"])
      take(.mediaRefused(leg))
    }
  }

  func describe(_ leg: LegID, _ audio: NegotiatedAudio) {
    guard var place = media[leg] else { return }
    if let flow = control.flow(of: leg) {
      place.move(to: flow.remote.address, control.mediaSources(flow))
      media[leg] = place
    }
    var description = LegMedia(audio)
    description.ownSources = place.sources
    description.silenceLimit = control.site.silenceLimit
    description.isTranslated =
      audio.remote.map { AddressBook.isPrivate($0.address) && !AddressBook.isPrivate(place.peer) } ?? false
    engine.send(.describe(place.leg, description))
  }

  func play(_ leg: LegID, _ sound: Media.Sound, token: UInt64) {
    guard let place = media[leg] else { return }
    engine.send(.play(place.leg, sounds.samples(sound), loops: sound.loops, token: token))
  }

  func closeMedia(_ leg: LegID) {
    guard let place = media.removeValue(forKey: leg) else { return }
    closing[place.leg] = ClosingLeg(id: leg, call: place.call, ticket: place.call.flatMap { control.ticket(of: $0) })
    engine.send(.closeLeg(place.leg))
  }

  /// What the engine tells, on the loop.
  func engineSaid(_ event: EngineEvent) {
    switch event {
    case .digit(let leg, let digit, let source, _):
      if let id = legOfEngine[leg] { take(.digit(id, digit, source == .event ? .event : .tone)) }
    case .digitEnded(let leg, let digit, let milliseconds, _):
      if let id = legOfEngine[leg] { take(.digitEnded(id, digit, milliseconds: milliseconds)) }
    case .played(let leg, let token):
      if let id = legOfEngine[leg] { take(.played(id, token: token)) }
    case .legClosed(let leg, let statistics):
      let gone = closing.removeValue(forKey: leg)
      guard let id = legOfEngine.removeValue(forKey: leg) else { return }
      for address in ports.keys { ports[address]?.release(statistics.localPort) }
      tell(statistics, of: gone ?? ClosingLeg(id: id))
    case .silent(let leg, let since):
      if let id = legOfEngine[leg] { take(.silent(id, since: since)) }
    case .sourceRefused(let leg, let source):
      if let id = legOfEngine[leg] { tellRefused(source, of: id) }
    case .recordingFailed(let id, let code, let path): recordingFailed(id, DiskError(path, .write, code))
    case .recordingRefused(let id): recordingFates[id]?.isRefused = true
    case .recordingDropped(let id, let bytes): recordingDropped(id, bytes: bytes)
    case .recordingClosed(let id, let path): recordingClosed(id, path)
    }
  }

  // MARK: Recording

  func startRecording(_ call: CallID, _ caller: CallerName, _ frames: [SIPFrame], at now: Moment) {
    guard let directory = control.site.recordingDirectory else { return }
    let start = calendar.local(now.wall)
    // The ticket's number belongs into the name and is not drawn yet; a kill before it is leaves this name.
    let name = "\(start.dottedDate)_\(start.dottedTime)_Call_\(call)_Caller_\(caller).pcap"
    let id = RecordingID(rawValue: nextRecording)
    nextRecording += 1
    let folder = sitePath(directory)
    recordings[call] = OpenRecording(id: id, directory: folder, start: start, caller: caller)
    recordingFates[id] = RecordingFate(call: call, path: joined(folder, name))
    engine.send(.startRecording(id, path: joined(folder, name)))
    for frame in frames { record(frame, in: id) }
  }

  func nameRecording(_ call: CallID, _ ticket: TicketNumber) {
    guard let recording = recordings[call] else { return }
    let name = TicketMessage.recordingName(start: recording.start, ticket: ticket, caller: recording.caller)
    recordingFates[recording.id]?.path = joined(recording.directory, name)
    engine.send(.renameRecording(recording.id, path: joined(recording.directory, name)))
  }

  func record(_ frame: SIPFrame, in id: RecordingID) {
    engine.send(
      .recordDatagram(id, from: frame.from, to: frame.to, payload: frame.message.serialized(), at: frame.at))
  }

  func tap(_ call: CallID, _ leg: LegID) {
    guard let recording = recordings[call], let place = media[leg] else { return }
    engine.send(.tap(place.leg, recording.id, localAddressShown: place.shown))
  }

  func stopRecording(_ call: CallID) {
    guard let recording = recordings.removeValue(forKey: call) else { return }
    engine.send(.stopRecording(recording.id))
  }
}
