import Demo
import Disk

/// A site on loopback: the article's example, with short times and the ports of this run.
struct TestSite: Sendable {
  let directory: String
  /// Where its daemon listens.
  let port = Ports.take()
  let rtp = Ports.take(100)

  static let caller = "03472619287"
  static let firstTicket = 1234
  /// Where the gateway GW14 calls from.
  static let gateway = "127.0.0.2"

  /// Path within the site → first line.
  var files: [String: String]

  init(_ directory: String, smsPort: Int = 9) {
    self.directory = directory
    files = [
      "Listen.txt": "udp:127.0.0.1:\(port)",
      "RTPPorts.txt": "\(rtp)-\(rtp + 99)",
      "TimeZone.txt": "Europe/Rome",
      "XMLnumber.txt": "799",
      "TickeNR.TXT": "\(Self.firstTicket)",
      "SMSProvider.txt": "gateway",
      "sms/gateway/URL.txt": "http://127.0.0.1:\(smsPort)/send?to={number}&text={text}",
      "forwards/TED_CFU/Target.txt": "732",
      "trunks/GW14/Host.txt": Self.gateway,
      "Recording.txt": "recording",
      "queues/TED_WQ10/Number.txt": "720",
      "queues/TED_WQ10/Map1.txt": "799*731",
      "731/Password.txt": "secret731", "731/CFNR.txt": "799732",
      "732/Password.txt": "secret732", "732/CFNR.txt": "799733", "732/CFNRTimeout.txt": "1",
      "732/SMSNumber.txt": "3470000732",
      "733/Password.txt": "secret733", "733/CFNR.txt": "799731", "733/SMSNumber.txt": "3470000733",
    ]
  }

  /// For a capture: its daemon's SIP and RTP.
  var traffic: String { "udp port \(port) or udp portrange \(rtp)-\(rtp + 99)" }

  /// Writes all its files; those whose value is empty too.
  func write() throws {
    for (path, value) in files.sorted(by: { $0.key < $1.key }) { try write(path, Array((value + "\n").utf8)) }
    if files.isEmpty { try RealFilesystem().makeDirectory(directory) }
  }

  func write(_ path: String, _ bytes: [UInt8]) throws {
    let whole = joined(directory, path)
    try RealFilesystem().makeDirectory(Disk.directory(of: whole))
    try RealFilesystem().replace(whole, bytes, sync: false)
  }

  func names(in folder: String) throws -> [String] {
    guard try RealFilesystem().status(joined(directory, folder)) != nil else { return [] }
    return try RealFilesystem().list(joined(directory, folder))
  }

  func tickets() throws -> [String] { try names(in: "ticket") }

  /// The first line of a file.
  func value(_ path: String) throws -> String {
    let text = String(decoding: try RealFilesystem().read(joined(directory, path), limit: 1 << 20), as: UTF8.self)
    return text.split(separator: "\n").first.map(String.init) ?? ""
  }

  /// Waits until a file holds this text.
  func holds(_ path: String, _ text: String) async throws {
    let whole = joined(directory, path)
    let seen = Observations<Void>()
    let look: @Sendable () -> Void = {
      let bytes = (try? RealFilesystem().read(whole, limit: 1 << 20)) ?? []
      if String(decoding: bytes, as: UTF8.self).contains(text) { Task { await seen.saw(()) } }
    }
    let watch = try SiteWatch(root: Disk.directory(of: whole), quiet: .milliseconds(10), changed: look)
    look()
    _ = try await seen.first("\(path) with \(text)", within: .seconds(10)) { true }
    watch.stop()
  }

  /// The names of the recordings; their checksums and marks lie beside them.
  func recordings() throws -> [String] { try names(in: "recording").filter { $0.hasSuffix(".pcap") } }

  /// The path of the only recording.
  func recording() throws -> String {
    let names = try recordings()
    guard names.count == 1, let name = names.first else { throw Child.Failure("recordings: \(names)") }
    return joined(directory, "recording/" + name)
  }
}
