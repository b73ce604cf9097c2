import Demo
import Disk
import Glibc
import Testing

/// A linphonec as a phone of the site: registered with digest, keys by SIP INFO, driven by its console.
final class Linphone: Sendable {
  let number: String
  let process: Child
  private let console: Int32

  /// Starts it and waits until the daemon has its registration.
  static func register(_ number: String, _ scene: Scene, _ daemon: Daemon) async throws -> Linphone {
    let phone = try Linphone(number, scene)
    let server = "127.0.0.1:\(daemon.site.port)"
    phone.types("soundcard use files")
    phone.types("register sip:\(number)@\(server) sip:\(server) secret\(number)")
    try await daemon.says("phone registered", "user=\(number)")
    return phone
  }

  private init(_ number: String, _ scene: Scene) throws {
    self.number = number
    let folder = scene.path("linphone-\(number)")
    let disk = RealFilesystem()
    // Where it keeps its call log.
    try disk.makeDirectory(joined(folder, ".local/share/linphone"))
    let template = try disk.read(joined(Surroundings.fixtures, "linphonerc"), limit: 1 << 16)
    var text = String(decoding: template, as: UTF8.self)
    let values = ["PORT": "\(Ports.take())", "RTP": "\(Ports.take(4))", "NUMBER": number]
    for (key, value) in values { text = text.replacing("@\(key)@", with: value) }
    try disk.replace(joined(folder, "linphonerc"), Array(text.utf8), sync: false)
    let fifo = joined(folder, "console")
    guard mkfifo(fifo, 0o600) == 0 else { throw Child.Failure("\(fifo): cannot be made") }
    // For reading too, so that it need not wait for the other end.
    console = open(fifo, O_RDWR | O_CLOEXEC)
    process = try scene.start(
      "linphone-\(number)", ["bash", "-c", "exec stdbuf -oL linphonec -c '\(folder)/linphonerc' < '\(fifo)'"],
      environment: ["HOME": folder], in: folder)
  }

  deinit { close(console) }

  /// Types a line at its console: a command, or a key to press in the call.
  func types(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(console, bytes, bytes.count)
  }

  /// Waits for its next call and takes it.
  func answers() async throws {
    try await process.line("Receiving new incoming call")
    types("answer")
  }

  /// Waits until its call is answered: before, it can press no key.
  func talks() async throws { try await process.line(" connected.") }

  /// Waits until its call is over.
  func isFree() async throws { try await process.line("ended") }
}
