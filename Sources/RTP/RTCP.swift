package import Telephony

/// A time as RTCP writes it: seconds since 1900 and their fraction, 32 bits each (RFC 3550 §4).
package struct NTPTime: Hashable, Sendable {
  package var bits: UInt64

  package init(bits: UInt64) { self.bits = bits }

  /// Wraps in 2036, as the format does.
  package init(_ wall: WallTime) {
    var (seconds, rest) = wall.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    if rest < 0 {
      seconds -= 1
      rest += 1_000_000
    }
    let fraction = (UInt64(rest) << 32) / 1_000_000
    bits = UInt64(truncatingIfNeeded: seconds &+ 2_208_988_800) << 32 | fraction
  }

  /// The middle 32 bits, as LSR repeats them.
  package var middle: UInt32 { UInt32(truncatingIfNeeded: bits >> 16) }
}

/// What a sender tells of its stream (RFC 3550 §6.4.1).
package struct SenderReport: Hashable, Sendable {
  package var ssrc: UInt32
  package var ntpTime: NTPTime
  /// The stream's timestamp at `ntpTime`.
  package var rtpTimestamp: UInt32
  package var packetCount: UInt32
  package var octetCount: UInt32

  package init(ssrc: UInt32, ntpTime: NTPTime, rtpTimestamp: UInt32, packetCount: UInt32, octetCount: UInt32) {
    self.ssrc = ssrc
    self.ntpTime = ntpTime
    self.rtpTimestamp = rtpTimestamp
    self.packetCount = packetCount
    self.octetCount = octetCount
  }
}

/// What a receiver tells of one stream it gets (RFC 3550 §6.4.1, §6.4.2).
package struct ReceptionReport: Hashable, Sendable {
  /// The source the report is about.
  package var ssrc: UInt32
  /// In 256ths, since the report before.
  package var fractionLost: UInt8
  /// 24 bits with sign.
  package var cumulativeLost: Int32
  package var extendedHighestSequence: UInt32
  /// In units of the payload's clock.
  package var jitter: UInt32
  /// The middle 32 bits of the last sender report's NTP time; 0 if there was none.
  package var lastSenderReport: UInt32
  /// Time since that report came, in 1/65536 s.
  package var delaySinceLastSenderReport: UInt32

  package init(
    ssrc: UInt32, fractionLost: UInt8, cumulativeLost: Int32, extendedHighestSequence: UInt32, jitter: UInt32,
    lastSenderReport: UInt32 = 0, delaySinceLastSenderReport: UInt32 = 0
  ) {
    self.ssrc = ssrc
    self.fractionLost = fractionLost
    self.cumulativeLost = cumulativeLost
    self.extendedHighestSequence = extendedHighestSequence
    self.jitter = jitter
    self.lastSenderReport = lastSenderReport
    self.delaySinceLastSenderReport = delaySinceLastSenderReport
  }
}

extension SequenceTracker {
  /// The report block on the source this tracker follows; begins a new interval of the fraction lost.
  /// - Parameters:
  ///   - lastSenderReport: that source's last sender report and when it came, if one came.
  package mutating func report(
    on ssrc: UInt32, lastSenderReport: (ntpTime: NTPTime, arrived: Instant)?, at now: Instant
  ) -> ReceptionReport {
    var delay: UInt32 = 0
    if let lastSenderReport {
      let nanoseconds = max(0, min((now - lastSenderReport.arrived).nanoseconds, 65_535_000_000_000))
      // In 1/65536 s; microseconds first, so that the product stays within 64 bits.
      delay = UInt32(truncatingIfNeeded: nanoseconds / 1000 * 65_536 / 1_000_000)
    }
    return ReceptionReport(
      ssrc: ssrc, fractionLost: takeFractionLost(), cumulativeLost: cumulativeLost,
      extendedHighestSequence: extendedHighestSequence, jitter: jitter,
      lastSenderReport: lastSenderReport?.ntpTime.middle ?? 0, delaySinceLastSenderReport: delay)
  }
}

/// The packet types of RTCP (RFC 3550 §12.1).
enum RTCPType {
  static let senderReport: UInt8 = 200
  static let receiverReport: UInt8 = 201
  static let sourceDescription: UInt8 = 202
  static let bye: UInt8 = 203
}
