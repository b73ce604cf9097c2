import ArgumentParser
import Commands
import Demo
import Disk
@preconcurrency import Glibc
import Logging
import Switchboard

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Play a whole emergency call through real SIP and RTP on this machine, and tell it as it happens.",
    discussion: "Exit codes: 0 everything was as it must be, 1 it was not.")

  @Option(
    help: ArgumentHelp(
      "An empty or new directory for all that the call leaves; without it, a new one under /tmp.", valueName: "dir"))
  var keep: String?

  func validate() throws {
    if keep == "" { throw ValidationError("--keep: expected the name of a directory") }
  }

  func run() throws {
    // The story is on standard output; of the controller's own log only what is wrong belongs beside it.
    LoggingSystem.bootstrap { _ in LogLines(level: .error) }
    setvbuf(stdout, nil, _IOLBF, 0)
    signal(SIGPIPE, SIG_IGN)
    let installation = Installation()
    let data = try dataDirectory(of: installation)
    guard let deliveryProgram = installation.helper("pikett-delivery") else {
      complain(
        "\(installation.executable): pikett-delivery is not beside it; expected it there or in ../libexec/pikett")
      throw ExitCode(69)
    }
    let directory = try place()
    let demo = DemoCall(directory: directory, data: data, deliveryProgram: deliveryProgram) { print($0) }
    let isWell = waiting { await demo.run(logger: Logger(label: "pikett")) }
    if !isWell { throw ExitCode(1) }
  }

  /// The directory of the demo: empty, so that nothing old is taken for its result.
  private func place() throws -> String {
    guard let keep else {
      var template = Array("/tmp/pikett-demo-XXXXXX".utf8CString)
      guard let made = mkdtemp(&template) else {
        complain("/tmp: no directory can be made in it: \(String(cString: strerror(errno)))")
        throw ExitCode(73)
      }
      return String(cString: made)
    }
    let isEmpty: Bool
    do throws(DiskError) {
      try RealFilesystem().makeDirectory(keep)
      isEmpty = try RealFilesystem().list(keep).isEmpty
    } catch {
      complain("\(error); expected an empty or new directory")
      throw ExitCode(73)
    }
    guard isEmpty else {
      complain("\(keep): is not empty; expected an empty or new directory")
      throw ExitCode(73)
    }
    return keep
  }
}
