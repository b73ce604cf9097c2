package import Telephony

/// An HTTP request, ready to be sent; what it holds of secrets is in `Redacted` values.
package struct HTTPRequestDescription: Hashable, Sendable {
  package var method: SMSProvider.Method
  package var url: Redacted<String>
  /// The server, such as `sms.example.net:8080`: all of the URL that a log may show, since an owner may have written his
  /// password anywhere in it.
  package var server: String
  /// In the order in which they are sent.
  package var headers: [Header]
  package var body: Redacted<[UInt8]>?
  /// How long the whole request may take.
  package var timeout: Duration
  /// Which answer means that the message was taken.
  package var success: SuccessRule

  /// A header, Content-Type included.
  package struct Header: Hashable, Sendable {
    package var name: String
    package var value: Redacted<String>
  }
}

/// What answer of a provider means that it has taken the message: `Success.txt`.
///
/// `2xx`, `200,202`, or with a text that the answer must hold: `200 OK`.
package struct SuccessRule: Hashable, Sendable {
  private let statuses: [ClosedRange<Int>]
  private let text: String?

  /// Any 2xx.
  package static let anySuccess = SuccessRule(statuses: [200...299], text: nil)

  private init(statuses: [ClosedRange<Int>], text: String?) {
    self.statuses = statuses
    self.text = text
  }

  /// Reads a rule; nil if it is none.
  package init?(_ rule: String) {
    let parts = rule.trimmed.split(separator: " ", maxSplits: 1)
    guard let first = parts.first else { return nil }
    var statuses: [ClosedRange<Int>] = []
    for word in first.split(separator: ",", omittingEmptySubsequences: false) {
      if word.utf8.count == 3, word.asciiLowercased.hasSuffix("xx"), let digit = Int(word.prefix(1)), (1...5) ~= digit {
        statuses.append(digit * 100...digit * 100 + 99)
      } else if word.utf8.count == 3, word.isDigits, let status = Int(word), (100...599) ~= status {
        statuses.append(status...status)
      } else {
        return nil
      }
    }
    let text = parts.count > 1 ? parts[1].trimmed : ""
    self.init(statuses: statuses, text: text.isEmpty ? nil : text)
  }

  /// True if the provider has taken the message.
  package func isMet(status: Int, body: some Collection<UInt8>) -> Bool {
    guard statuses.contains(where: { $0.contains(status) }) else { return false }
    guard let text else { return true }
    return Array(decodeText(body).utf8).firstRange(of: Array(text.utf8)) != nil
  }

  /// The rule as it is written.
  package var description: String {
    let words = statuses.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound / 100)xx" }
    return words.joined(separator: ",") + (text.map { " " + $0 } ?? "")
  }
}
