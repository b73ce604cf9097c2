import Demo
import Glibc

/// A UDP socket of the test itself: for what no decent phone would send.
final class Datagrams: Sendable {
  let port: UInt16
  let seen = Observations<String>()
  private let descriptor: Int32
  private let address: String

  init(_ address: String) throws {
    self.address = address
    port = Ports.take()
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var own = internetAddress(address, port)
    let socket = descriptor
    guard socket >= 0, withSocketAddress(&own, { bind(socket, $0, $1) }) == 0 else {
      throw Child.Failure("no UDP socket on \(address):\(port)")
    }
    let (texts, feed) = AsyncStream.makeStream(of: String.self)
    let (seen, descriptor) = (seen, self.descriptor)
    Task { for await text in texts { await seen.saw(text) } }
    blockingWork {
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { break }
        feed.yield(String(decoding: buffer[..<count], as: UTF8.self))
      }
      close(descriptor)
    }
  }

  deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

  func send(_ bytes: [UInt8], to host: String = "127.0.0.1", _ port: UInt16) {
    var target = internetAddress(host, port)
    _ = withSocketAddress(&target) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
  }

  func send(_ text: String, to host: String = "127.0.0.1", _ port: UInt16) { send(Array(text.utf8), to: host, port) }

  /// A request with what every request needs; `extra` are further header lines.
  func request(
    _ method: String, _ uri: String, callID: String, from: String = "<sip:0347@127.0.0.2>", extra: [String] = [],
    body: String = "", contentLength: Int? = nil
  ) -> String {
    ([
      "\(method) \(uri) SIP/2.0", "Via: SIP/2.0/UDP \(address):\(port);branch=z9hG4bK\(callID)\(method)",
      "From: \(from);tag=\(callID)", "To: <\(uri)>", "Call-ID: \(callID)", "CSeq: 1 \(method)", "Max-Forwards: 70",
      "Contact: <sip:test@\(address):\(port)>",
    ] + extra + ["Content-Length: \(contentLength ?? body.utf8.count)", "", body]).joined(separator: "\r\n")
  }

  /// The first datagram that begins with this and holds that.
  @discardableResult func answer(_ start: String, _ part: String = "", within limit: Duration = .seconds(5))
    async throws
    -> String
  {
    try await seen.first("\(start) … \(part)", within: limit) { $0.hasPrefix(start) && $0.contains(part) }
  }
}
