import Disk
import Glibc

/// A real Kannel: bearerbox and smsbox, and behind them a message centre that tells what has reached it.
struct Kannel: Sendable {
  static let user = "pikett"
  static let password = "se cret&1"
  /// What the mobile shows as the sender.
  static let sender = "13013"

  /// Where smsbox takes messages.
  let port: UInt16
  private let centre: Child

  static func start(_ scene: Scene) async throws -> Kannel {
    let ports = (admin: Ports.take(), box: Ports.take(), centre: Ports.take(), http: Ports.take())
    let file = scene.path("kannel.conf")
    try RealFilesystem().replace(
      file,
      Array(
        """
        group = core
        admin-port = \(ports.admin)
        admin-interface = 127.0.0.1
        admin-password = \(password)
        smsbox-port = \(ports.box)
        box-allow-ip = 127.0.0.1

        group = smsc
        smsc = fake
        smsc-id = FAKE
        port = \(ports.centre)
        connect-allow-ip = 127.0.0.1

        group = smsbox
        bearerbox-host = 127.0.0.1
        sendsms-port = \(ports.http)
        sendsms-interface = 127.0.0.1
        global-sender = \(sender)

        group = sendsms-user
        username = \(user)
        password = "\(password)"

        """.utf8), sync: false)
    let bearerbox = try scene.start("bearerbox", ["/usr/sbin/bearerbox", file])
    try await bearerbox.line("MAIN: Start-up done")
    let centre = try scene.start(
      "fakesmsc",
      ["/usr/lib/kannel/test/fakesmsc", "-H", "127.0.0.1", "-r", "\(ports.centre)", "-m", "0", "1 2 text x"])
    let smsbox = try scene.start("smsbox", ["/usr/sbin/smsbox", file])
    // Until both are connected it keeps messages to itself.
    try await smsbox.line("Set up send sms service")
    try await bearerbox.line("Client connected from <127.0.0.1>")
    try await bearerbox.line("Fakesmsc client connected")
    return Kannel(port: ports.http, centre: centre)
  }

  /// Waits for the message with this number, as the message centre has got it: `SENDER NUMBER text TEXT`.
  func message(_ number: Int) async throws -> String {
    let line = try await centre.line("Got message \(number): <")
    let start = line.firstIndex(of: "<").map { line.index(after: $0) } ?? line.startIndex
    return String(line[start...].dropLast())
  }
}
