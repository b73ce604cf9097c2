import SDP
import Telephony
import Testing

@Suite struct SessionDescriptionTests {
  private func refusal(_ text: String) -> SDPError? { refusal(Array(text.utf8)) }

  private func refusal(_ bytes: [UInt8]) -> SDPError? {
    do throws(SDPError) {
      _ = try SessionDescription(parsing: bytes)
      return nil
    } catch {
      return error
    }
  }

  @Test func readsAllItKeeps() throws {
    let text = """
      v=0
      o=jdoe 2890844526 2890842807 IN IP4 192.0.2.126
      s=SDP Seminar
      i=A Seminar on the session description protocol
      u=http://www.example.com/seminars/sdp.pdf
      e=j.doe@example.com (Jane Doe)
      c=IN IP4 233.252.0.12/127
      t=2873397496 2873404696
      a=recvonly
      m=audio 49170 RTP/AVP 0
      m=video 51372 RTP/AVP 99
      c=IN IP6 2001:db8::2
      a=rtpmap:99 h263-1998/90000
      """
    let description = try SessionDescription(parsing: Array(text.utf8))
    #expect(description.origin.username == "jdoe")
    #expect(description.origin.sessionID == "2890844526")
    #expect(description.origin.version == "2890842807")
    #expect(description.origin.connection.text == "192.0.2.126")
    #expect(description.name == "SDP Seminar")
    #expect(description.connection == Connection(text: "233.252.0.12", isIPv6: false))
    #expect(description.attributes == [Attribute("recvonly")])
    #expect(description.media.map(\.kind) == ["audio", "video"])
    #expect(description.connection(of: description.media[0])?.text == "233.252.0.12")
    #expect(description.connection(of: description.media[1])?.address == IPAddress("2001:db8::2"))
    #expect(description.media[1].encoding(of: "99") == "h263-1998/90000")
    #expect(description.media[0].encoding(of: "0") == "pcmu/8000")
    #expect(description.media[0].encoding(of: "99") == nil)
    #expect(description.direction(of: description.media[0]) == .receiveOnly)
  }

  @Test func writesWhatItReads() throws {
    let description = SessionDescription(
      origin: Origin(sessionID: "1", version: "2", connection: Connection(text: "192.0.2.1", isIPv6: false)),
      connection: Connection(text: "2001:db8::1", isIPv6: true),
      attributes: [Attribute("tool", "x:y z"), Attribute("inactive")],
      media: [
        MediaDescription(
          kind: "audio", port: 1, transport: "RTP/AVP", formats: ["8"],
          connection: Connection(text: "192.0.2.2", isIPv6: false), attributes: [Attribute("ptime", "20")]),
        MediaDescription(kind: "image", port: 0, transport: "udptl", formats: ["t38"]),
      ])
    #expect(try SessionDescription(parsing: description.serialized()) == description)
  }

  @Test func aLineBreakInAValueForgesNoLine() throws {
    let description = SessionDescription(
      origin: Origin(
        username: "x\r\na=evil", sessionID: "1", version: "1", connection: Connection(text: "192.0.2.1", isIPv6: false)),
      name: "y\nm=audio 9 RTP/AVP 8")
    let read = try SessionDescription(parsing: description.serialized())
    #expect(read.media.isEmpty && read.attributes.isEmpty)
  }

  @Test(
    arguments: [
      ("", .noVersion), ("hello", .malformed(line: 1)), ("v=1", .noVersion), ("s=-\nv=0", .noVersion),
      ("v=0\nnonsense", .malformed(line: 2)), ("v=0\n\n=x", .malformed(line: 3)),
      ("v=0\no=- 1 1 IN IP4", .malformed(line: 2)),
      ("v=0\nc=IN IP4", .malformed(line: 2)), ("v=0\nc=IN IP4 /", .malformed(line: 2)),
      ("v=0\nm=audio", .malformed(line: 2)),
      ("v=0\nm=audio 1 RTP/AVP", .malformed(line: 2)), ("v=0\nm=audio 65536 RTP/AVP 8", .malformed(line: 2)),
      ("v=0\nm=audio -1 RTP/AVP 8", .malformed(line: 2)), ("v=0\nm=audio +1 RTP/AVP 8", .malformed(line: 2)),
      ("v=0\nm=audio / RTP/AVP 8", .malformed(line: 2)), ("<xml/>", .malformed(line: 1)),
    ] as [(String, SDPError)])
  func refuses(text: String, error: SDPError) { #expect(refusal(text) == error) }

  @Test func sizeIsLimited() {
    let head = "v=0\n"
    #expect(refusal(head + String(repeating: "a=x\n", count: 900)) == nil)
    #expect(refusal(head + String(repeating: "a=x\n", count: 1000)) == .tooLarge)
    #expect(refusal(head + "a=" + String(repeating: "x", count: 65_536)) == .tooLarge)
    #expect(refusal(head + String(repeating: "m=audio 1 RTP/AVP 8\n", count: 32)) == nil)
    #expect(refusal(head + String(repeating: "m=audio 1 RTP/AVP 8\n", count: 33)) == .tooLarge)
  }

  @Test func anyBytesAreReadOrRefused() throws {
    let offers = OfferFileTests.all.map { Array(($0.sections["offer"] ?? []).joined(separator: "\r\n").utf8) }
    let local = try #require(Endpoint("192.0.2.1:30000"))
    var random = SeededGenerator(seed: 9)
    var answered = 0
    for round in 0..<6000 {
      var bytes = offers[round % offers.count]
      for _ in 0...random.next() % 6 where !bytes.isEmpty {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 5 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: bytes[place...].prefix(Int(random.next() % 40)), at: place)
        case 3: bytes.insert(contentsOf: "99999999999999999999".utf8, at: place)
        default: bytes[place] = Array("\n\r=/: 0-")[Int(random.next() % 8)].asciiValue ?? 0
        }
      }
      var machine = OfferAnswer(sessionID: 1)
      _ = machine.makeOffer(local: local)
      _ = try? machine.accept(bytes)
      guard let (sdp, _) = try? machine.answer(bytes, local: local) else { continue }
      answered += 1
      // Whatever was offered, our answer is a good description with as many streams.
      let offer = try SessionDescription(parsing: bytes)
      let answer = try SessionDescription(parsing: sdp)
      #expect(answer.media.count == offer.media.count)
      #expect(answer.media.count(where: { $0.port == 30_000 }) == 1)
      _ = machine.makeOffer(local: local)
    }
    #expect(answered > 1000)
  }
}
