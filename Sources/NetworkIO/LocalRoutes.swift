import Glibc
package import Telephony

/// Which of our own addresses the kernel uses toward a peer, so that Via, Contact and SDP show one he can reach.
package struct LocalRoutes {
  private var known: [IPAddress: (address: IPAddress, until: Instant)] = [:]

  package init() {}

  /// How long an answer counts: an interface may get another address while the daemon runs.
  private static let life = Duration.seconds(10)

  /// How many answers are kept, so that strangers cannot make the table grow.
  package static let capacity = 1000

  /// How many answers are kept now.
  package var count: Int { known.count }

  /// Our address on the way to `remote`; nil if there is no route.
  ///
  /// A connected UDP socket sends nothing; the kernel only chooses the source address.
  package mutating func localAddress(toward remote: IPAddress, at now: Instant) -> IPAddress? {
    if let answer = known[remote], now < answer.until { return answer.address }
    if known.count >= Self.capacity { known.removeAll(keepingCapacity: true) }
    known[remote] = nil
    let target = Endpoint(remote, 9)
    let descriptor = socket(target.family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { Glibc.close(descriptor) }
    guard target.withSocketAddress({ Glibc.connect(descriptor, $0, $1) }) == 0,
      let address = sockaddr_storage(localAddressOf: descriptor).flatMap(IPAddress.init)
    else { return nil }
    known[remote] = (address, now + Self.life)
    return address
  }
}
