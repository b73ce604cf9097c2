import Frames
import Glibc
import RTP
import Telephony

/// RTCP (RFC 3550 §6): reports to the leg's peer, and what the peer reports.
extension MediaLoop {
  /// - Parameter datagram: is decrypted in place.
  func handleRTCP(
    _ slot: Int, _ datagram: UnsafeMutableRawBufferPointer, from source: PacketSource, isMuxed: Bool
  ) {
    let state = legs + slot
    var bytes = UnsafeRawBufferPointer(datagram)
    if state.pointee.isSecure {
      guard let plain = unprotect(slot, datagram, isControl: true) else { return }
      bytes = UnsafeRawBufferPointer(plain)
    }
    guard RTCPReader.isRTCP(bytes),
      state.pointee.latch.acceptsControl(from: source, isAuthentic: state.pointee.isSecure, at: now.instant)
    else {
      state.pointee.statistics.packetsRefused &+= 1
      return
    }
    state.pointee.lastHeard = now.instant.nanoseconds
    if reserves[slot].control != source || reserves[slot].isMuxed != isMuxed {
      // As with RTP, answers go where the packets come from: the SDP does not know of NAT.
      reserves[slot].isMuxed = isMuxed
      reserves[slot].aimControl(at: source, isIPv6: state.pointee.isIPv6)
    }
    if state.pointee.recording >= 0 {
      let target = isMuxed ? state.pointee.shown : reserves[slot].shownControl
      tap.pointee.record(state.pointee.recording, now.wall, from: FrameAddress(source), to: target, payload: bytes)
    }
    var reader = RTCPReader(bytes.bytes)
    // What stands before a fault counts.
    while let item = try? reader.next() {
      switch item {
      case .senderReport(let report) where report.ssrc == state.pointee.source:
        reserves[slot].senderReport = (report.ssrc, report.ntpTime, now.instant)
      case .reception(_, let report) where report.ssrc == state.pointee.rewriter.ssrc:
        heard(report, on: slot)
      case .senderReport, .receiverReport, .reception, .canonicalName, .bye, .other: continue
      }
    }
  }

  /// What the peer says of our stream; what cannot be true is passed over.
  private func heard(_ report: ReceptionReport, on slot: Int) {
    let sent = legs[slot].rewriter.packetCount
    // Duplicates may make up for losses, and more; 10 s of jitter are no stream.
    guard sent > 0, report.cumulativeLost.magnitude <= sent, report.jitter < 80_000 else { return }
    legs[slot].statistics.remoteLost = report.cumulativeLost
    legs[slot].statistics.remoteExpected = sent
    legs[slot].statistics.remoteJitter = report.jitter
    let (last, before) = reserves[slot].ownReports
    guard report.lastSenderReport != 0, report.lastSenderReport == last || report.lastSenderReport == before else {
      return
    }
    // In 1/65536 s; a clock that was set meanwhile makes nonsense of it.
    let time = NTPTime(now.wall).middle &- report.lastSenderReport &- report.delaySinceLastSenderReport
    guard time < 10 * 65_536 else { return }
    legs[slot].statistics.roundTrip = .microseconds(Int64(time) * 1_000_000 / 65_536)
  }

  /// Sends SR or RR with our name, and BYE at the end.
  func sendReport(_ slot: Int, isLast: Bool) {
    let state = legs + slot
    state.pointee.nextReport = now.instant.nanoseconds &+ configuration.reportInterval.nanoseconds
    guard let control = reserves[slot].control else { return }
    let ssrc = state.pointee.rewriter.ssrc
    let reception = state.pointee.source.map { source in
      let last = reserves[slot].senderReport.flatMap { $0.ssrc == source ? ($0.ntpTime, $0.arrived) : nil }
      return state.pointee.tracker.report(on: source, lastSenderReport: last, at: now.instant)
    }
    var writer = RTCPWriter(UnsafeMutableRawBufferPointer(rebasing: own[..<256]))
    if let report = state.pointee.rewriter.senderReport(at: now) {
      reserves[slot].ownReports = (report.ntpTime.middle, reserves[slot].ownReports.last)
      writer.append(report, reception: reception)
    } else {
      writer.appendReceiverReport(ssrc: ssrc, reception: reception)
    }
    let nameLength = reserves[slot].cnameLength
    withUnsafeBytes(of: &reserves[slot].cname) {
      writer.appendSourceDescription(ssrc: ssrc, canonicalName: UnsafeRawBufferPointer(rebasing: $0[..<nameLength]))
    }
    if isLast { writer.appendBye(ssrc: ssrc) }
    let datagram = UnsafeRawBufferPointer(rebasing: own[..<writer.count])
    let isMuxed = reserves[slot].isMuxed
    var wire = datagram
    if state.pointee.isSecure {
      guard let secured = protect(slot, datagram, isControl: true) else { return }
      wire = secured
    }
    let descriptor = isMuxed ? state.pointee.sockets.rtp : state.pointee.sockets.rtcp
    let sent = reserves[slot].controlPlace.withPointer {
      sendto(descriptor, wire.baseAddress, wire.count, 0, $0, $1)
    }
    guard sent >= 0, state.pointee.recording >= 0 else { return }
    let source = isMuxed ? state.pointee.shown : reserves[slot].shownControl
    tap.pointee.record(state.pointee.recording, now.wall, from: source, to: FrameAddress(control), payload: datagram)
  }
}
