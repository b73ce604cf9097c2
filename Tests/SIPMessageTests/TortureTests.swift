import Foundation
import SIPMessage
import Testing

/// The messages of RFC 4475 in place, and our own fixtures that mirror them.
@Suite struct TortureTests {
  /// What the parser must make of each message: nil = a message, else the fault. Where the RFC leaves a choice, this is
  /// ours: blanks too many and odd display names are understood, all that leaves doubt is refused.
  private static let faults: [String: ParseError.Kind] = [
    "badinv01": .headerValue, "clerr": .bodyEnd, "ncl": .contentLength, "scalar02": .headerValue,
    "scalarlg": .headerValue, "quotbal": .headerValue, "ltgtruri": .startLine, "lwsruri": .startLine,
    "escruri": .startLine, "regbadct": .headerValue, "baddn": .headerEnd, "badvers": .version,
    "mismatch01": .methodMismatch, "mismatch02": .methodMismatch, "bigcode": .startLine, "insuf": .missingHeader,
    "multi01": .repeatedHeader, "mcl01": .repeatedHeader,
  ]

  @Test func everyMessageOfRFC4475() throws {
    guard let folder = Corpus.torture else { return }
    let manifest = try JSONSerialization.jsonObject(
      with: Data(contentsOf: folder.appendingPathComponent("manifest.json")))
    let entries = try #require(manifest as? [[String: Any]])
    #expect(entries.count == 49)
    for entry in entries {
      let name = try #require(entry["name"] as? String)
      let bytes = try Corpus.bytes(folder.appendingPathComponent(try #require(entry["file"] as? String)))
      let isResponse = entry["kind"] as? String == "resp"
      switch outcome(bytes) {
      case .success(let message):
        #expect(TortureTests.faults[name] == nil, "\(name) must be refused")
        switch message {
        case .request: #expect(!isResponse, "\(name)")
        case .response: #expect(isResponse, "\(name)")
        }
        expectRoundTrip(message, name)
      case .failure(let error):
        #expect(TortureTests.faults[name] == error.kind, "\(name): \(error.detail)")
        #expect(entry["wellformed"] as? Bool != true, "\(name) is well-formed: \(error.detail)")
        if isResponse {
          #expect(error.refusal == nil, "\(name): no answer to a response")
        } else {
          let status = try #require(error.refusal, "\(name)").status
          if let codes = entry["codes"] as? [Any] {
            #expect(codes.contains { $0 as? Int == status || $0 as? String == "any" }, "\(name): \(status)")
          }
        }
      }
    }
  }

  @Test func fixturesAreThere() {
    #expect(Fixture.all.count >= 30)
    #expect(Fixture.all.allSatisfy { !$0.comment.isEmpty && !$0.expect.isEmpty && !$0.message.isEmpty })
  }

  @Test(arguments: Fixture.all) func fixture(_ fixture: Fixture) throws {
    let words = fixture.expect.split(separator: " ").map(String.init)
    try #require(words.count == 2, "\(fixture.expect)")
    switch outcome(fixture.message) {
    case .success(let message):
      switch message {
      case .request(let request): #expect(fixture.expect == "request \(request.method.token)")
      case .response(let response): #expect(fixture.expect == "response \(response.status)")
      }
      if let count = fixture.bodyCount { #expect(message.body.count == count) }
      expectRoundTrip(message, fixture.name)
    case .failure(let error):
      #expect(words[0] == "\(error.kind)", "\(error.detail)")
      #expect(words[1] == (error.refusal.map { "\($0.status)" } ?? "silent"), "\(error.detail)")
    }
  }

  /// wsinv, RFC 4475 §3.1.1.1: blanks and folds everywhere.
  @Test func foldsAndBlanks() throws {
    guard let folder = Corpus.torture else { return }
    let message = try parseMessage(Corpus.bytes(folder.appendingPathComponent("wsinv.dat")))
    let headers = message.headers
    #expect(try headers.to().tag == "1918181833n")
    #expect(try headers.from().tag == "98asjd8")
    #expect(try headers.from().displayName == "J Rosenberg \\\"")
    #expect(try headers.maxForwards() == 68)
    #expect(try headers.cseq() == CSeq(9, .invite))
    let vias = try headers.vias()
    #expect(vias.map(\.transport) == ["UDP", "TCP", "UDP"])
    #expect(vias.map(\.branch) == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"])
    #expect(headers["Subject"] == "")
    #expect(headers["NewFangledHeader"] == "newfangled value continued newfangled value")
    let contact = try #require(try headers.contacts().first)
    #expect(contact.displayName == "Quoted string \"\"")
    #expect(contact.parameters["newparam"] == "newvalue")
    #expect(contact.parameters.has("secondparam"))
    #expect(contact.thousandthsOfQ == 330)
    #expect(try headers.nameAddresses("Route").first?.uri.parameters.has("unknown-no-value") == true)
    #expect(message.body.count == 150)
  }

  @Test func oddButLegal() throws {
    guard let folder = Corpus.torture else { return }
    func read(_ name: String) throws -> Request {
      guard case .request(let request) = try parseMessage(Corpus.bytes(folder.appendingPathComponent(name + ".dat")))
      else { throw ParseError(.notSIP, name) }
      return request
    }
    let escaped = try read("esc01")
    #expect(escaped.uri.scheme == "sip")
    #expect(escaped.uri.user == "sips:user@example.com")
    #expect(escaped.uri.host == "example.net")
    let nulls = try read("escnull").headers
    #expect(try nulls.to().uri.user == "null-\0-null")
    #expect(try nulls.contacts().map(\.uri.user) == ["\0", "\0\0"])
    #expect(try read("esc02").method == Method("RE%47IST%45R"))
    #expect(try read("semiuri").uri.user == "user;par=u@example.net")
    #expect(try read("lwsdisp").headers.from().displayName == "caller")
    #expect(try read("longreq").headers.vias().count == 34)
    #expect(try read("transports").headers.vias().map(\.transport) == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"])
    #expect(try read("unkscm").uri.scheme == "nobodyknowsthisscheme")
    #expect(try read("novelsc").uri.opaque == "//192.0.2.103:3002")
    #expect(try read("cparam01").headers.contacts().first?.parameters.has("unknownparam") == true)
    #expect(try read("cparam02").headers.contacts().first?.uri.parameters.has("unknownparam") == true)
    #expect(try read("regescrt").headers.contacts().first?.uri.headers == "Route=%3Csip:sip.example.com%3E")
    let odd = try read("intmeth")
    #expect(try odd.headers.to().displayName == "BEL:\u{7} NUL:\0 DEL:\u{7F}")
    #expect(try odd.headers.from().parameters["fromParam''~+*_!.-%"] == "работающий")
    #expect(odd.headers["extensionHeader-!.%*+_`'~"]?.hasSuffix("大停電") == true)
    #expect(try read("dblreq").body.isEmpty)
    #expect(try read("mpart01").body.contains(0))
    #expect(try read("regaut01").headers.digestCredentials("Authorization").isEmpty)
    #expect(try read("regaut01").headers.has("Authorization"))
  }
}
