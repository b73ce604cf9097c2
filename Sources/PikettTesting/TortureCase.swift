import Glibc

/// A case of RFC 4475 as `data/fixtures/sip/torture.tsv` reads it, with our own message that mirrors it, and the RFC's
/// where the corpus is at hand.
package struct TortureCase: Hashable, Sendable, CustomStringConvertible {
  /// The RFC's name for it, such as `wsinv`.
  package var name: String
  /// Of RFC 4475.
  package var section: String
  /// What the parser must say, as a fixture's `expect`.
  package var datagram: String
  /// What leaves the user agent when a known peer sends it: `call`, `nothing`, or statuses.
  package var answer: [String]
  /// What the message is on a stream: `same`, `two`, `waits`, or a fault with its answer.
  package var stream: String
  /// Ours first, then the RFC's, each with its name.
  package var messages: [TortureMessage]

  package var description: String { name }

  /// All of them, in the RFC's order.
  package static let all: [TortureCase] = rows("torture.tsv").map { row in
    let row = row + [String](repeating: "", count: max(0, 7 - row.count))
    var messages: [TortureMessage] = []
    if let file = try? readFile(fixture("sip/" + row[2])) {
      messages.append(TortureMessage(name: row[2], bytes: fixtureMessage(file).bytes))
    }
    if let corpus, let bytes = try? readFile("\(corpus)/torture/\(row[0]).dat") {
      // The archive's file has lost the empty line that ends the RFC's message.
      messages.append(TortureMessage(name: row[0], bytes: row[0] == "baddn" ? bytes + [0x0D, 0x0A] : bytes))
    }
    return TortureCase(
      name: row[0], section: row[1], datagram: row[3], answer: row[4].split(separator: ", ").map(String.init),
      stream: row[5], messages: messages)
  }

  /// How many messages each case has: two with the corpus, one in a clone alone.
  package static var messagesEach: Int { corpus == nil ? 1 : 2 }

  /// What stands where in which message: `data/fixtures/sip/values.tsv`.
  package static let values: [(message: String, place: String, value: String)] = rows("values.tsv").map {
    ($0[0], $0[1], $0.count > 2 ? unescaped($0[2]) : "")
  }

  private static let corpus: String? = corpusCapture("x").map { String($0.dropLast("/pcap/x".count)) }
}

/// One message of a case.
package struct TortureMessage: Hashable, Sendable {
  package var name: String
  package var bytes: [UInt8]
}

/// The rows of a table of `data/fixtures/sip`, without comments and heading.
private func rows(_ name: String) -> [[String]] {
  let text = (try? readFile(fixture("sip/" + name))).map { String(decoding: $0, as: UTF8.self) } ?? ""
  let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
  return lines.dropFirst().map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
}

/// `\xHH` and `\uHHHH` as the characters they name.
private func unescaped(_ text: String) -> String {
  var result = ""
  var rest = text[...]
  while let character = rest.popFirst() {
    guard character == "\\", let kind = rest.first, kind == "x" || kind == "u",
      let scalar = UInt32(rest.dropFirst().prefix(kind == "x" ? 2 : 4), radix: 16).flatMap(Unicode.Scalar.init)
    else {
      result.append(character)
      continue
    }
    result.unicodeScalars.append(scalar)
    rest = rest.dropFirst(kind == "x" ? 3 : 5)
  }
  return result
}
