import SIPMessage
import Telephony
import Testing

@Suite struct StreamFramerTests {
  private static func message(_ number: Int, body: String = "", length: Int? = nil) -> [UInt8] {
    let length = length ?? body.utf8.count
    return Array(
      """
      MESSAGE sip:731@192.0.2.10 SIP/2.0\r
      Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK\(number)\r
      From: <sip:a@192.0.2.1>;tag=1\r
      To: <sip:731@192.0.2.10>\r
      Call-ID: stream\r
      CSeq: \(number) MESSAGE\r
      Content-Length:\r
       \(length)\r
      \r
      \(body)
      """.utf8)
  }

  /// Three messages, one of them malformed, line breaks and a ping between them.
  private static let stream: [UInt8] =
    message(1, body: "v=0\r\n\r\na\n\nb") + message(2) + Array("\r\n\r\n".utf8)
    + Array(String(decoding: message(3, body: "x"), as: UTF8.self).replacing("3 MESSAGE", with: "3 INVITE").utf8)
    + Array("\r\n".utf8) + message(4, body: "the end")

  private func numbers(_ items: [StreamItem]) -> [String] {
    items.map { item in
      switch item {
      case .message(let message): "\((try? message.headers.cseq().number) ?? 0):\(message.body.count)"
      case .malformed(let error): "\(error.kind) \(error.refusal?.status ?? 0)"
      case .ping: "ping"
      }
    }
  }

  private let expected = ["1:11", "2:0", "ping", "methodMismatch 400", "4:7"]

  @Test func atOnce() throws {
    var framer = StreamFramer()
    #expect(numbers(try framer.append(StreamFramerTests.stream)) == expected)
    #expect(!framer.isInMessage)
  }

  @Test func byteByByte() throws {
    var framer = StreamFramer()
    var items: [StreamItem] = []
    for byte in StreamFramerTests.stream { items += try framer.append([byte]) }
    #expect(numbers(items) == expected)
    #expect(!framer.isInMessage)
  }

  @Test func cutAtEveryByte() throws {
    let stream = StreamFramerTests.stream
    for cut in 0...stream.count {
      var framer = StreamFramer()
      let items = try framer.append(Array(stream[..<cut])) + framer.append(Array(stream[cut...]))
      #expect(numbers(items) == expected, "cut at \(cut)")
    }
  }

  @Test func cutAnywhereManyTimes() throws {
    let stream = StreamFramerTests.stream
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<500 {
      var framer = StreamFramer()
      var items: [StreamItem] = []
      var place = 0
      while place < stream.count {
        let end = min(stream.count, place + Int.random(in: 1...97, using: &generator))
        items += try framer.append(Array(stream[place..<end]))
        place = end
      }
      #expect(numbers(items) == expected)
    }
  }

  @Test func bareLineFeeds() throws {
    var framer = StreamFramer()
    let text = String(decoding: StreamFramerTests.message(1, body: "x"), as: UTF8.self).replacing("\r\n", with: "\n")
    #expect(numbers(try framer.append(Array(text.utf8))) == ["1:1"])
  }

  /// dblreq, RFC 4475 §3.1.1.8: on a stream the second request is a message too.
  @Test func bothRequestsOfDblreq() throws {
    guard let bytes = try Corpus.torture("dblreq") else { return }
    #expect(numbers(try #require(failure(bytes)).preceding) == ["8:0", "8:150"], "its last bytes belong to nothing")
  }

  private func failure(_ bytes: [UInt8]) -> FramingError? {
    var framer = StreamFramer()
    do throws(FramingError) {
      _ = try framer.append(bytes)
      return nil
    } catch { return error }
  }

  @Test func whatCannotBeFollowed() throws {
    let good = StreamFramerTests.message(1)
    let text = String(decoding: good, as: UTF8.self)
    let cases: [(ParseError.Kind, String, Int?)] = [
      (.contentLength, text.replacing("Content-Length:\r\n 0\r\n", with: ""), 400),
      (.contentLength, text.replacing(" 0\r\n", with: " -1\r\n"), 400),
      (.contentLength, text.replacing(" 0\r\n", with: " 99999999999999999999\r\n"), 400),
      (.repeatedHeader, text.replacing("CSeq", with: "l: 5\r\nCSeq"), 400),
      (.tooLarge, text.replacing(" 0\r\n", with: " 65535\r\n"), 513),
      (.tooLarge, text.replacing(" 0\r\n", with: " 9223372036854775807\r\n"), 513),
      (.tooLarge, text.replacing("\r\n\r\n", with: "\r\nX: " + String(repeating: "x", count: 66_000)), 513),
      (.notSIP, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", nil),
      (.notSIP, "\0\r\n\r\n\r\n", nil),
      (.notSIP, String(repeating: "x", count: 70_000), nil),
    ]
    for (kind, bytes, status) in cases {
      let error = try #require(failure(Array(bytes.utf8)), "\(kind)")
      #expect(error.error.kind == kind || error.error.kind == .keepAlive, "\(error.error.detail)")
      #expect(error.error.refusal?.status == status, "\(kind)")
      #expect(error.preceding.isEmpty)
      let later = try #require(failure(good + Array(bytes.utf8)))
      #expect(numbers(later.preceding) == ["1:0"], "what came before is not lost")
    }
  }

  @Test func brokenStaysBroken() {
    var framer = StreamFramer()
    #expect(throws: FramingError.self) { try framer.append(Array("nonsense\r\n\r\n".utf8)) }
    #expect(throws: FramingError.self) { try framer.append(StreamFramerTests.message(1)) }
  }

  @Test func pings() throws {
    var framer = StreamFramer()
    #expect(try framer.append(Array("\r\n".utf8)).isEmpty)
    #expect(try framer.append(Array("\r\n".utf8)) == [.ping])
    #expect(try framer.append(Array("\r\n\r\n\r\n\r\n".utf8)) == [.ping, .ping])
    #expect(!framer.isInMessage)
    _ = try framer.append(Array("MESSAGE".utf8))
    #expect(framer.isInMessage)
  }
}
