import SIPMessage
import Testing

/// Each kind of fault, with the answer that goes out for a request, and none for ACK and responses.
@Suite struct RefusalTests {
  private static let base: [(String, String)] = [
    ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKr"), ("From", "<sip:a@192.0.2.1>;tag=1"),
    ("To", "<sip:720@192.0.2.10>"),
    ("Call-ID", "refusal"), ("CSeq", "1 INVITE"), ("Content-Length", "0"),
  ]

  private static func message(
    _ start: String = "INVITE sip:720@192.0.2.10 SIP/2.0", set: [(String, String?)] = [], more: String = "",
    tail: String = "\r\n"
  ) -> [UInt8] {
    var fields = base
    for (name, value) in set {
      fields.removeAll { $0.0 == name }
      if let value { fields.append((name, value)) }
    }
    return Array((start + "\r\n" + fields.map { "\($0.0): \($0.1)\r\n" }.joined() + more + tail).utf8)
  }

  private static let faults: [(ParseError.Kind, [UInt8], Int?)] = [
    (.keepAlive, Array("\r\n\r\n".utf8), nil),
    (.keepAlive, [], nil),
    (.keepAlive, [0, 0, 0, 0], nil),
    (.notSIP, message("hello world"), nil),
    (.notSIP, message("INVITE sip:720@192.0.2.10"), nil),
    (.version, message("INVITE sip:720@192.0.2.10 SIP/3.0"), 505),
    (.version, message("INVITE sip:720@192.0.2.10 SIP/2.00"), 505),
    (.startLine, message("INVITE 720 SIP/2.0"), 400),
    (.startLine, message("INVITE SIP/2.0"), 400),
    (.headerEnd, message(tail: ""), 400),
    (.headerLine, message(more: "nonsense\r\n"), 400),
    (.headerLine, message("INVITE sip:720@192.0.2.10 SIP/2.0\r\n folded too early"), 400),
    (.missingHeader, message(set: [("Call-ID", nil)]), 400),
    (.missingHeader, message(set: [("Call-ID", "")]), 400),
    (.missingHeader, message(set: [("From", nil)]), 400),
    (.missingHeader, message(set: [("To", nil)]), 400),
    (.missingHeader, message(set: [("CSeq", nil)]), 400),
    (.missingHeader, message(set: [("Via", nil)]), nil),
    (.missingHeader, message(set: [("Via", "")]), nil),
    (.repeatedHeader, message(more: "i: other\r\n"), 400),
    (.repeatedHeader, message(more: "l: 0\r\n"), 400),
    (.headerValue, message(set: [("Via", "nonsense")]), 400),
    (.headerValue, message(set: [("From", "\"")]), 400),
    (.headerValue, message(set: [("CSeq", "x INVITE")]), 400),
    (.headerValue, message(more: "Contact: nonsense\r\n"), 400),
    (.headerValue, message(more: "Record-Route: <\r\n"), 400),
    (.methodMismatch, message(set: [("CSeq", "1 BYE")]), 400),
    (.contentLength, message(set: [("Content-Length", "many")]), 400),
    (.contentLength, message(set: [("Content-Length", "")]), 400),
    (.bodyEnd, message(set: [("Content-Length", "1")]), 400),
    (.tooLarge, message(tail: "\r\n" + String(repeating: "x", count: 65_536)), 513),
  ]

  @Test(arguments: faults) func answered(_ kind: ParseError.Kind, _ bytes: [UInt8], _ status: Int?) throws {
    guard case .failure(let error) = outcome(bytes) else {
      Issue.record("it must be refused")
      return
    }
    #expect(error.kind == kind, "\(error.detail)")
    #expect(error.refusal?.status == status)
    guard let refusal = error.refusal else { return }
    #expect(refusal.reason == (refusal.status == 400 ? error.detail : reasonPhrase(refusal.status)))
    #expect(refusal.headers.has("Via"))
    // It can be sent, and it is the same for each retransmission.
    let written = refusal.serialized()
    #expect(written.starts(with: "SIP/2.0 \(refusal.status) ".utf8))
    guard case .failure(let again) = outcome(bytes) else { return }
    #expect(again.refusal == refusal)
    if case .success(.response(let read)) = outcome(written) {
      #expect(try read.headers.to().tag != nil)
      #expect(read.headers["From"] == "<sip:a@192.0.2.1>;tag=1")
      #expect(read.headers["Call-ID"] == "refusal")
      #expect(read.headers["CSeq"] != nil)
    }
  }

  /// A datagram that ends anywhere in its header is answered with the fields that came whole, folded ones included, and
  /// with no piece of the one in which it ends.
  @Test(arguments: ["\r\n", "\n"]) func halfFieldsAreNotCopied(_ lineBreak: String) throws {
    let lines = [
      "INVITE sip:720@192.0.2.10 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.1", " ;branch=z9hG4bKcut",
      "v: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKcut2", "To:", "\t<sip:720@192.0.2.10>", "f: <sip:a@192.0.2.1>",
      "  ;tag=1", "i: cut-anywhere@192.0.2.1", "CSeq: 4711", " INVITE", "",
    ]
    let bytes = Array(lines.joined(separator: lineBreak).utf8)
    let whole: [HeaderName: [String]] = [
      "Via": ["SIP/2.0/UDP 192.0.2.1 ;branch=z9hG4bKcut", "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKcut2"],
      "From": ["<sip:a@192.0.2.1> ;tag=1"], "Call-ID": ["cut-anywhere@192.0.2.1"], "CSeq": ["4711 INVITE"],
    ]
    var mostFields = 0
    for cut in 0...bytes.count {
      guard case .failure(let error) = outcome(Array(bytes[..<cut])) else {
        Issue.record("the header has no end")
        return
      }
      guard let refusal = error.refusal else { continue }
      #expect(error.kind == .headerEnd)
      #expect(refusal.status == 400)
      mostFields = max(mostFields, refusal.headers.fields.count)
      for field in refusal.headers.fields {
        if field.name == "To" {
          #expect(field.value.hasPrefix("<sip:720@192.0.2.10>;tag="), "cut at \(cut)")
        } else {
          #expect(whole[field.name]?.contains(field.value) == true, "cut at \(cut): \(field.name): \(field.value)")
        }
      }
    }
    #expect(mostFields == 5, "what came whole is copied")
  }

  @Test func everyKindIsTested() {
    #expect(Set(RefusalTests.faults.map(\.0)) == Set(ParseError.Kind.allCases))
  }

  @Test func differentRequestsGetDifferentTags() throws {
    func tag(_ cseq: String) throws -> String? {
      guard
        case .failure(let error) = outcome(
          RefusalTests.message(set: [("CSeq", "\(cseq) INVITE"), ("Content-Length", "1")]))
      else { return nil }
      return try error.refusal?.headers.to().tag
    }
    #expect(try tag("1") != tag("2"))
    #expect(try tag("1") == tag("1"))
  }

  /// RFC 3261 §17.1.1.3, §8.1.3.4: neither an ACK nor a response is ever answered.
  @Test(arguments: faults) func neverToAnACKOrAResponse(_ kind: ParseError.Kind, _ bytes: [UInt8], _ status: Int?) {
    let text = String(decoding: bytes, as: UTF8.self)
    for other in [
      text.replacing("INVITE", with: "ACK"),
      text.replacing("INVITE sip:720@192.0.2.10 SIP/", with: "SIP/9.9 200 OK SIP/"),
      text.replacing("INVITE sip:720@192.0.2.10 SIP/2.0", with: "SIP/2.0 200 OK"),
    ] where other != text {
      if case .failure(let error) = outcome(Array(other.utf8)) { #expect(error.refusal == nil) }
    }
  }

  /// What costs time and memory by its number is bounded, long before the 65535 bytes are.
  @Test(
    arguments: [
      ("X: y\r\n", 994, nil), ("X: y\r\n", 995, .tooLarge), ("v: SIP/2.0/UDP h\r\n", 255, nil),
      ("v: SIP/2.0/UDP h\r\n", 256, .headerValue), ("m: <sip:a@b>\r\n", 256, nil),
      ("m: <sip:a@b>\r\n", 257, .headerValue), ("Record-Route: <sip:a>,<sip:b>\r\n", 129, .headerValue),
    ] as [(String, Int, ParseError.Kind?)])
  func numbersAreBounded(_ line: String, _ count: Int, _ kind: ParseError.Kind?) {
    switch outcome(RefusalTests.message(more: String(repeating: line, count: count))) {
    case .success: #expect(kind == nil)
    case .failure(let error):
      #expect(error.kind == kind, "\(error.detail)")
      #expect(error.refusal?.status == (kind == .tooLarge ? 513 : 400))
    }
    let list = line.dropFirst(3).dropLast(1)
    if line.hasPrefix("m") {
      #expect(
        (try? NameAddress.list([String](repeating: String(list), count: count).joined(separator: ",")))?.count
          == (kind == nil ? count : nil))
    }
  }

  @Test func largestMessageIsTaken() {
    let head = RefusalTests.message(set: [("Content-Length", nil)])
    let full = head + [UInt8](repeating: 0x78, count: 65_535 - head.count)
    guard case .success(let message) = outcome(full) else {
      Issue.record("65535 bytes are allowed")
      return
    }
    #expect(message.body.count == 65_535 - head.count)
  }
}
