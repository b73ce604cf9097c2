import ArgumentParser
import Disk
@preconcurrency import Glibc

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
    let installation = Installation()
    guard let program = installation.helper("pikett-demo") else {
      complain("\(installation.executable): pikett-demo is not beside it; expected it there or in ../libexec/pikett")
      throw ExitCode(69)
    }
    signal(SIGPIPE, SIG_DFL)
    // The demo takes this process's place: its phones and its exit code are those of `pikett demo`.
    var words: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(try place()), nil]
    execv(program, &words)
    complain("\(program): cannot be started: \(String(cString: strerror(errno)))")
    throw ExitCode(69)
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
