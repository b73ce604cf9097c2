import Audio
import Codecs
import Frames
import RTP
import Telephony

/// What the event loop asks for.
extension MediaLoop {
  func perform(_ command: EngineCommand) {
    switch command {
    case .describe(let leg, let media):
      guard let slot = slot(of: leg) else { return }
      legs[slot].describe(media, at: now.instant.nanoseconds)
      reserves[slot].describe(media, isIPv6: legs[slot].isIPv6)
    case .play(let leg, let sound, let loops, let token):
      if let slot = slot(of: leg) { play(slot, sound, loops: loops, token: token) }
    case .stop(let leg):
      guard let slot = slot(of: leg) else { return }
      reserves[slot].sound = nil
      legs[slot].isSounding = reserves[slot].hasSound
    case .detectTones(let leg, let isWanted):
      guard let slot = slot(of: leg) else { return }
      if !isWanted {
        reserves[slot].tones = nil
      } else if reserves[slot].tones == nil {
        reserves[slot].tones = ToneDetector()
      }
      legs[slot].hearsTones = reserves[slot].tones != nil
    case .sendDigit(let leg, let digit, let milliseconds):
      if let slot = slot(of: leg) { queuePress(slot, digit, milliseconds: max(40, min(milliseconds, 8000))) }
    case .bridge(let first, let second):
      guard let a = slot(of: first), let b = slot(of: second), a != b else { return }
      bridge(a, b)
    case .unbridge(let leg):
      if let slot = slot(of: leg) { unbridge(slot) }
    case .startRecording(let recording, let path):
      if !tap.pointee.start(recording, path: path) {
        onEvent(.recordingFailed(recording, errno: noRoomForRecording, path: path))
        onEvent(.recordingRefused(recording))
      }
    case .renameRecording(let recording, let path):
      if let slot = tap.pointee.slot(of: recording) { tap.pointee.rename(slot, path: path) }
    case .recordDatagram(let recording, let source, let target, let payload, let time):
      guard let slot = tap.pointee.slot(of: recording) else { return }
      payload.withUnsafeBytes {
        tap.pointee.record(slot, time, from: FrameAddress(source), to: FrameAddress(target), payload: $0)
      }
    case .tap(let leg, let recording, let shown):
      guard let slot = slot(of: leg), let recordingSlot = tap.pointee.slot(of: recording) else { return }
      legs[slot].recording = recordingSlot
      legs[slot].shown = FrameAddress(shown)
      reserves[slot].shownControl = FrameAddress(Endpoint(shown.address, shown.port &+ 1))
    case .untap(let leg):
      if let slot = slot(of: leg) { legs[slot].recording = LegState.none }
    case .stopRecording(let recording):
      guard let recordingSlot = tap.pointee.slot(of: recording) else {
        // It never began, and its end is told all the same.
        return onEvent(.recordingClosed(recording, path: ""))
      }
      for index in 0..<activeCount where legs[Int(active[index])].recording == recordingSlot {
        legs[Int(active[index])].recording = LegState.none
      }
      tellDropped(recordingSlot)
      tap.pointee.stop(recordingSlot)
    case .closeLeg(let leg):
      if let slot = slot(of: leg) { close(slot) }
    }
  }

  private func bridge(_ a: Int, _ b: Int) {
    guard legs[a].peer != Int32(b) else { return }
    unbridge(a)
    unbridge(b)
    legs[a].peer = Int32(b)
    legs[b].peer = Int32(a)
    legs[a].rewriter.cut()
    legs[b].rewriter.cut()
    reserves[a].withholdsEvents = true
    reserves[b].withholdsEvents = true
  }

  /// Tells what the ring could not take of a recording.
  func tellDropped(_ recordingSlot: Int32) {
    guard let (recording, bytes) = tap.pointee.takeDropped(recordingSlot) else { return }
    onEvent(.recordingDropped(recording, bytes: bytes))
  }
}
