import Foundation
import PikettTesting
import SIPMessage
import Testing

/// RFC 4475: its messages in place, our own that mirror them, and the rest of our fixtures.
@Suite struct TortureTests {
  @Test func allCasesAreThere() throws {
    #expect(TortureCase.all.count == 49)
    for one in TortureCase.all {
      #expect(one.messages.count == TortureCase.messagesEach, "\(one.name)")
      #expect(one.messages.allSatisfy { !$0.bytes.isEmpty }, "\(one.name)")
      #expect(Set(one.messages.map(\.bytes)).count == one.messages.count, "\(one.name): a mirror is no copy")
    }
    guard let folder = Corpus.torture else { return }
    let manifest = try JSONSerialization.jsonObject(
      with: Data(contentsOf: folder.appendingPathComponent("manifest.json")))
    let entries = try #require(manifest as? [[String: Any]])
    #expect(entries.compactMap { $0["name"] as? String } == TortureCase.all.map(\.name))
    #expect(entries.compactMap { $0["section"] as? String } == TortureCase.all.map(\.section))
  }

  @Test(arguments: TortureCase.all) func datagram(_ one: TortureCase) {
    for message in one.messages {
      let (found, status) = verdict(message.bytes)
      let method = one.datagram == "request *" ? found : one.datagram
      #expect(found == method, "\(message.name)")
      #expect(found.hasPrefix(one.datagram.prefix { $0 != "*" }), "\(message.name)")
      if one.datagram.hasSuffix("silent") { #expect(status == nil, "\(message.name): nobody is answered") }
      if case .success(let understood) = outcome(message.bytes) { expectRoundTrip(understood, message.name) }
    }
  }

  /// `request METHOD`, `response STATUS` or `fault STATUS`, as the table says it.
  private func verdict(_ bytes: [UInt8]) -> (String, status: Int?) {
    switch outcome(bytes) {
    case .success(.request(let request)): return ("request \(request.method.token)", nil)
    case .success(.response(let response)): return ("response \(response.status)", nil)
    case .failure(let error):
      let status = error.refusal?.status
      return ("\(error.kind) \(status.map(String.init) ?? "silent")", status)
    }
  }

  /// Not only that a message is understood, but as what.
  @Test func values() throws {
    var byName: [String: Message] = [:]
    for message in TortureCase.all.flatMap(\.messages) {
      if case .success(let understood) = outcome(message.bytes) { byName[message.name] = understood }
    }
    for fixture in Fixture.all {
      if case .success(let understood) = outcome(fixture.message) { byName[fixture.name] = understood }
    }
    #expect(TortureCase.values.count > 150)
    for (name, place, value) in TortureCase.values {
      // Without the corpus our own messages stand alone.
      if Corpus.torture == nil, !name.hasSuffix(".txt") { continue }
      let message = try #require(byName[name], "\(name)")
      #expect(meaning(place, of: message) == value, "\(name) \(place)")
    }
  }

  /// Cut in two at every byte, and byte by byte, a stream is the same as whole.
  @Test(arguments: TortureCase.all) func stream(_ one: TortureCase) throws {
    for message in one.messages {
      let whole = Stream([message.bytes])
      let datagram = outcome(message.bytes)
      switch one.stream {
      case "same":
        #expect(whole.fault == nil, "\(message.name)")
        #expect(whole.items.count == 1, "\(message.name)")
        switch (whole.items.first, datagram) {
        case (.message(let a), .success(let b)): #expect(a == b, "\(message.name)")
        case (.malformed(let a), .failure(let b)): #expect(a == b, "\(message.name)")
        default: Issue.record("\(message.name): \(whole)")
        }
      case "two": #expect(whole.items.count == 2 && whole.items.allSatisfy(isMessage), "\(message.name)")
      case "waits": #expect(whole.items.isEmpty && whole.fault == nil && whole.isInMessage, "\(message.name)")
      default:
        #expect(whole.items.isEmpty, "\(message.name)")
        let fault = try #require(whole.fault, "\(message.name)")
        #expect("\(fault.kind) \(fault.refusal?.status ?? 0)" == one.stream, "\(message.name)")
      }
      // Where the RFC's own message is cut at every byte, our mirror need not be.
      let step = one.messages.count > 1 && message.name.hasSuffix(".txt") ? 7 : 1
      for cut in stride(from: 1, to: message.bytes.count, by: step) {
        let pieces = Stream([Array(message.bytes[..<cut]), Array(message.bytes[cut...])])
        #expect(pieces == whole, "\(message.name) cut at \(cut)")
      }
      #expect(Stream(message.bytes.map { [$0] }) == whole, "\(message.name) byte by byte")
    }
  }

  private func isMessage(_ item: StreamItem) -> Bool { if case .message = item { true } else { false } }

  @Test func fixturesAreThere() {
    #expect(Fixture.all.count >= 30)
    #expect(Fixture.all.allSatisfy { !$0.comment.isEmpty && !$0.expect.isEmpty && !$0.message.isEmpty })
  }

  @Test(arguments: Fixture.all) func fixture(_ fixture: Fixture) throws {
    #expect(verdict(fixture.message).0 == fixture.expect)
    guard case .success(let message) = outcome(fixture.message) else { return }
    if let count = fixture.bodyCount { #expect(message.body.count == count) }
    expectRoundTrip(message, fixture.name)
  }
}

/// What a stream in pieces has led to.
private struct Stream: Hashable {
  var items: [StreamItem] = []
  var fault: ParseError?
  var isInMessage = false

  init(_ pieces: [[UInt8]]) {
    var framer = StreamFramer()
    for piece in pieces {
      do throws(FramingError) {
        items += try framer.append(piece)
      } catch {
        items += error.preceding
        fault = error.error
        return
      }
    }
    // What is behind the last message, such as the line break that ends an archive's file, is none yet.
    isInMessage = framer.isInMessage
  }
}
