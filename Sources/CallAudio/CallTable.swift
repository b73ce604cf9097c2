package import Telephony

/// The calls of a capture for people and for programs (`pcap2wave --list`).
package enum CallTable {
  /// A table with a heading and two lines a call, one for each channel; the times as the calendar says. The regular RTP
  /// streams that are in no call follow in a table of their own.
  package static func text(
    _ calls: [RecordedCall], others: [RecordedStream] = [], _ calendar: LocalCalendar
  ) -> String {
    var rows = [
      ["call", "start", "duration", "caller", "called", "side", "codecs", "packets", "lost", "jitter", "Call-ID"]
    ]
    for call in calls {
      rows.append(
        [
          String(call.number), calendar.local(call.start).stamp, duration(call.duration), printable(call.caller),
          printable(call.called), "left",
        ] + cells(call.left) + [printable(call.callID ?? "-")])
      rows.append(["", "", "", "", "", "right"] + cells(call.right) + [""])
    }
    var text = table(rows, numbers: [0, 2, 7, 8, 9])
    if others.isEmpty { return text }
    rows = [["no call", "duration", "from", "to", "SSRC", "codecs", "packets", "lost", "jitter"]]
    for stream in others {
      let start = WallTime(microseconds: stream.firstTime / 1000)
      rows.append(
        [
          calendar.local(start).stamp, duration(stream.lastTime &- stream.firstTime), stream.source, stream.target,
          hexadecimal(stream.ssrc),
        ] + cells(stream))
    }
    text += "\n" + table(rows, numbers: [1, 6, 7, 8])
    return text
  }

  /// A JSON array of objects: calls, and behind them the regular RTP streams that are in no call (`"call": null`). Times
  /// are in UTC, durations in seconds, jitters in milliseconds.
  ///
  /// - Parameter file: the capture's path, as it was named.
  package static func json(
    _ files: [(file: String, calls: [RecordedCall], others: [RecordedStream])]
  ) -> String {
    let objects = files.flatMap { file, calls, others in
      calls.map { call in
        let all = [
          "\"file\": \(quoted(file))",
          "\"call\": \(call.number)",
          "\"start\": \"\(timestamp(call.start))\"",
          "\"duration\": \(seconds(call.duration))",
          "\"caller\": \(quoted(call.caller))",
          "\"called\": \(quoted(call.called))",
          "\"callID\": \(call.callID.map(quoted) ?? "null")",
          "\"sessionID\": \(call.sessionID.map(quoted) ?? "null")",
          "\"left\": \(object(call.left))",
          "\"right\": \(object(call.right))",
        ]
        return "  {" + all.joined(separator: ", ") + "}"
      }
        + others.map { "  {\"file\": \(quoted(file)), \"call\": null, \(fields($0).joined(separator: ", "))}" }
    }
    return objects.isEmpty ? "[]\n" : "[\n" + objects.joined(separator: ",\n") + "\n]\n"
  }

  private static func object(_ direction: RecordedCall.Direction) -> String {
    let all =
      measures(direction.codecs, direction.packetCount, direction.lostCount, direction.jitter, direction.mostJitter)
      + [
        "\"streams\": [\(direction.streams.map { "{\(fields($0).joined(separator: ", "))}" }.joined(separator: ", "))]"
      ]
    return "{" + all.joined(separator: ", ") + "}"
  }

  private static func fields(_ stream: RecordedStream) -> [String] {
    [
      "\"source\": \(quoted(stream.source))", "\"target\": \(quoted(stream.target))",
      "\"ssrc\": \"\(hexadecimal(stream.ssrc))\"",
      "\"start\": \"\(timestamp(WallTime(microseconds: stream.firstTime / 1000)))\"",
      "\"end\": \"\(timestamp(WallTime(microseconds: stream.lastTime / 1000)))\"",
    ] + measures(stream.codecs, stream.packetCount, stream.lostCount, stream.jitter, stream.mostJitter)
  }

  private static func measures(
    _ codecs: [PayloadCodec], _ packets: Int, _ lost: Int, _ jitter: Int64, _ mostJitter: Int64
  ) -> [String] {
    [
      "\"codecs\": [\(codecs.map { quoted($0.name) }.joined(separator: ", "))]",
      "\"packets\": \(packets)", "\"lost\": \(lost)", "\"lostPercent\": \(percentage(lost, packets, digits: 2))",
      "\"jitter\": \(milliseconds(jitter, digits: 3))", "\"jitterMax\": \(milliseconds(mostJitter, digits: 3))",
    ]
  }

  /// Codecs, packets, lost ones and jitter; `-` where nothing was sent.
  private static func cells(_ direction: RecordedCall.Direction) -> [String] {
    // Of nothing but key presses, these.
    let codecs = direction.codecs.isEmpty ? direction.streams.flatMap(\.codecs) : direction.codecs
    return cells(codecs, direction.packetCount, direction.lostCount, direction.jitter)
  }

  private static func cells(_ stream: RecordedStream) -> [String] {
    cells(stream.codecs, stream.packetCount, stream.lostCount, stream.jitter)
  }

  private static func cells(_ codecs: [PayloadCodec], _ packets: Int, _ lost: Int, _ jitter: Int64) -> [String] {
    if packets == 0 { return ["-", "", "", ""] }
    let names = codecs.map(\.name).joined(separator: "+")
    return [
      names.isEmpty ? "?" : printable(names), String(packets), "\(lost) (\(percentage(lost, packets, digits: 1)) %)",
      "\(milliseconds(jitter, digits: 1)) ms",
    ]
  }

  private static func table(_ rows: [[String]], numbers: Set<Int>) -> String {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let padded = row.enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        return numbers.contains(column) ? blanks + cell : cell + blanks
      }
      return padded.joined(separator: "  ").trimmed(atEnd: " ")
    }.joined(separator: "\n") + "\n"
  }

  private static func duration(_ nanoseconds: Int64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    let rest = "\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(nanoseconds / 100_000_000 % 10)"
    return seconds >= 3600 ? "\(seconds / 3600):\(rest)" : rest
  }

  private static func seconds(_ nanoseconds: Int64) -> String { decimal(nanoseconds / 1_000_000, digits: 3) }

  private static func milliseconds(_ nanoseconds: Int64, digits: Int) -> String {
    let step: Int64 = digits == 3 ? 1000 : 100_000
    return decimal((nanoseconds &+ step / 2) / step, digits: digits)
  }

  /// How many of all packets `lost` are.
  private static func percentage(_ lost: Int, _ packets: Int, digits: Int) -> String {
    let share = Double(lost) / Double(max(lost &+ packets, 1)) * 100
    return decimal(Int64((share * (digits == 2 ? 100 : 10)).rounded()), digits: digits)
  }

  /// A number in units of its last digit.
  private static func decimal(_ number: Int64, digits: Int) -> String {
    var unit: Int64 = 1
    for _ in 0..<digits { unit *= 10 }
    return "\(number / unit).\(padded(number % unit, digits))"
  }

  private static func hexadecimal(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }

  private static func timestamp(_ time: WallTime) -> String {
    let local = LocalCalendar.utc.local(time)
    let fraction = time.microseconds - time.unixSeconds * 1_000_000
    return local.stamp.split(separator: " ").joined(separator: "T") + ".\(padded(fraction, 6))Z"
  }

  /// What a peer wrote must not steer the terminal: control characters become question marks.
  package static func printable(_ text: String) -> String {
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
