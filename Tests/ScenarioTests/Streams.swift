import Demo
import Glibc

/// A TCP connection of the test itself, opened by it or to it: for what no decent phone would do.
final class Stream: Sendable {
  /// Each message that came, whole; last `closed`.
  let seen = Observations<String>()
  private let descriptor: Int32
  private let users = DescriptorUsers()
  /// Its own port.
  let port: UInt16
  private let address: String

  /// Connects from this address.
  init(from address: String, to port: UInt16) throws {
    self.address = address
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var own = internetAddress(address, 0)
    var target = internetAddress("127.0.0.1", port)
    let socket = descriptor
    guard socket >= 0, withSocketAddress(&own, { bind(socket, $0, $1) }) == 0,
      withSocketAddress(&target, { connect(socket, $0, $1) }) == 0
    else { throw Child.Failure("no connection from \(address) to \(port): \(errno)") }
    self.port = ownPort(of: socket)
    read()
  }

  fileprivate init(accepted descriptor: Int32, at address: String) {
    self.descriptor = descriptor
    self.address = address
    port = ownPort(of: descriptor)
    read()
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    users.leave(descriptor)
  }

  private func read() {
    let (texts, feed) = AsyncStream.makeStream(of: String.self)
    let (seen, descriptor, users) = (seen, descriptor, users)
    Task { for await text in texts { await seen.saw(text) } }
    blockingWork {
      var rest: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { break }
        rest += chunk[..<count]
        while let message = firstMessage(&rest) { feed.yield(message) }
      }
      feed.yield("closed")
      users.leave(descriptor)
    }
  }

  func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// Ends the connection.
  func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  func isClosed(within limit: Duration = .seconds(10)) async throws {
    _ = try await seen.first("the end of the connection", within: limit) { $0 == "closed" }
  }

  /// The first message that begins with this and holds that.
  @discardableResult func message(_ start: String, _ part: String = "") async throws -> String {
    try await seen.first("\(start) … \(part)", within: .seconds(5)) { $0.hasPrefix(start) && $0.contains(part) }
  }

  /// A request with what every request needs.
  /// - Parameters:
  ///   - contact: the port at which it listens.
  ///   - answer: the 200 to whose dialog it belongs.
  func request(
    _ method: String, _ number: String, callID: String, cseq: Int = 1, contact: UInt16, answer: String? = nil,
    body: String = ""
  ) -> String {
    let line = { (name: String) in answer?.split(separator: "\r\n").first { $0.hasPrefix(name) }.map(String.init) }
    let target = line("Contact:")?.split(separator: "<").last?.split(separator: ">").first.map(String.init)
    return
      ([
        "\(method) \(target ?? "sip:\(number)@127.0.0.1") SIP/2.0",
        "Via: SIP/2.0/TCP \(address):\(contact);branch=z9hG4bK\(callID)\(method)\(cseq)",
        "From: <sip:0347@\(address)>;tag=\(callID)", line("To:") ?? "To: <sip:\(number)@127.0.0.1>",
        "Call-ID: \(callID)", "CSeq: \(cseq) \(method)", "Max-Forwards: 70",
        "Contact: <sip:gw@\(address):\(contact);transport=tcp>",
      ] + (body.isEmpty ? [] : ["Content-Type: application/sdp"]) + ["Content-Length: \(body.utf8.count)", "", body])
      .joined(separator: "\r\n")
  }
}

/// Waits for TCP connections.
final class StreamHost: Sendable {
  let port: UInt16
  let connections = Observations<Stream>()
  private let descriptor: Int32

  init(_ address: String) throws {
    port = Ports.take()
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var own = internetAddress(address, port)
    let (socket, connections) = (descriptor, connections)
    guard socket >= 0, withSocketAddress(&own, { bind(socket, $0, $1) }) == 0, listen(socket, 16) == 0 else {
      throw Child.Failure("nothing listens on \(address):\(port)")
    }
    blockingWork {
      while true {
        let accepted = accept(socket, nil, nil)
        guard accepted >= 0 else { break }
        let stream = Stream(accepted: accepted, at: address)
        Task { await connections.saw(stream) }
      }
      close(socket)
    }
  }

  deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// The first connection.
  func connection() async throws -> Stream {
    try await connections.first("a connection to \(port)", within: .seconds(5)) { _ in true }
  }
}

/// Takes the first whole message, by its Content-Length.
private func firstMessage(_ bytes: inout [UInt8]) -> String? {
  let text = String(decoding: bytes, as: UTF8.self)
  guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
  let head = text[..<end.upperBound]
  let length =
    head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length:") }
    .flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
  guard bytes.count >= head.utf8.count + length else { return nil }
  defer { bytes.removeFirst(head.utf8.count + length) }
  return String(decoding: bytes.prefix(head.utf8.count + length), as: UTF8.self)
}

private func ownPort(of descriptor: Int32) -> UInt16 {
  var name = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let found = withUnsafeMutablePointer(to: &name) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  return found == 0 ? UInt16(bigEndian: name.sin_port) : 0
}
