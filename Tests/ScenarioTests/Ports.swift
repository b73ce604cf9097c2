import Glibc
import Synchronization

/// Hands out ports of loopback, each once in a run: below the range from which the system takes its own.
enum Ports {
  private static let range: Range<UInt16> = 20_000..<32_000
  /// Two runs at once on one machine do not begin at the same place.
  private static let next = Mutex<UInt16>(range.lowerBound + UInt16(getpid() % 100) * 100)

  /// The first of `count` ports in a row that nobody has bound, on any loopback address, UDP or TCP.
  static func take(_ count: UInt16 = 1) -> UInt16 {
    next.withLock { next in
      while true {
        // Even, as RTP wants it.
        let first = next
        next += count + count % 2
        guard next < range.upperBound else {
          next = range.lowerBound
          continue
        }
        let ports = first..<first + count
        if !games.contains(where: ports.contains),
          ports.allSatisfy({ isFree($0, SOCK_DGRAM) && isFree($0, SOCK_STREAM) })
        {
          return first
        }
      }
    }
  }

  /// What tshark takes for other protocols whatever is said there (`tshark -G decodes`): a call on 26000 is Quake to it.
  private static let games: [UInt16] =
    [20_000, 20_561, 22_222, 23_272, 24_576, 24_577, 25_826, 26_000, 27_036, 27_500, 27_910, 30_030]
    + Array(27_950...27_963)

  private static func isFree(_ port: UInt16, _ type: __socket_type) -> Bool {
    let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = internetAddress("0.0.0.0", port)
    return withSocketAddress(&address) { bind(descriptor, $0, $1) } == 0
  }
}

func internetAddress(_ host: String, _ port: UInt16) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  inet_pton(AF_INET, host, &address.sin_addr)
  return address
}

func withSocketAddress<Result>(
  _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
  withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}
