package import Capture

/// What calls a capture holds: the first of two readings, in which nothing is decoded.
package struct CallSurvey: Sendable {
  /// The calls that have sound: those that SIP tells, in order of their first messages, then those found by their RTP
  /// alone, in order of their first packets.
  package let calls: [RecordedCall]
  /// Streams that are regular RTP but in none of the calls: the same sound at another hop, say.
  package let otherStreams: [RecordedStream]
  /// How many calls have none.
  package let silentCallCount: Int
  /// How many RTP streams belong to no call.
  package let unclaimedStreamCount: Int
  /// Why the capture could not be read to its end, in words; nil if it could.
  package let breakage: String?
  /// SIP messages that could not be read.
  package let unreadableMessageCount: Int
  /// Parts of fragmented IP packets of which the others are missing.
  package let fragmentCount: Int
  /// How many packets of the calls' sound were captured in part only (snap length).
  package let cutPacketCount: Int
  /// A link layer of which packets have been passed over because it is not known here, by name.
  package let foreignLink: String?
  /// True if the capture holds more streams than are looked at.
  package let hasTooManyStreams: Bool
  /// How many records were read: the second reading stops there, should the file have grown.
  let recordCount: Int

  /// Reads the whole capture; once more if what a payload type counts in a second is known only at its end.
  package init(of file: borrowing CaptureFile) throws(CaptureError) {
    var reading = try Reading(of: file, KnownCodecs())
    var assignment = StreamAssignment(reading.signalling, reading.streams)
    var found = assignment.calls()
    if let codecs = assignment.betterCodecs() {
      reading = try Reading(of: file, codecs)
      assignment = StreamAssignment(reading.signalling, reading.streams)
      found = assignment.calls()
    }
    if found.contains(where: { $0.parts.count > RecordedCall.mostParts }) {
      let counts = Dictionary(reading.streams.map { ($0.firstRecord, $0.packetCount) }) { first, _ in first }
      for index in found.indices { found[index].limitParts(packets: counts) }
    }
    calls = found
    // No two streams begin with the same record.
    let heard = Set(found.flatMap { $0.parts.map(\.firstRecord) })
    cutPacketCount = reading.streams.reduce(0) { $0 + (heard.contains($1.firstRecord) ? $1.cutCount : 0) }
    otherStreams = assignment.otherStreams
    silentCallCount = assignment.silentCallCount
    unclaimedStreamCount = assignment.unclaimedCount
    breakage = reading.breakage
    unreadableMessageCount = reading.signalling.unreadableCount
    fragmentCount = reading.fragmentCount
    foreignLink = reading.foreignLink
    hasTooManyStreams = reading.hasTooManyStreams
    recordCount = reading.recordCount
  }
}

/// One reading of a capture for its calls.
private struct Reading {
  private(set) var signalling = Signalling()
  private(set) var streams: [MediaStream]
  private(set) var breakage: String?
  private(set) var fragmentCount: Int
  private(set) var foreignLink: String?
  private(set) var hasTooManyStreams: Bool
  private(set) var recordCount: Int

  init(of file: borrowing CaptureFile, _ codecs: KnownCodecs) throws(CaptureError) {
    var reader = try file.reader(withSegments: true)
    var connections = SIPConnections()
    var table = StreamTable(codecs: codecs)
    while reader.next() {
      let time = reader.time
      let source = reader.datagram.source
      let target = reader.datagram.target
      let payload = reader.payload
      if reader.isSegment {
        let found = connections.take(reader.segment, payload, from: source, to: target, time: time)
        for one in found { table.heed(signalling.take(one), at: one.time) }
        continue
      }
      guard payload.byteCount > 0 else { continue }
      if payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self) >> 6 == 2 {
        table.take(
          payload, from: source, to: target, record: reader.recordNumber, time: time, isCut: reader.datagram.isCut)
      } else {
        table.heed(signalling.take(payload, from: source, to: target, time: time), at: time)
      }
    }
    for one in connections.finish() { table.heed(signalling.take(one), at: one.time) }
    signalling.finish()
    table.finish()
    try reader.checkLinks()
    streams = table.streams
    hasTooManyStreams = table.isFull
    fragmentCount = reader.fragmentCount
    foreignLink = reader.foreignLink
    recordCount = reader.recordNumber
    if case .broken(let reason) = reader.end { breakage = reason }
  }
}

extension StreamTable {
  /// A stream that has been silent for so long when its address is declared anew has ended; in nanoseconds.
  private static let longestSilence: Int64 = 2_000_000_000

  /// Heeds what a SIP message has said.
  fileprivate mutating func heed(_ events: [Signalling.Event], at time: Int64) {
    for event in events {
      switch event {
      case .declared(let media): codecs.declare(media)
      case .takenOver(let endpoint, let isReleased):
        split(at: endpoint, silentSince: isReleased ? .max : time &- Self.longestSilence)
      }
    }
  }
}

extension Signalling {
  /// Takes a message that came over TCP.
  fileprivate mutating func take(_ one: SIPConnections.Found) -> [Event] {
    take(one.message, from: one.source, to: one.target, time: one.time)
  }
}
