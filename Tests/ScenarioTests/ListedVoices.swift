import Audio
import Demo
import Glibc
import PikettTesting
import RTP

/// Somebody who speaks by RTP, and whose packets arrive as a list says.
struct ListedVoice: Sendable {
  let words: [Int16]
  let list: ArrivalList
  let ssrc: UInt32
  /// Its socket; what comes to it nobody hears.
  let socket: Datagrams
  /// Where it sends to.
  var target: UInt16 = 0

  init(_ words: [Int16], seed: UInt64, at address: String) throws {
    self.words = words
    list = ArrivalList(seed: seed, packets: words.count / 160)
    ssrc = UInt32(truncatingIfNeeded: 0x0799_0000 &+ seed)
    socket = try Datagrams(address)
  }

  /// PCMA; sequence number and timestamp wrap around on the way.
  func packet(_ index: Int) -> [UInt8] {
    let header = RTPHeader(
      payloadType: 8, sequenceNumber: 65_500 &+ UInt16(truncatingIfNeeded: index),
      timestamp: UInt32.max - 30_000 &+ UInt32(index * 160), ssrc: ssrc, marker: index == 0, payloadLength: 160)
    var packet = [UInt8](repeating: 0, count: RTPHeader.fixedLength)
    packet.withUnsafeMutableBytes { _ = header.write(into: $0) }
    return packet + G711.aLaw.encode(Array(words[index * 160..<index * 160 + 160]))
  }

  /// Lets all of them speak at once, each packet at its time.
  /// - Returns: when packet 0 was sent, in microseconds since 1970.
  static func speak(_ voices: [ListedVoice]) async -> Int64 {
    let packets = voices.flatMap { voice in
      voice.list.arrivals.map { (time: $0.time, voice: voice, bytes: voice.packet($0.packet)) }
    }.sorted { ($0.time, $0.voice.ssrc) < ($1.time, $1.voice.ssrc) }
    return await withCheckedContinuation { continuation in
      blockingWork {
        let begin = nanoseconds(CLOCK_MONOTONIC) + 50_000_000
        let wall = nanoseconds(CLOCK_REALTIME) - nanoseconds(CLOCK_MONOTONIC) + begin
        for (time, voice, bytes) in packets {
          let due = begin + time * 1000
          var moment = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
          while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nil) == EINTR {}
          voice.socket.send(bytes, voice.target)
        }
        continuation.resume(returning: wall / 1000)
      }
    }
  }

  /// Every 2 s of these words correlate with what was heard at least 0.9, and lie within 20 ms of where they were spoken.
  /// - Parameters:
  ///   - heard: one channel of a WAV.
  ///   - begin: when packet 0 was sent, and `start` the WAV's first sample, both in microseconds since 1970.
  func isHeard(in heard: [Int16], from begin: Int64, start: Int64, _ place: String) throws {
    let windows = SpokenWindow.all(
      of: words, without: list.lost, samplesPerPacket: list.samplesPerPacket, in: heard, at: Int((begin - start) / 125))
    let worst = windows.map(\.correlation).min() ?? 0
    let farthest = windows.max { $0.offset.magnitude < $1.offset.magnitude }?.offset ?? .max
    let away = Double(farthest) / 8
    print("\(place): \(windows.count) windows of 2 s, correlation at least \(worst), at most \(away) ms away")
    try demand(windows.count >= 6, "\(place): \(windows.count) windows")
    try demand(worst >= 0.9, "\(place): \(windows)")
    try demand(farthest.magnitude <= 160, "\(place): \(windows)")
  }
}

private func nanoseconds(_ clock: clockid_t) -> Int64 {
  var now = timespec()
  clock_gettime(clock, &now)
  return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}
