import Telephony

/// Which answers of a provider are meant: `Success.txt` and `Retry.txt`.
///
/// Statuses such as `2xx` or `200,202`; then perhaps what the answer must hold: a text (`200 OK`), or a member of its JSON
/// with the values it may have (`200 .messages[0].status = 0`). Some providers answer 200 to everything.
package struct AnswerRule: Hashable, Sendable {
  private let statuses: [ClosedRange<Int>]
  private let content: Content
  /// The rule as it is written.
  package let description: String

  private enum Content: Hashable, Sendable {
    case any
    case text(String)
    case member(JSONPath, values: [String])
  }

  /// Any 2xx.
  package static let anySuccess = AnswerRule(statuses: [200...299], content: .any, description: "2xx")

  private init(statuses: [ClosedRange<Int>], content: Content, description: String) {
    self.statuses = statuses
    self.content = content
    self.description = description
  }

  /// Reads a rule; nil if it is none.
  package init?(_ rule: String) {
    let parts = rule.trimmed.split(separator: " ", maxSplits: 1)
    guard let first = parts.first, let statuses = AnswerRule.statuses(first) else { return nil }
    let rest = parts.count > 1 ? parts[1].trimmed : ""
    guard let content = AnswerRule.content(rest) else { return nil }
    self.init(statuses: statuses, content: content, description: first + (rest.isEmpty ? "" : " " + rest))
  }

  private static func statuses(_ text: Substring) -> [ClosedRange<Int>]? {
    var statuses: [ClosedRange<Int>] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      if word.utf8.count == 3, word.asciiLowercased.hasSuffix("xx"), let digit = Int(word.prefix(1)), (1...5) ~= digit {
        statuses.append(digit * 100...digit * 100 + 99)
      } else if word.utf8.count == 3, word.isDigits, let status = Int(word), (100...599) ~= status {
        statuses.append(status...status)
      } else {
        return nil
      }
    }
    return statuses
  }

  private static func content(_ text: String) -> Content? {
    if text.isEmpty { return .any }
    // A text that begins like a path is meant as one.
    guard text.hasPrefix(".") || text.hasPrefix("[") else { return .text(text) }
    guard let equals = text.firstIndex(of: "="), let path = JSONPath(text[..<equals].trimmed) else { return nil }
    let values = text[text.index(after: equals)...].split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmed }
    return values.contains("") ? nil : .member(path, values: values)
  }

  /// True if it is such an answer.
  package func isMet(status: Int, body: some Collection<UInt8>) -> Bool {
    guard statuses.contains(where: { $0.contains(status) }) else { return false }
    switch content {
    case .any: return true
    case .text(let text): return Array(decodeText(body).utf8).firstRange(of: Array(text.utf8)) != nil
    case .member(let path, let values): return path.value(in: Array(body)).map { values.contains($0) } ?? false
    }
  }
}
