import Demo
import Dispatch
import Glibc
import Synchronization

/// What a program does, in order.
enum ChildEvent: Hashable, Sendable, CustomStringConvertible {
  /// A line of its output, standard error included.
  case line(String)
  /// It has ended: its exit code, 128 + signal if it was killed.
  case exited(Int32)

  var description: String {
    switch self {
    case .line(let text): text
    case .exited(let code): "[exit \(code)]"
    }
  }
}

/// A program that runs beside the test, with its output as events and as a file.
final class Child: Sendable {
  /// What is wrong with a program.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  let name: String
  let pid: pid_t
  let seen = Observations<ChildEvent>()
  private let hasEnded = Mutex(false)

  /// - Parameters:
  ///   - arguments: the first is the program, looked for in PATH.
  ///   - environment: added to the test's own.
  ///   - directory: where it works.
  ///   - log: the file that gets its output.
  init(
    _ name: String, _ arguments: [String], environment: [String: String] = [:], directory: String, log: String
  ) throws {
    self.name = name
    var ends: [Int32] = [0, 0]
    let file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard pipe(&ends) == 0, file >= 0 else { throw Failure("\(name): no pipe, or no \(log)") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    // `env` sets the directory and becomes the program.
    var words = (["env", "-C", directory] + arguments).map { strdup($0) } + [nil]
    var settings = inherited().merging(environment) { $1 }.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + settings { free(text) } }
    // The threads on which tests run block signals, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var pid = pid_t()
    let code = posix_spawnp(&pid, "env", &actions, &attributes, &words, &settings)
    close(ends[1])
    guard code == 0 else {
      close(ends[0])
      close(file)
      throw Failure("\(name): env cannot be started: \(String(cString: strerror(code)))")
    }
    self.pid = pid
    watch(output: ends[0], log: file)
  }

  /// Waits for a line that holds all these texts; ends at once if the program ends without it.
  @discardableResult func line(_ texts: String..., within limit: Duration = .seconds(10)) async throws -> String {
    try await line(texts, within: limit)
  }

  @discardableResult func line(_ texts: [String], within limit: Duration = .seconds(10)) async throws -> String {
    let event = try await seen.first("\(name): \(texts.joined(separator: " … "))", within: limit) { event in
      switch event {
      case .line(let line): texts.allSatisfy { line.contains($0) }
      case .exited: true
      }
    }
    guard case .line(let line) = event else {
      throw Failure("\(name) ended before it said “\(texts.joined(separator: " … "))”:\n\(await output)")
    }
    return line
  }

  /// Waits for its end.
  func exit(within limit: Duration = .seconds(10)) async throws -> Int32 {
    let event = try await seen.first("\(name): its end", within: limit) { event in
      if case .exited = event { true } else { false }
    }
    guard case .exited(let code) = event else { return -1 }
    return code
  }

  /// All lines so far.
  var lines: [String] {
    get async { await seen.all.compactMap { if case .line(let line) = $0 { line } else { nil } } }
  }

  var output: String { get async { await lines.joined(separator: "\n") } }

  /// Sends a signal, unless it has ended.
  func send(_ signal: Int32) {
    hasEnded.withLock { if !$0 { _ = Glibc.kill(pid, signal) } }
  }

  /// Reads its output and waits for its end, on two threads: a child of the child may keep the pipe open longer.
  private func watch(output: Int32, log: Int32) {
    let (events, feed) = AsyncStream.makeStream(of: ChildEvent.self)
    let seen = seen
    Task { for await event in events { await seen.saw(event) } }
    let drained = DispatchSemaphore(value: 0)
    blockingWork {
      var rest: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = read(output, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        _ = write(log, chunk, count)
        rest += chunk[..<count]
        while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
          let line = String(decoding: rest[..<end], as: UTF8.self)
          rest.removeSubrange(...end)
          if !line.isEmpty { feed.yield(.line(line)) }
        }
      }
      if !rest.isEmpty { feed.yield(.line(String(decoding: rest, as: UTF8.self))) }
      close(output)
      close(log)
      drained.signal()
    }
    blockingWork { [self] in
      var information = siginfo_t()
      while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
      // What it wrote last comes before its end; only a child of its own may hold that up.
      _ = drained.wait(timeout: .now() + .milliseconds(200))
      var status: Int32 = 0
      hasEnded.withLock { hasEnded in
        waitpid(pid, &status, 0)
        hasEnded = true
      }
      feed.yield(.exited(status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F))
    }
  }
}

/// Throws unless it is so. Where a race with a program's end decides whether it matters, `#require` would already have
/// recorded an issue.
func demand(_ isSo: Bool, _ otherwise: @autoclosure () -> String) throws {
  if !isSo { throw Child.Failure(otherwise()) }
}

/// Work that waits for others, on a thread of its own.
func blockingWork(_ body: @escaping @Sendable () -> Void) {
  DispatchQueue(label: "scenario").async(execute: body)
}

private func inherited() -> [String: String] {
  var result: [String: String] = [:]
  var entry = environ
  while let text = entry.pointee {
    let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
    entry += 1
  }
  return result
}
