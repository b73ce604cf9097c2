import Audio
import Demo
import Disk
import Glibc
import Testing

/// What went over loopback, captured by dumpcap, and what tshark says of it or of any other capture.
struct Wire: Sendable {
  let path: String
  private let dumpcap: Child
  private let hand: Datagrams
  private let scene: Scene

  /// Begins to capture.
  /// - Parameter filter: in libpcap's language.
  static func listen(_ filter: String, _ scene: Scene) async throws -> Wire {
    let path = scene.path("wire.pcapng")
    let hand = try Datagrams("127.0.0.1")
    let whole = "(\(filter)) or udp port \(hand.port)"
    let dumpcap = try scene.start("dumpcap", ["dumpcap", "-q", "-i", "lo", "-f", whole, "-w", path])
    try await dumpcap.line("File: ")
    return Wire(path: path, dumpcap: dumpcap, hand: hand, scene: scene)
  }

  /// Begins to count packets; the program ends when so many have been seen, which is something to wait for: seconds of
  /// speech, at 50 packets each.
  static func counting(_ packets: Int, _ filter: String, _ scene: Scene) async throws -> Child {
    let counter = try scene.start(
      "counter", ["dumpcap", "-q", "-i", "lo", "-f", filter, "-c", "\(packets)", "-w", scene.path("counted.pcapng")])
    try await counter.line("File: ")
    return counter
  }

  /// Ends the capture, once everything that has gone over the wire until now stands in the file: dumpcap gets its packets
  /// late, and at a signal it leaves those that it has not got.
  func stop() async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(10)
    let mark = Array("the end of \(path)".utf8)
    hand.send(mark, hand.port)
    while try !RealFilesystem().read(path, limit: 1 << 28).suffix(1 << 16).contains(mark), clock.now < deadline {
      try await Task.sleep(for: .milliseconds(20))
    }
    dumpcap.send(SIGINT)
    _ = try await dumpcap.exit()
  }

  /// The fields of all packets that match, one array a packet.
  static func fields(
    _ names: [String], of capture: String, where filter: String, options: [String] = [], _ scene: Scene
  ) async throws -> [[String]] {
    // Ports are given out as they come; what goes by them is SIP also where tshark knows another protocol's port.
    let guess = options.isEmpty ? ["-o", "udp.try_heuristic_first:TRUE"] : []
    let words =
      ["tshark", "-n", "-r", capture, "-Y", filter] + guess + options + ["-T", "fields", "-E", "separator=|"]
      + names.flatMap { ["-e", $0] }
    let (code, lines) = try await scene.run(words)
    try demand(code == 0, "tshark: \(lines)")
    return lines.filter { $0.contains("|") || names.count == 1 }
      .filter { !$0.hasPrefix("Running as user") }
      .map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init) }
  }

  /// What was sent as PCMA, in the order of the wire.
  /// - Parameter port: where to; nil: wherever the SDP says, if there is only one call.
  func sound(sentTo address: String, _ port: UInt16?) async throws -> [Int16] {
    let rows = try await Self.fields(
      ["rtp.payload"], of: path,
      where: "ip.dst == \(address) && rtp.p_type == 8" + (port.map { " && udp.dstport == \($0)" } ?? ""),
      options: port.map { ["-d", "udp.port==\($0),rtp"] } ?? [], scene)
    return rows.flatMap { row in
      let digits = Array((row.first ?? "").utf8.filter { $0 != UInt8(ascii: ":") })
      return stride(from: 0, to: digits.count - 1, by: 2).compactMap { index in
        UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16).map { G711.aLaw.decode($0) }
      }
    }
  }
}

/// What is said can be heard here, and what is not said cannot: at least 0.8, and three times the wrong words.
func requireHeard(_ spoken: [Int16], notJust other: [Int16], in heard: [Int16], _ place: String) throws {
  let right = SoundCheck.correlation(of: spoken, in: heard)
  let wrong = SoundCheck.correlation(of: other, in: heard)
  try #require(right >= 0.8, "\(place): the right words correlate with \(right)")
  try #require(right >= 3 * wrong, "\(place): the right words correlate with \(right), the wrong ones with \(wrong)")
}
