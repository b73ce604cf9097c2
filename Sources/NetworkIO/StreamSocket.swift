import Glibc
import SIPMessage
import Telephony

/// A TCP socket, for plain connections or for TLS over them, that is bound and listens, to be handed to NIO, which accepts from it.
///
/// Opened here so that a port that is taken is known at once, and so that what is listened on is known before the first
/// message can come.
struct StreamSocket {
  let descriptor: Int32
  let bound: Endpoint

  /// How many connections may wait to be accepted: a rack of phones comes back at once after a power cut.
  private static let backlog: Int32 = 512

  /// Opens, binds and listens; port 0 picks one.
  init(listeningOn endpoint: Endpoint, for transport: Transport) throws(ListenError) {
    descriptor = socket(
      endpoint.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw ListenError(transport, endpoint, errno: Glibc.errno) }
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Connections of the run before linger (TIME_WAIT) and would hold the port for a minute.
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
    if endpoint.address.isIPv6 {
      // As for datagrams: [::] and 0.0.0.0 side by side, and no peer seen as ::ffff:a.b.c.d.
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size)
    }
    guard endpoint.withSocketAddress({ [descriptor] in Glibc.bind(descriptor, $0, $1) }) == 0,
      Glibc.listen(descriptor, Self.backlog) == 0,
      let bound = sockaddr_storage(localAddressOf: descriptor).flatMap(Endpoint.init)
    else {
      let error = ListenError(transport, endpoint, errno: Glibc.errno)
      Glibc.close(descriptor)
      throw error
    }
    self.bound = bound
  }
}
