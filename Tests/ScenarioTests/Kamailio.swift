import Demo
import Disk
import Glibc
import Testing

/// A kamailio as the company's PBX: Pikett, the phones, the mobile network and the callers all meet there.
struct Kamailio: Sendable {
  static let address = "127.0.0.3"
  /// Whose calls it takes without asking: callers from outside.
  static let gateway = TestSite.gateway
  static let realm = "pbx.example"

  let process: Child
  let port: UInt16

  var server: (String, UInt16) { (Self.address, port) }
  var host: String { "\(Self.address):\(port)" }
  /// For a capture.
  var traffic: String { "udp port \(port)" }

  /// Starts it.
  /// - Parameters:
  ///   - port: where it listens: a site must name it before it runs.
  ///   - pikett: the port of the daemon, where calls for 720 and 799… go while Pikett is not registered.
  ///   - mobile: `host:port` of who takes calls to the outside.
  ///   - algorithm: of digest authentication.
  ///   - asksAlways: a nonce serves one request only.
  static func start(
    _ scene: Scene, port: UInt16, pikett: UInt16, mobile: String = "127.0.0.4:9", algorithm: String = "MD5",
    asksAlways: Bool = false
  ) async throws -> Kamailio {
    let values = [
      "ADDRESS": address, "PORT": "\(port)", "GATEWAY": gateway, "PIKETT": "127.0.0.1:\(pikett)", "MOBILE": mobile,
      "REALM": realm, "ALGORITHM": algorithm, "ONCE": asksAlways ? "1" : "0",
    ]
    let disk = RealFilesystem()
    var text = String(
      decoding: try disk.read(joined(Surroundings.fixtures, "kamailio.cfg"), limit: 1 << 16), as: UTF8.self)
    for (key, value) in values { text = text.replacing("@\(key)@", with: value) }
    let file = scene.path("kamailio.cfg")
    try disk.replace(file, Array(text.utf8), sync: false)
    let run = scene.path("kamailio")
    try disk.makeDirectory(run)
    let process = try scene.start(
      "kamailio", ["kamailio", "-f", file, "-DD", "-E", "-w", run, "-Y", run, "-m", "32", "-M", "4"])
    let kamailio = Kamailio(process: process, port: port)
    // It has children of its own, which a SIGKILL would leave behind.
    scene.atEnd { try? await kamailio.stop() }
    try await process.line("ready")
    return kamailio
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
