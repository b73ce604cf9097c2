package import Disk
package import Site
package import Spool
package import Telephony

/// What `pikett messages` prints: the SMS and instant messages that wait, have failed, and were sent. Of a message it says
/// to whom it goes, never by which secret.
package struct MessageReport: Sendable {
  /// The report, each line ended by a line feed.
  package let text: String

  /// - Parameters:
  ///   - spools: the site's.
  ///   - site: for the names of the users.
  ///   - calendar: the site's.
  package init(
    _ spools: [MessageSpool], site: SiteSnapshot, calendar: LocalCalendar, now: WallTime
  ) throws(DiskError) {
    var asked: [String: MessageSpool.Request] = [:]
    for spool in spools { asked.merge(try spool.requests()) { first, _ in first } }
    var sections: [String] = []
    for box in [MessageSpool.Box.waiting, .failed, .sent] {
      var messages: [SpooledMessage] = []
      for spool in spools { messages += try spool.messages(box) }
      // What is tried next stands above; of what is over, the latest.
      messages.sort {
        box == .waiting
          ? ($0.retry.due, $0.id) < ($1.retry.due, $1.id) : ($1.created, $0.id) < ($0.created, $1.id)
      }
      var table = MessageReport.table(box)
      for message in messages {
        let name = site.user(message.user)?.numberAndName ?? message.user
        let created = calendar.local(message.created)
        var cells = [
          message.id, name, message.caller, "\(created.dottedDate) \(created.dottedTime)",
          // Only failures have been counted: what is sent was tried once more.
          String(message.retry.attempts + (box == .sent ? 1 : 0)),
        ]
        if box == .waiting { cells.append(MessageReport.next(message, asked[message.id], now)) }
        cells.append(message.retry.provider)
        if box != .sent { cells.append(message.retry.reason) }
        table.append(cells)
      }
      let title = "\(box.rawValue.prefix(1).uppercased())\(box.rawValue.dropFirst())"
      sections.append("\(title)\n" + (table.isEmpty ? "  none\n" : table.text(indent: 2)))
    }
    text = sections.joined(separator: "\n")
  }

  private static func table(_ box: MessageSpool.Box) -> Table {
    let common: [Table.Column] = ["id", "to", "caller", "created", .init("tries", .right)]
    return switch box {
    case .waiting: Table(common + [.init("next try", .right), "provider", "reason"])
    case .failed: Table(common + ["provider", "reason"])
    case .sent: Table(common + ["provider"])
    }
  }

  private static func next(_ message: SpooledMessage, _ request: MessageSpool.Request?, _ now: WallTime) -> String {
    switch request {
    case .drop: return "to be dropped"
    case .retry: return "now"
    case nil: break
    }
    if message.retry.isDue(at: now) { return "now" }
    let seconds = ((message.retry.due - now).milliseconds + 999) / 1000
    return seconds < 120 ? "in \(seconds) s" : "in \(seconds / 60) min"
  }
}

/// What became of a request for a message.
package enum MessageRequestResult: Hashable, Sendable {
  /// Whoever sends has been asked.
  case asked
  /// The message is there, but nothing can be done: it is in this box.
  case over(MessageSpool.Box)
  /// There is no such message; these are of the same ticket.
  case unknown(similar: [String])
}

/// Asks those who send from these spools to try a message again, or to drop it.
package func ask(
  _ request: MessageSpool.Request, for id: String, in spools: [MessageSpool]
) throws(DiskError) -> MessageRequestResult {
  for spool in spools {
    if try spool.request(request, for: id) { return .asked }
  }
  var similar: [String] = []
  for spool in spools {
    for box in MessageSpool.Box.allCases {
      for message in try spool.messages(box) {
        if message.id == id { return .over(box) }
        if message.ticket == id || message.id.hasPrefix(id + "-") { similar.append(message.id) }
      }
    }
  }
  return .unknown(similar: similar)
}
