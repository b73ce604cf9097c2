import CNetwork
import Glibc
import SIPMessage
import Telephony

/// A bound UDP socket, opened and written to without NIO, which reads it.
///
/// NIO's own writing closes the whole channel on most errors of one datagram (ENETUNREACH while a network is down, EINVAL
/// for port 0, EACCES for a broadcast address, EPERM from a firewall): one bad peer would take the line from all others.
struct DatagramSocket {
  let descriptor: Int32
  let bound: Endpoint

  /// Opens and binds; port 0 picks one.
  init(bindingTo endpoint: Endpoint) throws(ListenError) {
    descriptor = socket(
      endpoint.family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw ListenError(.udp, endpoint, errno: Glibc.errno) }
    var on: Int32 = 1
    if endpoint.address.isIPv6 {
      // [::] must neither take the port from 0.0.0.0 nor show IPv4 peers as ::ffff:a.b.c.d, which no trunk's address is.
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    // A burst of retransmissions after a stall, or of strangers, must not push out the INVITE that follows it. Who may
    // (root, CAP_NET_ADMIN) takes more than the system's net.core.rmem_max.
    var room: Int32 = 1 << 22
    if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &room, socklen_t(MemoryLayout<Int32>.size)) != 0 {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    }
    guard endpoint.withSocketAddress({ [descriptor] in Glibc.bind(descriptor, $0, $1) }) == 0,
      let bound = sockaddr_storage(localAddressOf: descriptor).flatMap(Endpoint.init)
    else {
      let error = ListenError(.udp, endpoint, errno: Glibc.errno)
      Glibc.close(descriptor)
      throw error
    }
    self.bound = bound
  }

  /// Sends one datagram without waiting.
  /// - Parameter source: which of our addresses it leaves from, where the socket is bound to all: whoever asked one of them
  ///   takes an answer from no other.
  /// - Returns: 0, or the `errno`. A datagram for which there is no room now is lost (0), as any may be on its way:
  ///   the timers of its transaction send it again.
  func send(_ bytes: [UInt8], to remote: Endpoint, from source: IPAddress) -> Int32 {
    remote.withSocketAddress { address, length in
      if bound.address.isUnspecified, !source.isUnspecified {
        let error = network_send_from(
          descriptor, bytes, bytes.count, address, length, source.bytes, source.bytes.count)
        switch error {
        case 0, EAGAIN, ENOBUFS: return 0
        // The address is ours no more: the route's own, then.
        case EINVAL, EADDRNOTAVAIL, ENODEV, ENETUNREACH: break
        default: return error
        }
      }
      while sendto(descriptor, bytes, bytes.count, 0, address, length) < 0 {
        switch Glibc.errno {
        case EINTR: continue
        case EAGAIN, ENOBUFS: return 0
        case let error: return error
        }
      }
      return 0
    }
  }
}
