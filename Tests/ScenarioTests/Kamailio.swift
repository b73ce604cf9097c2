import Demo
import Disk
import Glibc
import Testing

/// A kamailio as the company's PBX: Pikett, the phones, the mobile network and the callers all meet there.
struct Kamailio: Sendable {
  /// Where it listens as the company's PBX.
  static let address = "127.0.0.3"
  /// Where the mobile network is.
  static let outside = "127.0.0.4"

  let process: Child
  let server: (String, UInt16)
  private let words: [String]
  private let scene: Scene

  var host: String { "\(server.0):\(server.1)" }
  /// For a capture.
  var traffic: String { "udp port \(server.1)" }

  /// Starts it.
  /// - Parameters:
  ///   - server: where it listens: a site must name it before it runs.
  ///   - site: of the daemon, where calls for 720 and 799… go unless Pikett is registered.
  ///   - mobile: the port at `outside` of who takes calls that leave the PBX.
  ///   - isTCP: it listens there too.
  ///   - isStrict: it is a provider who trusts nobody, as kamailio.cfg says.
  static func start(
    _ scene: Scene, _ server: (String, UInt16), _ site: TestSite, mobile: UInt16 = 9, algorithm: String = "MD5",
    isStrict: Bool = false, isTCP: Bool = false
  ) async throws -> Kamailio {
    let values = [
      "ADDRESS": server.0, "PORT": "\(server.1)", "GATEWAYS": "\(TestSite.gateway)|\(outside)",
      "PIKETT": "127.0.0.1:\(site.port)", "MOBILE": "\(outside):\(mobile)", "REALM": "pbx.example",
      "ALGORITHM": algorithm,
    ]
    let disk = RealFilesystem()
    let template = try disk.read(joined(Surroundings.fixtures, "kamailio.cfg"), limit: 1 << 16)
    var text = String(decoding: template, as: UTF8.self)
    for (key, value) in values { text = text.replacing("@\(key)@", with: value) }
    let file = scene.path("kamailio.cfg")
    try disk.replace(file, Array(text.utf8), sync: false)
    let run = scene.path("kamailio")
    try disk.makeDirectory(run)
    let words =
      ["kamailio", "-f", file, "-DD", "-E", "-w", run, "-Y", run, "-m", "32", "-M", "4"]
      + (isStrict ? ["-A", "STRICT"] : []) + (isTCP ? ["-A", "TCP"] : [])
    let kamailio = Kamailio(
      process: try scene.start("kamailio", words), server: server, words: words, scene: scene)
    try await kamailio.isReady()
    return kamailio
  }

  /// Starts it again after `stop`: it has forgotten everything.
  func start() async throws -> Kamailio {
    let again = Kamailio(process: try scene.start("kamailio", words), server: server, words: words, scene: scene)
    try await again.isReady()
    return again
  }

  private func isReady() async throws {
    // It has children of its own, which a SIGKILL would leave behind.
    scene.atEnd { try? await stop() }
    try await process.line("ready")
  }

  /// Waits for a phone's registration.
  func registers(_ number: String) async throws { try await process.line("new: \(number) ") }

  /// Ends a phone's registration.
  func unregister(_ phone: Phone) async throws {
    await phone.register(expires: 0)
    try await process.line("gone: \(phone.number)")
  }

  func stop() async throws {
    process.send(SIGTERM)
    _ = try await process.exit()
  }
}

extension TestSite {
  /// The site of a company whose phones and lines are all at its PBX: 732 has a desk phone and a mobile there.
  static func beside(pbx port: UInt16, at directory: String, smsPort: Int) -> TestSite {
    var site = TestSite(directory, smsPort: smsPort)
    let trunk = [
      "Host.txt": "\(Kamailio.address):\(port)", "Login.txt": "pikett", "AuthUser.txt": "pikett-auth",
      "Password.txt": "secretpikett-auth", "CallerID.txt": "from", "Register.txt": "no",
    ]
    for (name, value) in trunk { site.files["trunks/PBX/" + name] = value }
    for name in ["trunks/GW14/Host.txt", "731/Password.txt", "732/Password.txt", "733/Password.txt"] {
      site.files[name] = nil
    }
    site.files["732/CFNRTimeout.txt"] = "20"
    site.files["732/Fork.txt"] = mobile
    return site
  }

  /// The mobile of 732.
  static let mobile = "03401112233"
}
