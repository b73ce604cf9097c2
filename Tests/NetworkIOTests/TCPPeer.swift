import Glibc
import SIPMessage
import Telephony
import Testing

/// A peer on a real TCP connection of its own, which knows nothing of the code under test.
final class TCPPeer {
  private let descriptor: Int32
  /// Its own end.
  let endpoint: Endpoint
  private var framer = StreamFramer()
  private var items: [StreamItem] = []

  /// Connects, from 127.0.0.1 or ::1 if nothing else is said.
  init(to remote: Endpoint, from source: String? = nil, port: UInt16 = 0) throws {
    descriptor = socket(remote.address.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try #require(descriptor >= 0)
    if let source = source.flatMap({ IPAddress($0) }) {
      let isBound = withAddress(Endpoint(source, port)) { [descriptor] in bind(descriptor, $0, $1) }
      try #require(isBound == 0, "errno \(errno)")
    }
    let connected = withAddress(remote) { [descriptor] in connect(descriptor, $0, $1) }
    try #require(connected == 0, "errno \(errno)")
    endpoint = try ownEnd(of: descriptor, isIPv6: remote.address.isIPv6)
    prepare(descriptor)
  }

  fileprivate init(accepted descriptor: Int32, isIPv6: Bool) throws {
    self.descriptor = descriptor
    endpoint = try ownEnd(of: descriptor, isIPv6: isIPv6)
    prepare(descriptor)
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) {
    #expect(Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// Sends no more; what comes can still be read.
  func sendsNoMore() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Closes with a reset.
  func reset() {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    // The number must stay taken until deinit closes it.
    let nothing = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    dup2(nothing, descriptor)
    close(nothing)
  }

  /// The next message, which must come within 10 s.
  func message() throws -> Message {
    while items.isEmpty {
      let bytes = try read()
      try #require(!bytes.isEmpty, "the connection is closed")
      items = try framer.append(bytes)
    }
    guard case .message(let message) = items.removeFirst() else { throw Unexpected() }
    return message
  }

  /// The next bytes as they are; none if the connection is closed.
  func read() throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count < 0, errno == ECONNRESET { return [] }
    try #require(count >= 0, "nothing has come")
    return Array(buffer.prefix(count))
  }

  struct Unexpected: Error {}
}

/// A peer that listens.
final class TCPHost {
  private let descriptor: Int32
  let endpoint: Endpoint

  /// - Parameter backlog: how many connections it lets wait; nil: it has the port, but does not listen yet.
  init(_ address: String = "127.0.0.1", backlog: Int32? = 16) throws {
    let ip = try #require(IPAddress(address))
    descriptor = socket(ip.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try #require(descriptor >= 0)
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    let bound = withAddress(Endpoint(ip, 0)) { [descriptor] in bind(descriptor, $0, $1) }
    try #require(bound == 0)
    endpoint = try ownEnd(of: descriptor, isIPv6: ip.isIPv6)
    prepare(descriptor)
    if let backlog { try listens(backlog) }
  }

  func listens(_ backlog: Int32 = 16) throws { try #require(listen(descriptor, backlog) == 0) }

  deinit { close(descriptor) }

  /// The next connection, which must come within 10 s.
  func accept() throws -> TCPPeer {
    let accepted = Glibc.accept(descriptor, nil, nil)
    try #require(accepted >= 0, "nobody connects")
    return try TCPPeer(accepted: accepted, isIPv6: endpoint.address.isIPv6)
  }

  /// True if somebody waits to be accepted.
  var isAsked: Bool {
    var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&poller, 1, 0) == 1
  }
}

/// Only a test that fails waits so long.
private func prepare(_ descriptor: Int32) {
  var limit = timeval(tv_sec: 10, tv_usec: 0)
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  var on: Int32 = 1
  setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
}

private func withAddress(_ endpoint: Endpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  if endpoint.address.isIPv6 {
    var name = sockaddr_in6()
    name.sin6_family = sa_family_t(AF_INET6)
    name.sin6_port = endpoint.port.bigEndian
    inet_pton(AF_INET6, endpoint.address.description, &name.sin6_addr)
    return withGeneric(&name, body)
  }
  var name = sockaddr_in()
  name.sin_family = sa_family_t(AF_INET)
  name.sin_port = endpoint.port.bigEndian
  inet_pton(AF_INET, endpoint.address.description, &name.sin_addr)
  return withGeneric(&name, body)
}

private func withGeneric<Name>(_ name: inout Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  withUnsafePointer(to: &name) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Name>.size)) }
  }
}

private func ownEnd(of descriptor: Int32, isIPv6: Bool) throws -> Endpoint {
  var storage = sockaddr_storage()
  var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
  let found = withUnsafeMutablePointer(to: &storage) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  try #require(found == 0)
  let raw = withUnsafeBytes(of: storage) { Array($0) }
  let port = UInt16(raw[2]) << 8 | UInt16(raw[3])
  return Endpoint(try #require(IPAddress(bytes: isIPv6 ? raw[8..<24] : raw[4..<8])), port)
}
