import Audio
import CLinux
import Frames
import Glibc
import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  @Suite("Recording")
  final class RecordingTests {
    let folder: String
    let shown: Endpoint
    let recording = RecordingID(rawValue: 42)

    init() throws {
      var template = Array("/tmp/pikett-recording-XXXXXX\0".utf8CString)
      guard mkdtemp(&template) != nil else { throw TestFault("mkdtemp") }
      folder = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      shown = try #require(Endpoint("192.0.2.10:30000"))
    }

    deinit {
      guard let listing = opendir(folder) else { return }
      while let entry = readdir(listing) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        unlink(folder + "/" + name)
      }
      closedir(listing)
      rmdir(folder)
    }

    private func waitForClosed(_ bench: Bench) throws {
      try bench.events.wait { if case .recordingClosed(recording, _) = $0 { true } else { nil } }
    }

    @Test("SIP, RTP and RTCP of the leg stand in the file, both ways, as they were on the wire")
    func whole() throws {
      let bench = try Bench { $0.reportInterval = .milliseconds(100) }
      let (a, alice, _) = try bench.leg()
      let (b, bob, _) = try bench.leg {
        $0.sendLaw = .muLaw
        $0.sendPayloadType = 0
      }
      bob.payloadType = 0
      let path = folder + "/call.pcap"
      let sip = try #require(Endpoint("198.51.100.1:5060"))
      let ours = try #require(Endpoint("192.0.2.10:5060"))
      let invite = Array("INVITE sip:799@192.0.2.10 SIP/2.0\r\n\r\n".utf8)
      bench.engine.send(.startRecording(recording, path: path))
      bench.engine.send(
        .recordDatagram(recording, from: sip, to: ours, payload: invite, at: WallTime(microseconds: 1_000_001)))
      bench.engine.send(.tap(a, recording, localAddressShown: shown))
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      let said = (0..<5).map { bytes(160, seed: UInt64($0)) }
      for payload in said { alice.speak(payload) }
      _ = try bob.hear(5)
      for payload in said.reversed() { bob.speak(payload) }
      let heard = try alice.hear(5)
      let report = try alice.hearControl()
      let ownReport: [UInt8] = [0x80, 201, 0, 1, 1, 2, 3, 4]
      alice.sendControl(ownReport)
      // The report that follows was sent after ours was read, or the one after it.
      _ = try alice.hearControl()
      _ = try alice.hearControl()
      bench.engine.send(.untap(a))
      bench.engine.send(
        .recordDatagram(recording, from: ours, to: sip, payload: [0x42], at: WallTime(microseconds: 5)))
      bench.engine.send(.stopRecording(recording))
      try waitForClosed(bench)

      let frames = try readCapture(path)
      #expect(frames.first?.payload == invite)
      #expect(frames.first?.source == sip && frames.first?.target == ours)
      #expect(frames.first?.time == WallTime(microseconds: 1_000_001))
      let fromAlice = frames.filter { $0.source == alice.endpoint && $0.target == shown }
      #expect(fromAlice.map { Array($0.payload.dropFirst(12)) } == said)
      let toAlice = frames.filter { $0.source == shown && $0.target == alice.endpoint }
      #expect(toAlice.map(\.payload) == heard.map(\.bytes))
      let shownControl = Endpoint(shown.address, shown.port + 1)
      let control = Endpoint(alice.endpoint.address, alice.endpoint.port + 1)
      #expect(frames.contains { $0.source == shownControl && $0.target == control && $0.payload == report })
      #expect(frames.contains { $0.source == control && $0.target == shownControl && $0.payload == ownReport })
      #expect(frames.last?.payload == [0x42])
      for (x, y) in zip(frames, frames.dropFirst()) { #expect(x.time <= y.time) }
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
      #expect(try dissect(path, "udp.checksum.status==0 || ip.checksum.status==0 || _ws.malformed").isEmpty)
      #expect(try dissect(path, "udp").count == frames.count)
    }

    @Test("A disk that stands still costs recording bytes, each of them counted, and no packet of the call")
    func standstill() throws {
      var ends: [Int32] = [0, 0]
      try #require(pipe(&ends) == 0)
      let (wait, goOn) = (ends[0], ends[1])
      defer { for end in ends { close(end) } }
      let stuck = RecordingID(rawValue: 41)
      // The recorder's thread waits in this event as it would in a write that does not return.
      let standStill: @Sendable (EngineEvent) -> Void = { event in
        guard case .recordingClosed(stuck, _) = event else { return }
        var byte: UInt8 = 0
        _ = read(wait, &byte, 1)
      }
      let bench = try Bench({ $0.recorderBytes = 256 * 1024 }, hear: standStill)
      let path = folder + "/standstill.pcap"
      let (a, alice, _) = try bench.leg()
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.startRecording(stuck, path: folder + "/stuck.pcap"))
      bench.engine.send(.stopRecording(stuck))
      try bench.events.wait { $0 == .recordingClosed(stuck, path: folder + "/stuck.pcap") ? true : nil }
      bench.engine.send(.startRecording(recording, path: path))
      bench.engine.send(.tap(a, recording, localAddressShown: shown))
      bench.engine.send(.bridge(a, b))
      let filler = [UInt8](repeating: 7, count: 1000)
      for _ in 0..<300 {
        bench.engine.send(
          .recordDatagram(recording, from: shown, to: shown, payload: filler, at: WallTime(microseconds: 1)))
      }
      try bench.settle()
      for number in 0..<50 { alice.speak(bytes(160, seed: UInt64(number))) }
      #expect(try bob.hear(50).count == 50)
      bob.speak(bytes(160, seed: 99))
      #expect(try alice.hear(1).count == 1)
      try bench.events.wait { if case .recordingDropped(recording, _) = $0 { true } else { nil } }
      let byte: UInt8 = 0
      try #require(withUnsafePointer(to: byte) { Glibc.write(goOn, $0, 1) } == 1)
      bench.engine.send(.stopRecording(recording))
      try waitForClosed(bench)
      let lost = bench.events.all.reduce(0) {
        if case .recordingDropped(recording, let bytes) = $1 { $0 + bytes } else { $0 }
      }
      let large = PcapFormat.frameLength(payloadLength: 1000, isIPv6: false)
      let small = PcapFormat.frameLength(payloadLength: 172, isIPv6: false)
      let kept = try readCapture(path).filter { [172, 1000].contains($0.payload.count) }
      let keptBytes = kept.reduce(0) { $0 + ($1.payload.count == 1000 ? large : small) }
      #expect(lost > 0 && keptBytes + lost == 300 * large + 51 * small)
    }

    @Test("A message over TCP that no datagram could hold is cut off, and said to be; what follows it is whole")
    func oversized() throws {
      let bench = try Bench()
      let path = folder + "/large.pcap"
      let place = try #require(Endpoint("192.0.2.1:5060"))
      let six = try #require(Endpoint("[2001:db8::1]:5060"))
      let message =
        Array("MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 99900\r\n\r\n".utf8) + [UInt8](repeating: 0x61, count: 99_900)
      let last = Array("OPTIONS sip:a@b SIP/2.0\r\n\r\n".utf8)
      bench.engine.send(.startRecording(recording, path: path))
      for (ends, payload) in [((place, place), message), ((six, six), message), ((place, place), last)] {
        bench.engine.send(
          .recordDatagram(recording, from: ends.0, to: ends.1, payload: payload, at: WallTime(microseconds: 1_000_000)))
      }
      bench.engine.send(.stopRecording(recording))
      try waitForClosed(bench)
      #expect(try dissect(path, "_ws.malformed || udp.length.bad || ip.checksum.status==0").isEmpty)
      #expect(try dissect(path, "sip.Method == OPTIONS").count == 1)
      #expect(try dissect(path, "sip.Method == MESSAGE && frame.cap_len < frame.len").count == 2)
    }

    @Test("While it is written, its lock says so; a directory that has gone is made anew")
    func inProgress() throws {
      let bench = try Bench()
      let path = folder + "/new/busy.pcap"
      bench.engine.send(.startRecording(recording, path: path))
      bench.engine.send(.renameRecording(recording, path: folder + "/busy.pcap"))
      try bench.settle()
      // The recorder has been woken for each; its next answer comes behind both.
      let other = RecordingID(rawValue: 43)
      bench.engine.send(.startRecording(other, path: folder + "/other.pcap"))
      bench.engine.send(.stopRecording(other))
      try bench.events.wait { if case .recordingClosed(other, _) = $0 { true } else { nil } }
      let file = open(folder + "/busy.pcap", O_RDONLY)
      defer { close(file) }
      #expect(file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0)
      bench.engine.send(.stopRecording(recording))
      try waitForClosed(bench)
      #expect(flock(file, LOCK_EX | LOCK_NB) == 0)
      rmdir(folder + "/new")
    }

    @Test("A recording that cannot be created is told as refused, and its end all the same")
    func refused() throws {
      let bench = try Bench { $0.maxRecordings = 1 }
      let path = folder + "/no/such/folder.pcap"
      let second = RecordingID(rawValue: 43)
      bench.engine.send(.startRecording(recording, path: path))
      bench.engine.send(.startRecording(second, path: folder + "/second.pcap"))
      bench.engine.send(.stopRecording(second))
      try bench.events.wait { $0 == .recordingClosed(second, path: "") ? true : nil }
      bench.engine.send(.stopRecording(recording))
      try waitForClosed(bench)
      #expect(bench.events.all.contains(.recordingRefused(recording)))
      #expect(bench.events.all.contains(.recordingRefused(second)))
    }

    @Test("An existing file is never touched; the call goes on")
    func exclusive() throws {
      let bench = try Bench()
      let path = folder + "/there.pcap"
      try write("precious", to: path)
      bench.engine.send(.startRecording(recording, path: path))
      let (leg, phone, _) = try bench.leg()
      bench.engine.send(.tap(leg, recording, localAddressShown: shown))
      bench.engine.send(.play(leg, Sound(noise(320)), loops: false, token: 1))
      #expect(try phone.hear(2).count == 2)
      try bench.events.wait { $0 == .recordingFailed(recording, errno: EEXIST, path: path) ? true : nil }
      bench.engine.send(.stopRecording(recording))
      try waitForClosed(bench)
      #expect(try readFile(path) == Array("precious".utf8))
      let dropped = PcapFormat.frameLength(payloadLength: 172, isIPv6: false) * 2
      #expect(bench.events.all.contains(.recordingDropped(recording, bytes: dropped)))
    }

    @Test("A running recording takes another name, never an existing one; nothing of it is lost")
    func rename() throws {
      let bench = try Bench()
      let place = try #require(Endpoint("192.0.2.1:1"))
      let wanted = folder + "/Ticket_7.pcap"
      try write("precious", to: wanted)
      bench.engine.send(.startRecording(recording, path: folder + "/first.pcap"))
      for round in 0..<20 as Range<UInt8> {
        if round == 10 { bench.engine.send(.renameRecording(recording, path: wanted)) }
        bench.engine.send(
          .recordDatagram(recording, from: place, to: place, payload: [round], at: WallTime(microseconds: 0)))
      }
      bench.engine.send(.stopRecording(recording))
      let path = try bench.events.wait { if case .recordingClosed(recording, let path) = $0 { path } else { nil } }
      #expect(path == folder + "/Ticket_7_2.pcap")
      #expect(try readCapture(path).map(\.payload) == (0..<20).map { [$0] })
      #expect(try readFile(wanted) == Array("precious".utf8))
      #expect(access(folder + "/first.pcap", F_OK) != 0)
    }

    @Test("While the recording is open, the file is complete up to half a second ago")
    func continuous() throws {
      let bench = try Bench()
      let path = folder + "/open.pcap"
      let place = try #require(Endpoint("192.0.2.1:1"))
      bench.engine.send(.startRecording(recording, path: path))
      // No event tells that the file has grown: look until it has, at the pace of another leg's sound.
      let (leg, phone, _) = try bench.leg()
      bench.engine.send(.play(leg, Sound(noise(160)), loops: true, token: 1))
      for expected in 0..<2 {
        var count = -1
        for _ in 0..<500 where count != expected {
          _ = try phone.hear()
          count = (try? readCapture(path).count) ?? -1
        }
        #expect(count == expected)
        bench.engine.send(
          .recordDatagram(recording, from: place, to: place, payload: [1, 2, 3], at: WallTime(microseconds: 0)))
      }
      bench.engine.send(.stopRecording(recording))
      try waitForClosed(bench)
    }

    @Test("What does not fit into the ring is dropped and counted; the file stays whole, and closes")
    func overflow() throws {
      let events = EventLog()
      let ring = try #require(RecorderRing(bytes: 256 * 1024))
      var tap = RecorderTap(ring: ring, slots: 4)
      let recorder = Recorder(ring: ring, slots: 4, syncs: false) { events.append($0) }
      let path = folder + "/overflow.pcap"
      let place = FrameAddress(shown)
      let isStarted = tap.start(recording, path: path)
      #expect(isStarted)
      let slot = try #require(tap.slot(of: recording))
      let frame = PcapFormat.frameLength(payloadLength: 1000, isIPv6: false)
      func record(_ byte: UInt8) {
        let payload = [UInt8](repeating: byte, count: 1000)
        payload.withUnsafeBytes { tap.record(slot, WallTime(microseconds: 1), from: place, to: place, payload: $0) }
      }
      for _ in 0..<1000 { record(1) }
      let lost = tap.takeDropped(slot)
      let dropped = try #require(lost).1
      #expect(dropped % frame == 0 && dropped / frame > 700)
      recorder.drain()
      #expect(try readCapture(path).count == 1000 - dropped / frame)
      // As long as the disk keeps up, nothing is lost, wherever the records fall in the ring.
      for round in 0..<50 {
        for _ in 0..<37 { record(UInt8(round)) }
        recorder.drain()
      }
      let lostMore = tap.takeDropped(slot)
      #expect(lostMore?.1 == nil)
      for _ in 0..<1000 { record(3) }
      tap.stop(slot)
      #expect(tap.slot(of: recording) == nil)
      tap.end()
      recorder.run()
      #expect(events.all.contains(.recordingClosed(recording, path: path)))
      let frames = try readCapture(path)
      #expect(frames.allSatisfy { frame in frame.payload == [UInt8](repeating: frame.payload[0], count: 1000) })
      #expect(frames.count > 1850)
    }

    @Test("A recorder that has caught up and then stays away leaves the whole ring, wherever the last record lay")
    func rewind() throws {
      let ring = try #require(RecorderRing(bytes: 1 << 20))
      var tap = RecorderTap(ring: ring, slots: 1)
      let recorder = Recorder(ring: ring, slots: 1, syncs: false) { _ in }
      let path = folder + "/rewind.pcap"
      let place = FrameAddress(shown)
      let isStarted = tap.start(recording, path: path)
      #expect(isStarted)
      let slot = try #require(tap.slot(of: recording))
      var expected: [[UInt8]] = []
      func record(_ count: Int) {
        for _ in 0..<count {
          expected.append([UInt8(truncatingIfNeeded: expected.count), UInt8(truncatingIfNeeded: expected.count >> 8)])
          let payload = expected[expected.count - 1] + [UInt8](repeating: 0, count: 998)
          payload.withUnsafeBytes { tap.record(slot, WallTime(microseconds: 1), from: place, to: place, payload: $0) }
        }
      }
      for count in [300, 850, 10, 700, 880, 880, 500, 500, 880] {
        record(count)
        let lost = tap.takeDropped(slot)
        #expect(lost?.1 == nil, "\(count) records")
        recorder.drain()
      }
      tap.end()
      recorder.run()
      #expect(try readCapture(path).map { Array($0.payload.prefix(2)) } == expected)
    }

    @Test("A full disk is told once, and the file goes on when there is room again")
    func full() throws {
      let events = EventLog()
      let ring = try #require(RecorderRing(bytes: 0))
      var tap = RecorderTap(ring: ring, slots: 1)
      let recorder = Recorder(ring: ring, slots: 1, syncs: false) { events.append($0) }
      let path = folder + "/full.pcap"
      let place = FrameAddress(shown)
      let isStarted = tap.start(recording, path: path)
      #expect(isStarted)
      let slot = try #require(tap.slot(of: recording))
      func record() {
        [UInt8](repeating: 7, count: 100).withUnsafeBytes {
          tap.record(slot, WallTime(microseconds: 1), from: place, to: place, payload: $0)
        }
        recorder.drain()
      }
      record()
      let good = try readFile(path)
      // A disk that takes nothing more: the descriptor is exchanged for /dev/full's, then given back.
      let descriptor = try #require(recorder.files[Int(slot)]).descriptor
      let kept = dup(descriptor)
      let device = open("/dev/full", O_WRONLY)
      dup2(device, descriptor)
      for _ in 0..<3 { record() }
      dup2(kept, descriptor)
      for fd in [kept, device] { close(fd) }
      record()
      tap.stop(slot)
      tap.end()
      recorder.run()
      let frame = PcapFormat.frameLength(payloadLength: 100, isIPv6: false)
      #expect(
        events.all == [
          .recordingFailed(recording, errno: ENOSPC, path: path), .recordingDropped(recording, bytes: 3 * frame),
          .recordingClosed(recording, path: path),
        ])
      #expect(try readFile(path).count == good.count + frame)
      #expect(try readCapture(path).count == 2)
    }

    @Test("Many recordings at once each have their own")
    func many() throws {
      // 12 000 records of some 100 bytes, faster than any call could bring them.
      let bench = try Bench { $0.recorderBytes = 8 << 20 }
      let place = try #require(Endpoint("192.0.2.1:1"))
      let names = (0..<40).map { RecordingID(rawValue: $0) }
      for name in names { bench.engine.send(.startRecording(name, path: folder + "/\(name.rawValue).pcap")) }
      for round in 0..<300 {
        for name in names {
          let payload = [UInt8(truncatingIfNeeded: name.rawValue), UInt8(truncatingIfNeeded: round)]
          bench.engine.send(
            .recordDatagram(name, from: place, to: place, payload: payload, at: WallTime(microseconds: 1)))
        }
      }
      #expect(bench.engine.shutdown())
      let troubles = bench.events.all.filter { if case .recordingClosed = $0 { false } else { true } }
      #expect(troubles == [])
      for name in names {
        #expect(bench.events.all.contains(.recordingClosed(name, path: folder + "/\(name.rawValue).pcap")))
        let frames = try readCapture(folder + "/\(name.rawValue).pcap")
        #expect(frames.map(\.payload) == (0..<300).map { [UInt8(name.rawValue), UInt8(truncatingIfNeeded: $0)] })
      }
    }
  }
}

/// One frame of a capture, read byte by byte: not by the code that writes it.
struct Frame {
  let time: WallTime
  let source: Endpoint
  let target: Endpoint
  let payload: [UInt8]
}

func readCapture(_ path: String) throws -> [Frame] {
  let bytes = try readFile(path)
  func big(_ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }
  func little(_ at: Int) -> Int {
    let upper = Int(bytes[at + 3]) << 24 | Int(bytes[at + 2]) << 16
    return upper | Int(bytes[at + 1]) << 8 | Int(bytes[at])
  }
  guard bytes.count >= 24, little(0) == 0xA1B2_C3D4, little(20) == 1 else { throw TestFault("no capture: \(path)") }
  var frames: [Frame] = []
  var at = 24
  while at < bytes.count {
    guard at + 16 <= bytes.count, at + 16 + little(at + 8) <= bytes.count, big(at + 28) == 0x0800 else {
      throw TestFault("torn at \(at)")
    }
    let ip = at + 30
    guard let source = IPAddress(bytes: bytes[ip + 12..<ip + 16]),
      let target = IPAddress(bytes: bytes[ip + 16..<ip + 20])
    else { throw TestFault("no address") }
    frames.append(
      Frame(
        time: WallTime(microseconds: Int64(little(at)) * 1_000_000 + Int64(little(at + 4))),
        source: Endpoint(source, UInt16(big(ip + 20))), target: Endpoint(target, UInt16(big(ip + 22))),
        payload: Array(bytes[ip + 28..<ip + 20 + big(ip + 24)])))
    at += 16 + little(at + 8)
  }
  return frames
}

private func readFile(_ path: String) throws -> [UInt8] {
  let fd = open(path, O_RDONLY)
  guard fd >= 0 else { throw TestFault("\(path): \(String(cString: strerror(errno)))") }
  defer { close(fd) }
  var bytes = [UInt8](repeating: 0, count: 16 << 20)
  let count = read(fd, &bytes, bytes.count)
  return Array(bytes[..<max(0, count)])
}

private func write(_ text: String, to path: String) throws {
  let fd = open(path, O_WRONLY | O_CREAT, 0o600)
  guard fd >= 0 else { throw TestFault(path) }
  defer { close(fd) }
  _ = Array(text.utf8).withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
}

/// What tshark prints for the packets that match `filter`, a line each.
private func dissect(_ path: String, _ filter: String) throws -> [String] {
  let command = "tshark -n -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -r '\(path)' -Y '\(filter)' 2>/dev/null"
  guard let pipe = popen(command, "r") else { throw TestFault("popen") }
  var text: [UInt8] = []
  while case let byte = fgetc(pipe), byte != EOF { text.append(UInt8(truncatingIfNeeded: byte)) }
  guard pclose(pipe) == 0 else { throw TestFault("tshark cannot read \(path)") }
  return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
}
