import CallControl
import Hunting
import Logging
import RTPEngine
import SIPUserAgent
import Telephony

/// A leg, often one that is being closed: what a line about it in the log is to name.
struct ClosingLeg {
  var id: LegID
  var call: CallID?
  var ticket: TicketNumber?

  var logNames: Logger.Metadata {
    var names: Logger.Metadata = ["leg": "\(id)"]
    if let call { names["call"] = .stringConvertible(call) }
    if let ticket { names["ticket"] = .stringConvertible(ticket) }
    return names
  }
}

/// What is told of a leg's sound at its end.
extension Switchboard {
  /// During the call: sound comes from nowhere the leg's peer is known to be, and none from him.
  func tellRefused(_ source: Endpoint, of leg: LegID) {
    let call = control.call(of: leg)
    var names = ClosingLeg(id: leg, call: call, ticket: call.flatMap { control.ticket(of: $0) }).logNames
    names["from"] = "\(source)"
    names["check"] = "Addresses.txt of its trunk"
    logger.warning("nothing is heard from the peer, and packets from another address are refused", metadata: names)
  }

  func tell(_ statistics: LegStatistics, of leg: ClosingLeg) {
    var names = leg.logNames
    // Of a phone that only rang there is nothing to say.
    let hasSounded = statistics.packetsReceived + statistics.packetsSent > 0
    logger.log(
      level: hasSounded ? .info : .debug, "the sound of a leg",
      metadata: statistics.logFields.reduce(into: names) { $0[$1.key] = .string($1.value) })
    if statistics.packetsUnauthentic > 0 {
      names["dropped"] = "\(statistics.packetsUnauthentic)"
      names["received"] = "\(statistics.packetsReceived)"
      logger.warning("packets on an encrypted leg that were not its peer's, or came twice", metadata: names)
    }
    if statistics.packetsRefused > 0, statistics.packetsReceived == 0, let source = statistics.refusedSource {
      names["from"] = "\(source)"
      names["refused"] = "\(statistics.packetsRefused)"
      names["check"] = "Addresses.txt of its trunk"
      logger.warning("nothing was heard from the peer's address, but packets came from another", metadata: names)
    }
  }
}

extension LegStatistics {
  /// In words of people: per cent and milliseconds.
  var logFields: [String: String] {
    var fields = [
      "received": "\(packetsReceived)", "sent": "\(packetsSent)",
      "lost": Self.percent(packetsLost, of: packetsReceived &+ packetsLost), "jitter": Self.milliseconds(jitter),
      "refused": "\(packetsRefused)",
    ]
    if packetsStale > 0 { fields["stale"] = "\(packetsStale)" }
    if sendFailures > 0 { fields["unsent"] = "\(sendFailures)" }
    if let remoteLost, let remoteExpected, let remoteJitter {
      fields["lostThere"] = Self.percent(UInt64(max(0, remoteLost)), of: UInt64(remoteExpected))
      fields["jitterThere"] = Self.milliseconds(remoteJitter)
    }
    if let roundTrip { fields["roundTrip"] = "\(roundTrip.milliseconds)ms" }
    return fields
  }

  /// To a tenth of a per cent; what was lost at all is never nothing.
  private static func percent(_ part: UInt64, of whole: UInt64) -> String {
    guard whole > 0, part > 0 else { return "0%" }
    let tenths = max(1, (part &* 1000 &+ whole / 2) / whole)
    return "\(tenths / 10).\(tenths % 10)%"
  }

  /// - Parameter samples: in units of 1/8000 s.
  private static func milliseconds(_ samples: UInt32) -> String { "\((samples &+ 4) / 8)ms" }
}
