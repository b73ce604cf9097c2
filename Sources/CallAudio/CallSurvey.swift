package import Capture

/// What calls a capture holds: the first of two readings, in which nothing is decoded.
package struct CallSurvey: Sendable {
  /// The calls that have sound, in order of their first messages.
  package let calls: [RecordedCall]
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
  /// A link layer of which packets have been passed over because it is not known here, by name.
  package let foreignLink: String?
  /// True if the capture holds more streams than are looked at.
  package let hasTooManyStreams: Bool
  /// How many records were read: the second reading stops there, should the file have grown.
  let recordCount: Int

  /// Reads the whole capture once.
  package init(of file: borrowing CaptureFile) throws(CaptureError) {
    var reader = try file.reader(withSegments: true)
    var signalling = Signalling()
    var connections = SIPConnections()
    var table = StreamTable()
    while reader.next() {
      let record = reader.recordNumber
      let time = reader.time
      let source = reader.datagram.source
      let target = reader.datagram.target
      let payload = reader.payload
      if reader.isSegment {
        let found = connections.take(reader.segment, payload, from: source, to: target, time: time)
        for one in found { Self.take(one, &signalling, &table) }
        continue
      }
      guard payload.byteCount > 0 else { continue }
      if payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self) >> 6 == 2 {
        table.take(payload, from: source, to: target, record: record, time: time)
      } else {
        Self.split(&table, signalling.take(payload, from: source, to: target, time: time), time)
      }
    }
    for one in connections.finish() { Self.take(one, &signalling, &table) }
    table.finish()
    try reader.checkLinks()
    switch reader.end {
    case .complete: breakage = nil
    case .broken(let reason): breakage = reason
    }
    var assignment = StreamAssignment(signalling, table.streams)
    calls = assignment.calls()
    silentCallCount = assignment.silentCallCount
    unclaimedStreamCount = assignment.unclaimedCount
    unreadableMessageCount = signalling.unreadableCount
    fragmentCount = reader.fragmentCount
    foreignLink = reader.foreignLink
    hasTooManyStreams = table.isFull
    recordCount = reader.recordNumber
  }

  /// Takes a message that came over TCP.
  private static func take(_ one: SIPConnections.Found, _ signalling: inout Signalling, _ table: inout StreamTable) {
    split(&table, signalling.take(one.message, from: one.source, to: one.target, time: one.time), one.time)
  }

  /// Ends the streams of addresses that belong to another call from now on.
  private static func split(_ table: inout StreamTable, _ takeovers: [Signalling.Takeover], _ time: Int64) {
    for takeover in takeovers {
      table.split(at: takeover.endpoint, silentSince: takeover.isReleased ? .max : time &- longestSilence)
    }
  }

  /// A stream that has been silent for so long when its address is declared anew has ended; in nanoseconds.
  private static let longestSilence: Int64 = 2_000_000_000
}
