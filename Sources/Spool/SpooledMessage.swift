package import Telephony

/// A message in the spool: what is to be said to whom, and how far its sending has got. No secret is in it, and no
/// address: both are read when it is sent.
package struct SpooledMessage: Hashable, Sendable {
  /// The name of its file without `.txt`: `1234-sms`, and `1234-sms-2` where the owner has set the counter back and
  /// the number came again. Empty until it is in the spool.
  package internal(set) var id: String = ""
  /// The ticket's number.
  package var ticket: String
  /// The call's Uniqueid and the hop: what makes the message one of its kind.
  package var origin: String
  /// The internal number of the user who gets it.
  package var user: String
  /// Whom he will see as the sender of an IM.
  package var caller: String
  package var text: String
  package var created: WallTime
  package var retry: RetryState

  package init(ticket: String, origin: String, user: String, caller: String, text: String, created: WallTime) {
    self.ticket = ticket
    self.origin = origin
    self.user = user
    self.caller = caller
    self.text = text
    self.created = created
    retry = RetryState(due: created)
  }
}

extension SpooledMessage {
  /// The file: one `key: value` a line. Its last line says that it is whole.
  var file: [UInt8] {
    let lines = [
      ("ticket", ticket), ("origin", origin), ("user", user), ("caller", caller), ("text", text),
      ("created", String(created.microseconds)), ("attempts", String(retry.attempts)), ("provider", retry.provider),
      ("since", String(retry.since.microseconds)), ("due", String(retry.due.microseconds)), ("reason", retry.reason),
      ("end", "of message"),
    ]
    return Array(lines.map { "\($0): \(oneLine($1))\n" }.joined().utf8)
  }

  /// Reads a file; nil if it is none, or not whole.
  init?(id: String, file: [UInt8]) {
    var values: [String: String] = [:]
    for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      values[String(line[..<colon])] = line[colon...].dropFirst().trimmed
    }
    let time: (String) -> WallTime? = { values[$0].flatMap { Int64($0) }.map { WallTime(microseconds: $0) } }
    guard file.last == 0x0A, values["end"] != nil, let ticket = values["ticket"], let origin = values["origin"],
      let user = values["user"], let text = values["text"], let created = time("created")
    else { return nil }
    self.init(
      ticket: ticket, origin: origin, user: user, caller: values["caller"] ?? "", text: text, created: created)
    self.id = id
    retry.attempts = values["attempts"].flatMap { Int($0) }.map { max(0, $0) } ?? 0
    retry.provider = values["provider"] ?? ""
    retry.since = time("since") ?? created
    retry.due = time("due") ?? created
    retry.reason = values["reason"] ?? ""
  }
}

/// `text` on one line, 1000 characters at most.
private func oneLine(_ text: String) -> String {
  String(text.unicodeScalars.prefix(1000).map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
}
