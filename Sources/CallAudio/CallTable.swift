package import Telephony

/// The calls of a capture for people and for programs (`pcap2wave --list`).
package enum CallTable {
  /// A table with a heading; the times as the calendar says.
  package static func text(_ calls: [RecordedCall], _ calendar: LocalCalendar) -> String {
    var rows = [["call", "start", "duration", "caller", "called", "left", "right", "Call-ID"]]
    for call in calls {
      rows.append([
        String(call.number), calendar.local(call.start).stamp, duration(call.duration), printable(call.caller),
        printable(call.called), direction(call.left), direction(call.right), printable(call.callID ?? "-"),
      ])
    }
    let widths = (0..<8).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let isNumber = [true, false, true, false, false, false, false, false]
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        return isNumber[column] ? blanks + cell : cell + blanks
      }
      return cells.joined(separator: "  ").trimmed(atEnd: " ")
    }.joined(separator: "\n") + "\n"
  }

  /// A JSON array of objects; times in UTC, durations in seconds.
  ///
  /// - Parameter file: the capture's path, as it was named.
  package static func json(_ files: [(file: String, calls: [RecordedCall])]) -> String {
    let objects = files.flatMap { file, calls in
      calls.map { call in
        let fields = [
          "\"file\": \(quoted(file))",
          "\"call\": \(call.number)",
          "\"start\": \"\(timestamp(call.start))\"",
          "\"duration\": \(call.duration / 1_000_000_000).\(padded(call.duration / 1_000_000 % 1000, 3))",
          "\"caller\": \(quoted(call.caller))",
          "\"called\": \(quoted(call.called))",
          "\"callID\": \((call.callID.map(quoted) ?? "null"))",
          "\"sessionID\": \(call.sessionID.map(quoted) ?? "null")",
          "\"left\": \(object(call.left))",
          "\"right\": \(object(call.right))",
        ]
        return "  {" + fields.joined(separator: ", ") + "}"
      }
    }
    return objects.isEmpty ? "[]\n" : "[\n" + objects.joined(separator: ",\n") + "\n]\n"
  }

  private static func object(_ direction: RecordedCall.Direction) -> String {
    let codecs = direction.codecs.map { quoted($0.name) }.joined(separator: ", ")
    return "{\"codecs\": [\(codecs)], \"packets\": \(direction.packetCount), \"lost\": \(direction.lostCount)}"
  }

  /// `PCMA 1234 (2 lost)`, or `-` where nothing was sent.
  private static func direction(_ direction: RecordedCall.Direction) -> String {
    if direction.packetCount == 0 { return "-" }
    let codecs = direction.codecs.map(\.name).joined(separator: "+")
    let lost = direction.lostCount > 0 ? " (\(direction.lostCount) lost)" : ""
    return "\(codecs.isEmpty ? "?" : printable(codecs)) \(direction.packetCount)\(lost)"
  }

  private static func duration(_ nanoseconds: Int64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    let rest = "\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(nanoseconds / 100_000_000 % 10)"
    return seconds >= 3600 ? "\(seconds / 3600):\(rest)" : rest
  }

  private static func timestamp(_ time: WallTime) -> String {
    let local = LocalCalendar.utc.local(time)
    let fraction = time.microseconds - time.unixSeconds * 1_000_000
    return local.stamp.split(separator: " ").joined(separator: "T") + ".\(padded(fraction, 6))Z"
  }

  /// What a peer wrote must not steer the terminal.
  private static func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "?" : $0 }))
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
    default: false
    }
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

extension String {
  fileprivate func trimmed(atEnd character: Character) -> String {
    var text = self
    while text.last == character { text.removeLast() }
    return text
  }
}
