import Demo
import Disk
import Glibc
import Testing

/// `pikett run` on a site, as its own process.
struct Daemon: Sendable {
  let process: Child
  let site: TestSite

  /// Starts it and waits until it is ready.
  /// - Parameter wrapper: the words of a program that starts it (strace, setpriv) and becomes it.
  static func start(
    _ scene: Scene, _ site: TestSite, name: String = "daemon", through wrapper: [String] = []
  ) async throws -> Daemon {
    let process = try scene.product(
      "pikett", ["run", "--site", site.directory], name: name, through: wrapper)
    try await process.line("ready", within: .seconds(20))
    return Daemon(process: process, site: site)
  }

  /// Waits for a line of its log that holds all these texts.
  @discardableResult func says(_ texts: String..., within limit: Duration = .seconds(10)) async throws -> String {
    try await process.line(texts, within: limit)
  }

  /// `call=…`, as it stands in each line of its log on this caller's first call.
  func mark(of caller: String) async throws -> String {
    let line = try await says("call arrived", "caller=\(caller) ")
    return line.split(separator: " ").first { $0.hasPrefix("call=") }.map(String.init) ?? ""
  }

  /// How many descriptors it has open.
  func descriptors() throws -> Int { try RealFilesystem().list("/proc/\(process.pid)/fd").count }

  /// How many sockets it has open.
  func sockets() throws -> Int {
    try RealFilesystem().list("/proc/\(process.pid)/fd").count { name in
      var target = [CChar](repeating: 0, count: 64)
      let count = readlink("/proc/\(process.pid)/fd/\(name)", &target, target.count)
      return count > 0 && target.prefix(count).map { UInt8(bitPattern: $0) }.starts(with: Array("socket:".utf8))
    }
  }

  /// SIGTERM, and it ends well within 5 s.
  func stop() async throws {
    let clock = ContinuousClock()
    let start = clock.now
    process.send(SIGTERM)
    let code = try await process.exit(within: .seconds(20))
    let time = clock.now - start
    try demand(code == 0, "the daemon ended with \(code)")
    try demand(time <= .seconds(5), "the daemon took \(time) to end")
  }
}
