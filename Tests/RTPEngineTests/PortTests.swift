import Glibc
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  @Suite("Media ports")
  struct PortTests {
    let loopback: IPAddress

    init() throws { loopback = try #require(IPAddress("127.0.0.1")) }

    private func localPort(_ fd: Int32) -> UInt16 {
      var place = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      _ = withUnsafeMutablePointer(to: &place) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
      }
      return UInt16(bigEndian: place.sin_port)
    }

    @Test("RTP is even, RTCP the next; marked for expedited forwarding, with a small buffer")
    func pair() throws {
      var ports = MediaPorts(range: 23_001...23_010, address: loopback)
      let sockets = try ports.bind()
      defer { sockets.close() }
      #expect(sockets.port == 23_002)
      #expect(localPort(sockets.rtp) == 23_002)
      #expect(localPort(sockets.rtcp) == 23_003)
      var (value, length): (Int32, socklen_t) = (0, 4)
      getsockopt(sockets.rtp, Int32(IPPROTO_IP), IP_TOS, &value, &length)
      #expect(value == 0xB8)
      getsockopt(sockets.rtp, SOL_SOCKET, SO_RCVBUF, &value, &length)
      #expect(value == 65_536)  // the kernel doubles it
      #expect(fcntl(sockets.rtp, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test("A pair comes again only after its release, and after all others")
    func reuse() throws {
      var ports = MediaPorts(range: 23_020...23_025, address: loopback)
      let first = try ports.bind()
      let second = try ports.bind()
      #expect([first.port, second.port] == [23_020, 23_022])
      first.close()
      let third = try ports.bind()
      #expect(third.port == 23_024)
      #expect(throws: MediaPortsError.exhausted(23_020...23_025)) { try ports.bind() }
      ports.release(first.port)
      let again = try ports.bind()
      #expect(again.port == 23_020)
      #expect(ports.count == 3)
      for sockets in [second, third, again] { sockets.close() }
    }

    @Test("Ports of other programs are passed over")
    func occupied() throws {
      var others = MediaPorts(range: 23_040...23_043, address: loopback)
      let taken = try others.bind()
      defer { taken.close() }
      var ports = MediaPorts(range: 23_040...23_043, address: loopback)
      let sockets = try ports.bind()
      #expect(sockets.port == 23_042)
      sockets.close()
    }

    @Test("Half a pair is not left open")
    func half() throws {
      var odd = MediaPorts(range: 23_060...23_061, address: loopback)
      let pair = try odd.bind()
      close(pair.rtp)
      let leaked = try descriptorsLeaked(in: 300) {
        var ports = MediaPorts(range: 23_060...23_061, address: loopback)
        #expect(throws: MediaPortsError.exhausted(23_060...23_061)) { try ports.bind() }
      }
      #expect(!leaked)
      close(pair.rtcp)
    }

    @Test("An address that is not ours is refused with its reason")
    func foreign() throws {
      let foreign = try #require(IPAddress("192.0.2.77"))
      var ports = MediaPorts(range: 23_070...23_079, address: foreign)
      #expect(throws: MediaPortsError.refused(errno: EADDRNOTAVAIL, address: foreign)) { try ports.bind() }
    }

    @Test("Ranges without a pair have none", arguments: [23_081...23_081, 65_535...65_535, 0...1, 0...0])
    func narrow(range: ClosedRange<UInt16>) {
      var ports = MediaPorts(range: range, address: loopback)
      #expect(throws: MediaPortsError.exhausted(range)) { try ports.bind() }
    }
  }
}

/// Whether `body`, run `count` times, leaves descriptors open. The other suites of this process open and close theirs
/// meanwhile, so a single one more or less says nothing; one a round does.
func descriptorsLeaked(in count: Int, _ body: () throws -> Void) throws -> Bool {
  let before = try openDescriptors()
  for _ in 0..<count { try body() }
  return try openDescriptors() - before > count / 2
}

/// How many file descriptors the process has open.
private func openDescriptors() throws -> Int {
  guard let folder = opendir("/proc/self/fd") else { throw TestFault("/proc/self/fd") }
  defer { closedir(folder) }
  var count = 0
  while readdir(folder) != nil { count += 1 }
  return count
}
