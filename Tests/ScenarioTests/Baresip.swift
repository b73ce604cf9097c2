import Audio
import Demo
import Disk
import Glibc
import Testing

/// A baresip as a technician's phone: registered with digest, speaking a WAV file, keeping what it hears.
struct Baresip: Sendable {
  let number: String
  let process: Child
  let control: BaresipControl
  private let folder: String

  /// Starts it and waits until the daemon has its registration.
  /// - Parameters:
  ///   - encryption: `srtp` (offered), `srtp-mand` (demanded); nil: none.
  ///   - codecs: what it speaks, comma-separated, as it names them (`G722/16000/1`).
  static func register(
    _ number: String, by transport: String = "udp", encryption: String? = nil, codecs: String = "PCMA",
    saying samples: [Int16], _ scene: Scene, _ daemon: Daemon
  ) async throws -> Baresip {
    let phone = try await start(
      number, at: "127.0.0.1:\(daemon.site.port)", by: transport, encryption: encryption, codecs: codecs,
      saying: samples, scene)
    try await daemon.says("phone registered", "user=\(number)")
    return phone
  }

  /// Starts it; it registers with the server.
  static func start(
    _ number: String, at server: String, by transport: String = "udp", encryption: String? = nil,
    codecs: String = "PCMA",
    saying samples: [Int16], _ scene: Scene
  ) async throws -> Baresip {
    let folder = scene.path("baresip-\(number)")
    let disk = RealFilesystem()
    try disk.makeDirectory(folder)
    // SIP, TLS (always the next), control, and RTP.
    let ports = Ports.take(24)
    let values = [
      "PORT": "\(ports)", "CONTROL": "\(ports + 2)", "RTP": "\(ports + 4)-\(ports + 23)", "FOLDER": folder,
      "NUMBER": number, "SERVER": server, "PASSWORD": "secret\(number)",
      "TRANSPORT": transport, "CODECS": codecs, "MEDIA": encryption.map { ";mediaenc=\($0)" } ?? "",
    ]
    for name in ["config", "accounts"] {
      let template = try disk.read(joined(Surroundings.fixtures, "baresip/" + name), limit: 1 << 16)
      var text = String(decoding: template, as: UTF8.self)
      for (key, value) in values { text = text.replacing("@\(key)@", with: value) }
      text = text.replacing("@AUTHORITY@", with: Certificates.path("ca.pem"))
      try disk.replace(joined(folder, name), Array(text.utf8), sync: false)
    }
    try disk.replace(joined(folder, "contacts"), [], sync: false)
    // It stops sending where its source ends, so it says its words for longer than any call lasts.
    let words = Array(repeatElement(samples, count: 60 * 8000 / samples.count + 1).joined())
    let header = WAVEHeader(channels: 1).bytes(dataBytes: UInt64(words.count) * 2)
    let data = words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    try disk.replace(joined(folder, "speech.wav"), header + data, sync: false)

    // `-s` shows the SIP it got: the only place where it tells the text of an instant message.
    let process = try scene.start(
      "baresip-\(number)", ["stdbuf", "-oL", "baresip", "-s", "-v", "-f", folder])
    try await process.line("ctrl_tcp: TCP socket listening")
    let control = try BaresipControl(port: ports + 2)
    return Baresip(number: number, process: process, control: control, folder: folder)
  }

  /// Waits until it rings; the caller's number is what its display shows.
  func rings(from caller: String, within limit: Duration = .seconds(10)) async throws {
    _ = try await control.event("CALL_INCOMING", of: caller, within: limit)
  }

  /// Waits until the call of this caller is over for it.
  func isFree(of caller: String) async throws { try await control.event("CALL_CLOSED", of: caller) }

  func answer(_ caller: String = TestSite.caller) async throws {
    control.send("accept")
    _ = try await control.event("CALL_ESTABLISHED", of: caller)
  }

  func hangUp() { control.send("hangup") }

  /// Calls a number and waits for the answer.
  func talks(to dialled: String) async throws {
    control.send("dial", dialled)
    _ = try await control.event("CALL_ESTABLISHED", of: dialled)
  }

  /// Presses a key, by RFC 4733.
  func press(_ key: Character) { control.send("sndcode", "\(key)") }

  /// The instant message it got: the number that lifting the receiver calls, and the text.
  func message(within limit: Duration = .seconds(10)) async throws -> (from: String, text: String) {
    try await process.line("MESSAGE sip:\(number)", within: limit)
    let text = try await process.line("_Ticket_", within: limit)
    let lines = await process.lines
    let start = lines.firstIndex { $0.hasPrefix("MESSAGE sip:") } ?? 0
    let from = lines[start...].first { $0.hasPrefix("From:") } ?? ""
    let user = from.split(separator: "sip:").dropFirst().first?.prefix { $0 != "@" } ?? ""
    return (String(user), text.split(separator: "\u{1B}").first.map(String.init) ?? text)
  }

  var gotMessage: Bool { get async { await process.lines.contains { $0.hasPrefix("MESSAGE sip:") } } }

  /// What its user heard in its last call.
  func heard() throws -> [Int16] {
    let names = try RealFilesystem().list(folder).filter { $0.hasPrefix("dump-") && $0.hasSuffix("-dec.wav") }
    guard let name = names.last else { throw Child.Failure("\(number) kept nothing of what it heard") }
    return try WAVE.telephoneSound(RealFilesystem().read(joined(folder, name), limit: 1 << 26))
  }
}

/// The control connection of a baresip: JSON in netstrings, both ways.
final class BaresipControl: Sendable {
  private let descriptor: Int32
  private let users = DescriptorUsers()
  let seen = Observations<String>()

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = internetAddress("127.0.0.1", port)
    let socket = descriptor
    guard socket >= 0, withSocketAddress(&address, { connect(socket, $0, $1) }) == 0 else {
      throw Child.Failure("baresip does not take a control connection on \(port)")
    }
    let (events, feed) = AsyncStream.makeStream(of: String.self)
    let (seen, descriptor, users) = (seen, self.descriptor, users)
    Task { for await event in events { await seen.saw(event) } }
    blockingWork {
      var rest: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { break }
        rest += chunk[..<count]
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")),
          let length = Int(String(decoding: rest[..<colon], as: UTF8.self)), rest.count > colon + 1 + length
        {
          feed.yield(String(decoding: rest[(colon + 1)...(colon + length)], as: UTF8.self))
          rest.removeSubrange(...(colon + 1 + length))
        }
      }
      users.leave(descriptor)
    }
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    users.leave(descriptor)
  }

  func send(_ command: String, _ parameters: String = "") {
    let json = "{\"command\":\"\(command)\",\"params\":\"\(parameters)\",\"token\":\"\"}"
    let text = Array("\(json.utf8.count):\(json),".utf8)
    _ = Glibc.send(descriptor, text, text.count, Int32(MSG_NOSIGNAL))
  }

  /// Waits for an event of a call.
  /// - Parameter caller: whose call; nil: anybody's.
  @discardableResult func event(_ type: String, of caller: String? = nil, within limit: Duration = .seconds(10))
    async throws -> String
  {
    let peer = caller.map { "\"peeruri\":\"sip:\($0)@" } ?? ""
    return try await seen.first("baresip: \(type) \(caller ?? "")", within: limit) {
      $0.contains("\"type\":\"\(type)\"") && $0.contains(peer)
    }
  }
}
