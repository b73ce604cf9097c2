import Hunting
package import Records
import Telephony

/// What `pikett tickets list` prints: the hops of the log, call by call, the oldest first.
///
/// A log may hold many years: it is written in pieces, and what is plain text is copied byte by byte.
package struct TicketListing {
  private let log: TicketLog
  private let hops: [TicketLog.Hop]
  private let names: [UInt8]
  /// The calls that are wanted, as ranges of `hops`.
  private let calls: [Range<Int>]
  private let recordings: RecordingList
  /// Put before the name of a recording.
  private let folder: String
  /// Every name is printable ASCII, so that bytes are columns.
  private let isPlain: Bool

  /// - Parameters:
  ///   - log: the site's.
  ///   - filter: what is wanted of it.
  ///   - recordings: the site's.
  ///   - folder: the directory of the recordings as the reader can open it; empty, or with a slash at its end.
  package init(_ log: TicketLog, _ filter: TicketFilter = TicketFilter(), recordings: RecordingList, folder: String) {
    self.log = log
    hops = log.hops
    names = log.names
    let hops = log.hops
    calls = log.calls.filter { filter.wants(hops[$0], in: log) }
    self.recordings = recordings
    self.folder = folder
    isPlain = names.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
  }

  /// Pieces of this size are handed over.
  private static let pieceSize = 1 << 16

  // MARK: - As a table

  /// Writes a table: a line a hop, `+` before the further hops of a call, `END` at its last.
  package func writeTable(_ write: ([UInt8]) throws -> Void) rethrows {
    guard !calls.isEmpty else { return try write(Array("no tickets\n".utf8)) }
    var ticketWidth = 6
    var minutesWidth = 3
    var callerWidth = 6
    var calledWidth = 6
    for call in calls {
      for hop in hops[call] {
        ticketWidth = max(ticketWidth, digitCount(hop.ticket.rawValue))
        minutesWidth = max(minutesWidth, digitCount(UInt64(clamping: hop.minutes)))
        callerWidth = max(callerWidth, width(hop.caller))
        calledWidth = max(calledWidth, width(hop.called))
      }
    }
    var text: [UInt8] = []
    text.reserveCapacity(TicketListing.pieceSize + 1024)
    let columns = [ticketWidth + 2, 16, 16, minutesWidth, callerWidth, calledWidth, 3]
    let titles = ["  ticket", "start", "end", "min", "caller", "called", "END"]
    for (index, title) in titles.enumerated() {
      // Numbers stand at the right.
      let blanks = columns[index] - title.utf8.count
      if index == 0 || index == 3 { pad(&text, blanks) }
      text += title.utf8
      if index == 1 || index == 2 || index == 4 || index == 5 { pad(&text, blanks) }
      pad(&text, 2)
    }
    text += "recording\n".utf8
    for call in calls {
      for index in call {
        let hop = hops[index]
        let isFirst = index == call.lowerBound
        text.append(isFirst ? 0x20 : UInt8(ascii: "+"))
        text.append(0x20)
        appendNumber(hop.ticket.rawValue, width: ticketWidth, to: &text)
        pad(&text, 2)
        appendTime(at: hop.offset, to: &text)
        pad(&text, 2)
        appendTime(at: hop.offset + 17, to: &text)
        pad(&text, 2)
        appendNumber(UInt64(clamping: hop.minutes), width: minutesWidth, to: &text)
        pad(&text, 2)
        appendCell(hop.caller, width: callerWidth, to: &text)
        pad(&text, 2)
        let recording = isFirst ? recordingCell(of: hop) : nil
        let isLastColumn = !hop.isLast && recording == nil
        appendCell(hop.called, width: isLastColumn ? 0 : calledWidth, to: &text)
        if !isLastColumn {
          text += hop.isLast ? "  END".utf8 : "     ".utf8
          if let recording {
            pad(&text, 2)
            text += printable(recording).utf8
          }
        }
        text.append(0x0A)
      }
      if text.count >= TicketListing.pieceSize {
        try write(text)
        text.removeAll(keepingCapacity: true)
      }
    }
    try write(text)
  }

  // MARK: - As JSON

  /// Writes an array of objects, one a line. Their members:
  ///
  /// - `ticket`: the number; `call`: the first ticket of its call; `hop`: 1, 2, … within the call
  /// - `start`, `end`: `2012-10-12T14:00`, by the site's clock; `minutes` between them
  /// - `caller`, `called`: as the file's name has them
  /// - `last`: true for `END`; `serial`: a number, or null
  /// - `file`: the name in `ticket/`; `recording`: the path of the call's recording, or null
  /// - `lost`: the bytes that are missing in the recording, null if none are, 0 if nobody knows how many; `cut`: true if
  ///   Pikett was killed while it was written
  package func writeJSON(_ write: ([UInt8]) throws -> Void) rethrows {
    var text: [UInt8] = Array("[".utf8)
    text.reserveCapacity(TicketListing.pieceSize + 1024)
    var isFirstLine = true
    for call in calls {
      let first = hops[call.lowerBound]
      let recording = recordingMembers(of: first)
      for index in call {
        text += isFirstLine ? "\n".utf8 : ",\n".utf8
        isFirstLine = false
        append(hops[index], first.ticket.rawValue, index - call.lowerBound + 1, recording, to: &text)
      }
      if text.count >= TicketListing.pieceSize {
        try write(text)
        text.removeAll(keepingCapacity: true)
      }
    }
    text += "\n]\n".utf8
    try write(text)
  }

  private func append(
    _ hop: TicketLog.Hop, _ call: UInt64, _ number: Int, _ recording: String, to text: inout [UInt8]
  ) {
    text += "{\"ticket\":".utf8
    appendNumber(hop.ticket.rawValue, to: &text)
    text += ",\"call\":".utf8
    appendNumber(call, to: &text)
    text += ",\"hop\":".utf8
    appendNumber(UInt64(number), to: &text)
    text += ",\"start\":\"".utf8
    appendISOTime(at: hop.offset, to: &text)
    text += "\",\"end\":\"".utf8
    appendISOTime(at: hop.offset + 17, to: &text)
    text += "\",\"minutes\":".utf8
    appendNumber(UInt64(clamping: hop.minutes), to: &text)
    text += ",\"caller\":\"".utf8
    appendJSON(hop.caller, to: &text)
    text += "\",\"called\":\"".utf8
    appendJSON(hop.called, to: &text)
    text += hop.isLast ? "\",\"last\":true,\"serial\":".utf8 : "\",\"last\":false,\"serial\":".utf8
    if hop.serial == 0 { text += "null".utf8 } else { appendNumber(UInt64(hop.serial), to: &text) }
    text += ",\"file\":\"".utf8
    appendJSON(hop.name, to: &text)
    text += "\",".utf8
    text += recording.utf8
    text.append(UInt8(ascii: "}"))
  }

  // MARK: - Pieces

  private func recording(of first: TicketLog.Hop) -> RecordingList.Recording? {
    recordings.isEmpty ? nil : recordings.recording(of: first, in: log)
  }

  /// The recording's path, and what is missing in it.
  private func recordingCell(of first: TicketLog.Hop) -> String? {
    guard let recording = recording(of: first) else { return nil }
    var remarks: [String] = []
    switch recording.lost {
    case nil: break
    case 0: remarks.append("may be incomplete")
    case let bytes?: remarks.append("\(bytes) bytes lost")
    }
    if recording.isCut { remarks.append("cut off") }
    let path = recording.isThere ? folder + recording.name : "none"
    return remarks.isEmpty ? path : "\(path) (\(remarks.joined(separator: ", ")))"
  }

  private func recordingMembers(of first: TicketLog.Hop) -> String {
    guard let recording = recording(of: first) else { return "\"recording\":null,\"lost\":null,\"cut\":false" }
    let path = recording.isThere ? "\"" + jsonEscaped(folder + recording.name) + "\"" : "null"
    let lost = recording.lost.map { "\($0)" } ?? "null"
    return "\"recording\":\(path),\"lost\":\(lost),\"cut\":\(recording.isCut)"
  }

  private func width(_ range: Range<Int>) -> Int {
    isPlain ? max(range.count, 1) : displayWidth(cell(range))
  }

  /// What stands in a cell: an empty one is drawn as `-`.
  private func cell(_ range: Range<Int>) -> String { range.isEmpty ? "-" : printable(log.text(range)) }

  private func appendCell(_ range: Range<Int>, width: Int, to text: inout [UInt8]) {
    if isPlain, !range.isEmpty {
      text += names[range]
      pad(&text, width - range.count)
    } else {
      let cell = cell(range)
      text += cell.utf8
      pad(&text, width - displayWidth(cell))
    }
  }

  private func appendJSON(_ range: Range<Int>, to text: inout [UInt8]) {
    let bytes = names[range]
    if isPlain, !bytes.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
      text += bytes
    } else {
      text += jsonEscaped(log.text(range)).utf8
    }
  }

  /// `12.10.2012 14.00`, from the name.
  private func appendTime(at place: Int, to text: inout [UInt8]) {
    text += names[place..<place + 10]
    text.append(0x20)
    text += names[place + 11..<place + 16]
  }

  /// `2012-10-12T14:00`, from the name.
  private func appendISOTime(at place: Int, to text: inout [UInt8]) {
    text += names[place + 6..<place + 10]
    text.append(UInt8(ascii: "-"))
    text += names[place + 3..<place + 5]
    text.append(UInt8(ascii: "-"))
    text += names[place..<place + 2]
    text.append(UInt8(ascii: "T"))
    text += names[place + 11..<place + 13]
    text.append(UInt8(ascii: ":"))
    text += names[place + 14..<place + 16]
  }
}

extension TicketLog.Hop {
  /// From its start to its end, as the clock on the wall shows them; the hour that comes twice in autumn counts once.
  fileprivate var minutes: Int { max(end.minutes(since: start), 0) }
}

private func pad(_ text: inout [UInt8], _ count: Int) {
  for _ in 0..<max(count, 0) { text.append(0x20) }
}

private func digitCount(_ value: UInt64) -> Int {
  var count = 1
  var rest = value / 10
  while rest > 0 {
    count += 1
    rest /= 10
  }
  return count
}

/// - Parameter width: blanks before it fill this many columns.
private func appendNumber(_ value: UInt64, width: Int = 0, to text: inout [UInt8]) {
  let digits = digitCount(value)
  pad(&text, width - digits)
  let start = text.count
  for _ in 0..<digits { text.append(0x30) }
  var rest = value
  for place in (start..<start + digits).reversed() {
    text[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
    rest /= 10
  }
}
