import Audio
import Demo
import Disk
import Glibc
import NIOPosix
import Synchronization
import Testing

/// All scenarios, one after the other: they share a machine and its ears.
@Suite(.serialized) struct ScenarioTests {}

/// The stage of one scenario: a directory with everything in it, and the programs that play.
///
/// What a scenario demands it demands by throwing: then directory, logs and captures are kept and told. With
/// PIKETT_KEEP_SCENARIOS in the environment they are kept in any case.
final class Scene: Sendable {
  let directory: String
  private let children = Mutex<[Child]>([])
  private let closings = Mutex<[@Sendable () async -> Void]>([])

  /// Plays a scenario; whatever it started has ended when this returns.
  static func play(_ name: String, _ body: (Scene) async throws -> Void) async throws {
    let scene = try Scene(name)
    do {
      try await body(scene)
    } catch {
      await scene.close()
      print("Scenario \(name) failed; logs and captures are kept in \(scene.directory)\n\(await scene.tails())")
      throw error
    }
    await scene.close()
    if getenv("PIKETT_KEEP_SCENARIOS") == nil {
      removeTree(scene.directory)
    } else {
      print("Scenario \(name): \(scene.directory)")
    }
  }

  private init(_ name: String) throws {
    var template = Array("/tmp/pikett-\(name)-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Child.Failure("/tmp: no directory can be made in it") }
    directory = String(cString: made)
  }

  func path(_ name: String) -> String { joined(directory, name) }

  /// Starts a program whose log lies in the scene.
  func start(
    _ name: String, _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil
  ) throws -> Child {
    let child = try Child(
      name, arguments, environment: environment, directory: folder ?? directory, log: path(name + ".log"))
    children.withLock { $0.append(child) }
    return child
  }

  /// The program that was started last under this name.
  func child(_ name: String) -> Child? { children.withLock { $0.last { $0.name == name } } }

  /// Starts a program of the product.
  func product(
    _ program: String, _ arguments: [String], name: String? = nil, through wrapper: [String] = []
  ) throws -> Child {
    try start(
      name ?? program, wrapper + [joined(Surroundings.programs, program)] + arguments,
      environment: ["PIKETT_DATA": Surroundings.data])
  }

  /// Runs a program to its end; nil for one that ran too long.
  func run(_ arguments: [String], name: String? = nil) async throws -> (code: Int32, lines: [String]) {
    let child = try start(name ?? fileName(of: arguments[0]), arguments)
    let code = try await child.exit(within: .seconds(30))
    return (code, await child.lines)
  }

  func smsGateway() async throws -> HTTPSink {
    let sink = try await HTTPSink.open(on: MultiThreadedEventLoopGroup.singleton)
    atEnd { await sink.close() }
    return sink
  }

  func atEnd(_ work: @escaping @Sendable () async -> Void) { closings.withLock { $0.append(work) } }

  private func close() async {
    for work in closings.withLock({ $0 }).reversed() { await work() }
    for child in children.withLock({ $0 }).reversed() {
      child.send(SIGKILL)
      _ = try? await child.exit()
    }
  }

  /// The end of each log, for where the directory cannot be looked at.
  private func tails() async -> String {
    var text = ""
    for child in children.withLock({ $0 }).suffix(6) {
      text += "--- \(child.name)\n\(await child.lines.suffix(40).joined(separator: "\n"))\n"
    }
    return text
  }
}

/// Where the programs and the data lie.
enum Surroundings {
  /// The folder of the executables, which is that of the test's own.
  static let programs: String = {
    guard let path = realpath("/proc/self/exe", nil) else { return "." }
    defer { free(path) }
    return Disk.directory(of: String(cString: path))
  }()

  static let package: String = {
    var folder = Disk.directory(of: #filePath)
    while folder != "/", access(joined(folder, "Package.swift"), F_OK) != 0 { folder = Disk.directory(of: folder) }
    return folder
  }()

  static let data = joined(package, "data")
  static let fixtures = joined(data, "fixtures/scenario")

  /// The words of one of the two speakers, 8000 Hz.
  static func voice(_ name: String, in language: String = "en") throws -> [Int16] {
    try WAVE.telephoneSound(RealFilesystem().read(joined(data, "prompts/\(language)/\(name).wav"), limit: 1 << 24))
  }
}

func removeTree(_ path: String) {
  for name in (try? RealFilesystem().list(path)) ?? [] {
    if unlink(joined(path, name)) != 0 { removeTree(joined(path, name)) }
  }
  rmdir(path)
}
