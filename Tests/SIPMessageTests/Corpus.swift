import Foundation
import PikettTesting
import SIPMessage
import Testing

/// Where the tests' files lie.
enum Corpus {
  /// The folder that holds data/fixtures/sip, found upward from this file, symbolic links resolved.
  static let root: URL = {
    var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/",
      !FileManager.default.fileExists(atPath: folder.appendingPathComponent("data/fixtures/sip").path)
    {
      folder.deleteLastPathComponent()
    }
    return folder
  }()

  /// The messages of RFC 4475; nil where that folder is absent: then the fixtures stand for them.
  static let torture: URL? = {
    let folder =
      ProcessInfo.processInfo.environment["PIKETT_CORPUS"].map { URL(fileURLWithPath: $0) }
      ?? root.appendingPathComponent("../shared/corpus")
    let torture = folder.appendingPathComponent("torture").standardizedFileURL
    return FileManager.default.fileExists(atPath: torture.appendingPathComponent("manifest.json").path) ? torture : nil
  }()

  /// A message of RFC 4475 by its name there; nil where the corpus is absent.
  static func torture(_ name: String) throws -> [UInt8]? {
    try torture.map { try bytes($0.appendingPathComponent(name + ".dat")) }
  }

  static func bytes(_ file: URL) throws -> [UInt8] { [UInt8](try Data(contentsOf: file)) }
}

/// A file of `data/fixtures/sip`, as `fixtureMessage` reads it.
struct Fixture: Sendable, CustomTestStringConvertible {
  var name: String
  var comment: String
  /// `request METHOD`, `response STATUS`, or a kind of ParseError and the refusal's status or `silent`.
  var expect: String
  /// How many bytes the body must have, where the head says so.
  var bodyCount: Int?
  var message: [UInt8]

  var testDescription: String { name }

  static let all: [Fixture] = {
    let folder = Corpus.root.appendingPathComponent("data/fixtures/sip")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted().compactMap { name in
      (try? Corpus.bytes(folder.appendingPathComponent(name))).map { Fixture(name, $0) }
    }
  }()

  private init(_ file: String, _ bytes: [UInt8]) {
    name = file
    let (head, message) = fixtureMessage(bytes)
    comment = head["comment"] ?? ""
    expect = head["expect"] ?? ""
    bodyCount = head["body"].flatMap { Int($0) }
    self.message = message
  }
}

/// What the parser says to one datagram.
func outcome(_ bytes: [UInt8]) -> Result<Message, ParseError> {
  do throws(ParseError) { return .success(try parseMessage(bytes)) } catch { return .failure(error) }
}

/// `message` written and read again is the same; Content-Length is computed and stands last.
func expectRoundTrip(_ message: Message, _ comment: String) {
  func withoutLength(_ headers: Headers) -> [Headers.Field] { headers.fields.filter { $0.name != "Content-Length" } }
  guard case .success(let again) = outcome(message.serialized()) else {
    Issue.record("\(comment): what we wrote cannot be read")
    return
  }
  #expect(withoutLength(again.headers) == withoutLength(message.headers), "\(comment)")
  #expect(again.body == message.body, "\(comment)")
  switch (message, again) {
  case (.request(let a), .request(let b)):
    #expect(a.method == b.method, "\(comment)")
    #expect(a.uri == b.uri, "\(comment)")
  case (.response(let a), .response(let b)):
    #expect(a.status == b.status, "\(comment)")
    #expect(a.reason == b.reason, "\(comment)")
  case (.request, .response), (.response, .request):
    Issue.record("\(comment): request and response are confused")
  }
}
