import Hunting
import Telephony

/// Where the parts of a recording's name stand: `TicketMessage.recordingName` read back, perhaps with `_2` where a name was
/// taken. A recording whose call never got its first ticket's number has `_Call_` and the call's name instead.
struct RecordingNameLayout {
  var start: LocalMinute
  /// The first ticket of the call; 0: it has none yet.
  var ticket: UInt64 = 0
  /// The call's name, where there is no ticket.
  var call = 0..<0
  var caller: Range<Int>
  /// 1, or the number that was put behind.
  var copy: UInt64 = 1

  init?(_ bytes: UnsafeRawBufferPointer) {
    var cursor = NameCursor(bytes)
    guard let start = cursor.minute() else { return nil }
    self.start = start
    if cursor.skip("_Ticket_") {
      guard let ticket = cursor.number(upTo: TicketNumber.highest), cursor.skip("_Caller_") else { return nil }
      self.ticket = ticket
    } else {
      guard cursor.skip("_Call_") else { return nil }
      let first = cursor.position
      call = first..<cursor.find("_Caller_")
      guard !call.isEmpty, cursor.skip("_Caller_") else { return nil }
    }
    let first = cursor.position
    // The last one: a caller may be called 1.pcap.
    let end = bytes.count - ".pcap".utf8.count
    guard end >= first, bytes[end...].elementsEqual(".pcap".utf8) else { return nil }
    // A line end in a name would make two lines of one in SHA256SUMS.
    guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return nil }
    // A caller has no underscore; what stands behind one counts the recordings of one name.
    let mark = bytes[first..<end].firstIndex(of: UInt8(ascii: "_")) ?? end
    caller = first..<mark
    guard !caller.isEmpty else { return nil }
    guard mark < end else { return }
    var rest = NameCursor(UnsafeRawBufferPointer(rebasing: bytes[(mark + 1)..<end]))
    guard let copy = rest.number(upTo: 1_000_000), rest.isAtEnd else { return nil }
    self.copy = copy
  }

  init?(_ name: String) {
    guard let layout = Array(name.utf8).withUnsafeBytes({ RecordingNameLayout($0) }) else { return nil }
    self = layout
  }
}

/// What is known to be missing in a recording, as the name of an empty file beside it tells: a name takes no space, so
/// that even a full disk mostly takes it.
///
/// `12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap.lost-51200`: so many bytes could not be written (0: nobody knows
/// how many); `….pcap.cut`: Pikett was killed while it was written. A recording that could not even be created has its
/// mark alone.
package enum RecordingMark: Hashable, Sendable {
  case lost(bytes: UInt64)
  case cut

  /// What stands behind the recording's name.
  var ending: String {
    switch self {
    case .lost(let bytes): ".lost-\(bytes)"
    case .cut: ".cut"
    }
  }

  /// The name of the mark of this recording.
  package func name(of recording: String) -> String { recording + ending }

  /// Reads the name of a mark.
  /// - Returns: the recording's name and its mark; nil for any other file.
  static func read(_ name: String) -> (recording: String, mark: RecordingMark)? {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    let recording = String(name[..<dot])
    guard recording.hasSuffix(".pcap"), RecordingNameLayout(recording) != nil else { return nil }
    let ending = name[name.index(after: dot)...]
    if ending == "cut" { return (recording, .cut) }
    guard ending.hasPrefix("lost-"), ending.dropFirst(5).isDigits, let bytes = UInt64(ending.dropFirst(5)) else {
      return nil
    }
    return (recording, .lost(bytes: bytes))
  }
}

/// What the message of a call has to say of its recording; a sound one is not spoken of.
package enum RecordingFlaw: Hashable, Sendable {
  /// Something could not be written, or Pikett was killed meanwhile.
  case incomplete
  /// There is none, though there should be.
  case missing

  /// Put behind the message's text: letters and underscores, which every gateway knows.
  package var suffix: String {
    switch self {
    case .incomplete: "_Recording_incomplete"
    case .missing: "_Recording_missing"
    }
  }
}
