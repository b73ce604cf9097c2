package import Capture

/// What calls a capture holds: the first of two readings, in which nothing is decoded.
package struct CallSurvey: Sendable {
  /// The calls that have sound, in order of their first messages.
  package let calls: [RecordedCall]
  /// How many calls have none.
  package let silentCallCount: Int
  /// How many RTP streams belong to no call.
  package let unclaimedStreamCount: Int
  /// Why the capture could not be read to its end, in libpcap's words; nil if it could.
  package let breakage: String?
  /// SIP messages that could not be read.
  package let unreadableMessageCount: Int
  /// Parts of fragmented IP packets, which are passed over.
  package let fragmentCount: Int
  /// True if the capture holds more streams than are looked at.
  package let hasTooManyStreams: Bool
  /// How many records were read: the second reading stops there, should the file have grown.
  let recordCount: Int

  /// Reads the whole capture once.
  package init(of file: borrowing CaptureFile) throws(CaptureError) {
    var reader = try file.reader()
    var signalling = Signalling()
    var table = StreamTable()
    while reader.next() {
      let record = reader.recordNumber
      let time = reader.time
      let source = reader.datagram.source
      let target = reader.datagram.target
      let payload = reader.payload
      guard payload.byteCount > 0 else { continue }
      if payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self) >> 6 == 2 {
        table.take(payload, from: source, to: target, record: record, time: time)
      } else {
        for takeover in signalling.take(payload, from: source, to: target, time: time) {
          table.split(
            at: takeover.endpoint, silentSince: takeover.isReleased ? .max : time &- Self.longestSilence)
        }
      }
    }
    table.finish()
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
    hasTooManyStreams = table.isFull
    recordCount = reader.recordNumber
  }

  /// A stream that has been silent for so long when its address is declared anew has ended; in nanoseconds.
  private static let longestSilence: Int64 = 2_000_000_000
}
