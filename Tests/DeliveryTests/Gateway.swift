import Disk
import Glibc

/// A child process with its input and output as pipes.
final class ChildProcess {
  private var pid: pid_t = 0
  private let input: Int32
  private let output: Int32
  private var buffer: [UInt8] = []

  struct Unavailable: Error {}

  /// Starts `arguments[0]`, looked for in PATH.
  init(_ arguments: [String], mergingErrors: Bool = false) throws {
    var toChild: [Int32] = [0, 0]
    var fromChild: [Int32] = [0, 0]
    guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw Unavailable() }
    for end in [toChild[1], fromChild[0]] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    if mergingErrors { posix_spawn_file_actions_adddup2(&actions, fromChild[1], 2) }
    for end in toChild + fromChild where end > 2 { posix_spawn_file_actions_addclose(&actions, end) }
    var pointers = arguments.map { strdup($0) } + [nil]
    let code = posix_spawnp(&pid, arguments[0], &actions, nil, &pointers, environ)
    for pointer in pointers { free(pointer) }
    posix_spawn_file_actions_destroy(&actions)
    close(toChild[0])
    close(fromChild[1])
    (input, output) = (toChild[1], fromChild[0])
    guard code == 0 else { throw Unavailable() }
  }

  /// The next line of its output; nil at its end, or after twenty seconds.
  func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        defer { buffer.removeSubrange(...end) }
        return String(decoding: buffer[..<end], as: UTF8.self)
      }
      var poller = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, 20_000) == 1 else { return nil }
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let count = read(output, &chunk, chunk.count)
      guard count > 0 else { return nil }
      buffer += chunk[..<count]
    }
  }

  /// Closes its input and waits for its end.
  /// - Returns: the exit code, or nil if it was killed.
  func finish() -> Int32? {
    close(input)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    pid = 0
    return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
  }

  deinit {
    if pid > 0 { _ = finish() }
    close(output)
  }
}

/// `data` of the package.
let packageData: String = {
  var folder = directory(of: #filePath)
  while folder != "/", (try? RealFilesystem().status(joined(folder, "Package.swift"))) == nil {
    folder = directory(of: folder)
  }
  return joined(folder, "data")
}()

/// A gateway of `data/fixtures/delivery` on a port of its own.
struct Gateway {
  let process: ChildProcess
  let port: Int

  init(_ script: String = "gateway") throws {
    process = try ChildProcess(["python3", joined(packageData, "fixtures/delivery/\(script).py")])
    guard let port = process.line().flatMap({ Int($0) }) else { throw ChildProcess.Unavailable() }
    self.port = port
  }

  /// The next request, as a line of JSON with sorted keys.
  func request() -> String? { process.line() }
}
