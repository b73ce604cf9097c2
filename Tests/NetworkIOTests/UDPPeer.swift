import Glibc
import SIPMessage
import Telephony
import Testing

/// A peer on a real UDP socket of its own, which knows nothing of the code under test.
final class UDPPeer: Sendable {
  private let descriptor: Int32
  let endpoint: Endpoint

  /// - Parameter address: 127.0.0.1 or ::1.
  init(_ address: String = "127.0.0.1") throws {
    let isIPv6 = address.contains(":")
    let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    try #require(descriptor >= 0)
    self.descriptor = descriptor
    // Only a test that fails waits so long.
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let ip = try #require(IPAddress(address))
    let port: UInt16
    if isIPv6 {
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      inet_pton(AF_INET6, address, &name.sin6_addr)
      port = try #require(bound(descriptor, &name)).sin6_port
    } else {
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      inet_pton(AF_INET, address, &name.sin_addr)
      port = try #require(bound(descriptor, &name)).sin_port
    }
    endpoint = Endpoint(ip, UInt16(bigEndian: port))
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8], to remote: Endpoint) {
    var sent = -1
    if remote.address.isIPv6 {
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      name.sin6_port = remote.port.bigEndian
      inet_pton(AF_INET6, remote.address.description, &name.sin6_addr)
      sent = write(bytes, &name)
    } else {
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_port = remote.port.bigEndian
      inet_pton(AF_INET, remote.address.description, &name.sin_addr)
      sent = write(bytes, &name)
    }
    #expect(sent == bytes.count)
  }

  func send(_ text: String, to remote: Endpoint) { send(Array(text.utf8), to: remote) }

  /// Takes datagrams from there alone from now on.
  func hearsOnly(_ remote: Endpoint) {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = remote.port.bigEndian
    inet_pton(AF_INET, remote.address.description, &name.sin_addr)
    let isDone = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    #expect(isDone)
  }

  /// The next datagram, which must be a SIP message and come within 10 s.
  func message() throws -> Message {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    try #require(count >= 0, "nothing has come")
    return try parseMessage(Array(buffer.prefix(count)))
  }

  private func write<Name>(_ bytes: [UInt8], _ name: inout Name) -> Int {
    withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<Name>.size))
      }
    }
  }
}

/// Binds and gives the name the kernel has chosen.
private func bound<Name>(_ descriptor: Int32, _ name: inout Name) -> Name? {
  var length = socklen_t(MemoryLayout<Name>.size)
  let isDone = withUnsafeMutablePointer(to: &name) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
    }
  }
  return isDone ? name : nil
}
