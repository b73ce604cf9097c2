import Glibc
import PikettTesting
import Telephony
import Testing

@testable import Capture

/// Captures in gzip, as files and through pipes.
@Suite struct GzipTests {
  private func capture(_ count: Int = 400) -> [UInt8] {
    var file = PcapBytes()
    for index in 0..<count {
      file.add(frame((0..<160).map { UInt8(truncatingIfNeeded: $0 &* index) }), at: Int64(index) * 1000)
    }
    return file.bytes
  }

  private func gzip(_ bytes: [UInt8], _ directory: TemporaryDirectory, _ name: String = "plain") throws -> [UInt8] {
    let path = try directory.write(name, bytes)
    try #require(run(["gzip", "-kf", path]).status == 0)
    return try readFile(path + ".gz")
  }

  @Test func wholeInOneMemberOrSeveral() throws {
    let directory = TemporaryDirectory()
    let plain = capture()
    let expected = try Reading(of: plain)
    #expect(expected.seen.count == 400)
    let half = plain.count / 2
    let first = try gzip(Array(plain[..<half]), directory)
    let second = try gzip(Array(plain[half...]), directory)
    let whole = try gzip(plain, directory)
    for bytes in [whole, first + second, whole + [UInt8](repeating: 0, count: 512)] {
      let reading = try Reading(of: bytes)
      #expect(reading.seen == expected.seen)
      #expect(reading.end == .complete)
    }
  }

  @Test func pcapngToo() throws {
    let directory = TemporaryDirectory()
    var file = PcapngBytes()
    file.section(isBigEndian: true)
    file.interface()
    file.packet(frame([1]), stamp: 1)
    #expect(try Reading(of: gzip(file.bytes, directory)).payloads == [[1]])
  }

  @Test func cutOffGivesWhatIsInIt() throws {
    let directory = TemporaryDirectory()
    let packed = try gzip(capture(), directory)
    let expected = try Reading(of: capture()).seen
    var counts: Set<Int> = []
    for length in stride(from: 2, to: packed.count, by: 97) {
      guard let reading = try? Reading(of: Array(packed[..<length])) else { continue }
      #expect(reading.seen == Array(expected[..<reading.seen.count]))
      #expect(reading.end == .broken("the gzip file ends early"))
      counts.insert(reading.seen.count)
    }
    #expect(counts.count > 10)
  }

  @Test func damagedGivesWhatIsBeforeIt() throws {
    let directory = TemporaryDirectory()
    let packed = try gzip(capture(), directory)
    var generator = SeededGenerator(seed: 11)
    var broken = 0
    for _ in 0..<100 {
      var damaged = packed
      damaged[Int.random(in: 10..<packed.count, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
      if let reading = try? Reading(of: damaged), reading.end != .complete { broken += 1 }
    }
    #expect(broken > 80)
  }

  @Test func twiceThroughAPipe() throws {
    let directory = TemporaryDirectory()
    let path = try directory.write("x.gz", gzip(capture(), directory))
    let fifo = directory.file("fifo")
    try #require(mkfifo(fifo, 0o600) == 0)
    try #require(system("cat '\(path)' > '\(fifo)' &") == 0)
    let file = try CaptureFile(path: fifo)
    for _ in 0..<2 {
      var reader = try file.reader()
      var count = 0
      while reader.next() { count += 1 }
      #expect(count == 400)
    }
  }

  @Test func theFileItselfIsKnownThoughATemporaryOneIsRead() throws {
    let directory = TemporaryDirectory()
    let path = try directory.write("x.gz", gzip(capture(3), directory))
    let other = try directory.write("y", [1])
    let file = try CaptureFile(path: path)
    let isSame = file.isSame(as: path)
    let isOther = file.isSame(as: other)
    #expect(isSame && !isOther)
  }

  @Test(
    arguments: [
      ("zstd", [0x28, 0xB5, 0x2F, 0xFD, 0]), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
      ("bzip2", [0x42, 0x5A, 0x68, 0x39]),
    ] as [(String, [UInt8])]) func otherPackersAreNamed(name: String, start: [UInt8]) throws
  {
    let directory = TemporaryDirectory()
    let path = try directory.write("x", start + [UInt8](repeating: 7, count: 100))
    let error = #expect(throws: CaptureError.self) { _ = try CaptureFile(path: path) }
    #expect(
      error?.description
        == "\(path): compressed with \(name); expected pcap or pcapng, as they are or compressed with gzip")
  }
}
