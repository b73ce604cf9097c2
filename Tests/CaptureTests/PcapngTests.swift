import PikettTesting
import Telephony
import Testing

@testable import Capture

/// pcapng in all that its writers do, which is more than libpcap reads.
@Suite struct PcapngTests {
  private static let second: UInt64 = 1_700_000_000

  /// Interfaces of several link layers, clocks and snap lengths; sections of both byte orders; blocks without packets.
  private func mixed() -> PcapngBytes {
    var file = PcapngBytes()
    let packet = PacketBytes.ip(PacketBytes.udp([1, 2, 3]), from: four.0, to: four.1)
    for isBigEndian in [false, true, false] {
      file.section(isBigEndian: isBigEndian)
      file.interface()
      file.interface(link: 101, snapLength: 0, resolution: 9)
      file.interface(link: 113, snapLength: 65_535, resolution: 3)
      file.interface(link: 276, snapLength: 96, resolution: 0x80 | 20)
      file.interface(link: 0, resolution: 6, offset: 3600)
      file.interface(link: 228, resolution: 0, offset: -3600)
      // Keys of TLS.
      if !isBigEndian { file.block(10, [0x4B, 0x53, 0x4C, 0x54, 4, 0, 0, 0, 1, 2, 3, 4]) }
      file.packet(frame([1]), stamp: Self.second * 1_000_000 + 1)
      file.packet(packet, interface: 1, stamp: Self.second * 1_000_000_000 + 123_456_789)
      file.block(0x0BAD, [1, 2, 3, 4] + [UInt8](repeating: 7, count: 400_000))  // somebody's own
      file.packet(
        [0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 8, 0] + packet, interface: 2, stamp: Self.second * 1000 + 5)
      file.packet(
        [8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0] + packet, interface: 3,
        stamp: Self.second << 20 | 1 << 19)
      file.packet([2, 0, 0, 0] + packet, interface: 4, stamp: Self.second * 1_000_000)
      file.block(5, [0, 0, 0, 0] + [UInt8](repeating: 0, count: 8))  // statistics
      file.oldPacket(packet, interface: 5, stamp: Self.second)
    }
    return file
  }

  private func times(_ seen: [Seen]) -> [Int64] { seen.map { $0.time - Int64(Self.second) * 1_000_000_000 } }

  @Test func interfacesAndSections() throws {
    let reading = try Reading(of: mixed().bytes)
    let hour: Int64 = 3_600_000_000_000
    #expect(
      times(reading.seen)
        == [[Int64]](repeating: [1000, 123_456_789, 5_000_000, 500_000_000, hour, -hour], count: 3).flatMap(\.self))
    #expect(
      reading.payloads
        == [[[UInt8]]](repeating: [[1]] + Array(repeating: [1, 2, 3], count: 5), count: 3).flatMap(\.self))
    #expect(reading.end == .complete && reading.records == 18 && reading.foreignLink == nil)
  }

  /// An independent reader gives the same packets the same times.
  @Test func tsharkSeesTheSame() throws {
    let directory = TemporaryDirectory()
    let path = try directory.write("x.pcapng", mixed().bytes)
    let lines = try tshark(path, ["frame.time_epoch", "udp.length"])
    let reading = try Reading(path)
    #expect(lines.count == 18)
    #expect(
      lines.map { $0[0] }
        == reading.seen.map {
          "\($0.time / 1_000_000_000).\(String(String($0.time % 1_000_000_000 + 1_000_000_000).dropFirst()))"
        })
    #expect(lines.map { Int($0[1]) } == reading.seen.map { $0.payload.count + 8 })
  }

  @Test func simplePacketsAreOfTheFirstInterfaceAndHaveTheTimeBefore() throws {
    var file = PcapngBytes()
    file.section()
    file.interface(snapLength: 60)
    file.interface(link: 101)
    file.simplePacket(frame([1, 2]))
    file.packet(frame([3]), stamp: 7)
    let long = frame([UInt8](repeating: 9, count: 100))
    file.simplePacket(Array(long[..<60]), sent: long.count)
    let reading = try Reading(of: file.bytes)
    #expect(reading.payloads == [[1, 2], [3], [UInt8](repeating: 9, count: 18)])
    #expect(reading.seen.map(\.time) == [0, 7000, 7000])
  }

  @Test func unknownLinkLayersAreLeftOutAndNamed() throws {
    var file = PcapngBytes()
    file.section()
    file.interface(link: 105)
    file.packet([1, 2, 3], stamp: 1)
    #expect(throws: CaptureError.self) { _ = try Reading(of: file.bytes) }
    file.interface()
    file.packet(frame([1]), interface: 1, stamp: 1)
    let reading = try Reading(of: file.bytes)
    #expect(reading.payloads == [[1]] && reading.records == 2)
    #expect(reading.foreignLink == "IEEE802_11")
  }

  @Test func hugeBlocksArePassedOver() throws {
    var file = PcapngBytes()
    file.section()
    file.interface()
    file.block(0x0BAD, [UInt8](repeating: 1, count: 20 << 20))
    file.packet(frame([1]), stamp: 1)
    #expect(try Reading(of: file.bytes).payloads == [[1]])
    #expect(try Reading(of: Array(file.bytes[..<(10 << 20)])).end != .complete)
  }

  @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 7]) func nonsenseEndsTheReadingWithAReason(_ number: Int) throws {
    var file = PcapngBytes()
    file.section()
    file.interface()
    file.packet(frame([1]), stamp: 1)
    let words: String
    switch number {
    case 0:
      file.packet(frame([2]), interface: 1, stamp: 1)
      words = "a packet of interface 1, of 1"
    case 1:
      file.block(6, [UInt8](repeating: 0, count: 12) + [0, 1, 0, 0, 0, 1, 0, 0])
      words = "a packet of 256 bytes in a block for 0"
    case 2:
      file.raw([6, 0, 0, 0, 16, 0, 0, 0, 1, 1, 1, 1, 20, 0, 0, 0])
      words = "a block's length is 16 at its beginning and 20 at its end"
    case 3:
      file.raw([6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
      words = "a block of 0 bytes; expected 12 or more"
    case 4:
      file.raw([6, 0, 0, 0, 0, 0, 0, 0x7F, 0, 0, 0, 0])
      words = "a block of 2130706432 bytes; expected at most 16777216"
    case 5:
      file.section(version: 9)
      words = "a section of pcapng version 9; expected 1"
    case 6:
      file.raw([0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
      words = "a section without byte order mark"
    default:
      file.block(6, [0, 0, 0, 0])
      words = "a packet block of 4 bytes"
    }
    let reading = try Reading(of: file.bytes)
    #expect(reading.payloads == [[1]])
    #expect(reading.end == .broken(words))
  }

  @Test func cutOffAnywhereGivesAllBefore() throws {
    var file = PcapngBytes()
    file.section(isBigEndian: true)
    file.interface(resolution: 9)
    var ends: [Int] = [file.bytes.count]
    for index in 0..<3 {
      file.packet(frame([UInt8(index)]), stamp: UInt64(index))
      ends.append(file.bytes.count)
    }
    for length in 1..<file.bytes.count {
      let bytes = Array(file.bytes[..<length])
      guard length >= 16 else {
        #expect(throws: CaptureError.self) { _ = try Reading(of: bytes) }
        continue
      }
      let reading = try Reading(of: bytes)
      #expect(reading.seen.count == ends.count { $0 <= length } - (length >= ends[0] ? 1 : 0))
      #expect((reading.end == .complete) == (ends.contains(length) || length == 28))
    }
  }

  @Test func timesThatNoCaptureHasAreBounded() throws {
    var file = PcapngBytes()
    file.section()
    file.interface(resolution: 0, offset: .max)
    file.interface(resolution: 127)
    file.interface(resolution: 0xFF)
    file.interface(resolution: 19, offset: .min)
    file.interface(resolution: 63 | 0x80)
    for interface in 0..<5 as Range<UInt32> { file.packet(frame([1]), interface: interface, stamp: .max) }
    let last = PcapngInterface.lastTime
    #expect(try Reading(of: file.bytes).seen.map(\.time) == [last, 0, 0, 0, 1_999_999_999])
  }

  @Test func anyByteChangedNeverTraps() throws {
    let bytes = mixed().bytes
    let start = Array(bytes[..<600])
    let directory = TemporaryDirectory()
    var generator = SeededGenerator(seed: 3)
    for index in start.indices {
      for value in [0, 0xFF, UInt8.random(in: 0...255, using: &generator)] as [UInt8] {
        var changed = start
        changed[index] = value
        _ = try? Reading(directory.write("x.pcapng", changed))
      }
    }
  }
}
