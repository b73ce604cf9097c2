import CLinux
import Glibc
package import Telephony

/// Why no pair of media ports could be had.
package enum MediaPortsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// All pairs are in use, by us or by other programs.
  case exhausted(ClosedRange<UInt16>)
  /// The address is not one of this machine's, or there are no more file descriptors.
  case refused(errno: Int32, address: IPAddress)

  package var description: String {
    switch self {
    case .exhausted(let range):
      "RTPPorts.txt: no free pair of ports in \(range.lowerBound)-\(range.upperBound); expected a wider range"
    case .refused(let code, let address):
      "cannot open RTP sockets on \(address.description): \(String(cString: strerror(code)))"
    }
  }
}

/// Hands out pairs of media ports of a range on one address. Owned by the event loop, since an SDP needs the port.
///
/// The pair that has rested longest comes first, so that late packets of an ended call meet nobody.
package struct MediaPorts: Sendable {
  /// Small, so that under CPU starvation packets are lost rather than late (a 20 ms packet takes some 800 bytes).
  private static let receiveBuffer: Int32 = 32 * 1024
  /// Expedited forwarding (RFC 3246), as the upper six bits of the traffic class.
  private static let expedited: Int32 = 46 << 2

  package let range: ClosedRange<UInt16>
  package let address: IPAddress
  private var next: UInt16
  private var used: Set<UInt16> = []

  /// - Parameters:
  ///   - range: the ports; an odd lower bound loses one port.
  ///   - address: where the sockets are bound; unspecified for all of the machine's.
  package init(range: ClosedRange<UInt16>, address: IPAddress) {
    self.range = range
    self.address = address
    next = Self.firstEven(range)
  }

  /// How many pairs are handed out and not released.
  package var count: Int { used.count }

  /// Binds the next free pair.
  package mutating func bind() throws(MediaPortsError) -> MediaSockets {
    let first = Self.firstEven(range)
    let pairs = first >= range.lowerBound && range.upperBound > first ? (Int(range.upperBound) - Int(first) + 1) / 2 : 0
    for _ in 0..<pairs {
      let port = next
      next = UInt32(port) + 3 <= UInt32(range.upperBound) ? port + 2 : first
      guard !used.contains(port), let sockets = try bindPair(port) else { continue }
      used.insert(port)
      return sockets
    }
    throw .exhausted(range)
  }

  /// The leg on `port` is closed (`legClosed`), or its sockets were: the pair may be handed out again.
  package mutating func release(_ port: UInt16) { used.remove(port) }

  private static func firstEven(_ range: ClosedRange<UInt16>) -> UInt16 {
    let lower = max(range.lowerBound, 2)
    return lower % 2 == 0 ? lower : lower == .max ? lower - 1 : lower + 1
  }

  /// - Returns: nil if one of the ports is occupied.
  private func bindPair(_ port: UInt16) throws(MediaPortsError) -> MediaSockets? {
    guard let rtp = try bindSocket(port) else { return nil }
    do {
      guard let rtcp = try bindSocket(port + 1) else {
        close(rtp)
        return nil
      }
      return MediaSockets(port: port, isIPv6: address.isIPv6, rtp: rtp, rtcp: rtcp)
    } catch {
      close(rtp)
      throw error
    }
  }

  private func bindSocket(_ port: UInt16) throws(MediaPortsError) -> Int32? {
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let fd = socket(address.isIPv6 ? AF_INET6 : AF_INET, kind, 0)
    guard fd >= 0 else { throw .refused(errno: linux_errno(), address: address) }
    set(fd, SOL_SOCKET, SO_RCVBUF, Self.receiveBuffer)
    if address.isIPv6 {
      set(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
      set(fd, Int32(IPPROTO_IPV6), IPV6_TCLASS, Self.expedited)
    } else {
      set(fd, Int32(IPPROTO_IP), IP_TOS, Self.expedited)
    }
    var place = SocketPlace(Endpoint(address, port))
    guard place.withPointer({ Glibc.bind(fd, $0, $1) }) == 0 else {
      let code = linux_errno()
      close(fd)
      if code == EADDRINUSE || code == EACCES { return nil }
      throw .refused(errno: code, address: address)
    }
    return fd
  }

  /// Options are wishes: a call without them is better than none.
  private func set(_ fd: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    withUnsafeBytes(of: value) { _ = setsockopt(fd, level, option, $0.baseAddress, socklen_t($0.count)) }
  }
}
