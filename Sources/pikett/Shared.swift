import ArgumentParser
import Commands
import Disk
import Dispatch
@preconcurrency import Glibc
import Synchronization

/// What every command on a site takes.
struct SiteOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The site's directory.", valueName: "dir"))
  var site = "."

  /// The directory, seen to be there and readable.
  func directory() throws -> String {
    do throws(DiskError) {
      _ = try RealFilesystem().list(site)
      return site
    } catch {
      complain("\(error); expected the directory of a site")
      throw ExitCode(1)
    }
  }
}

/// The directory of prompts and provider templates.
func dataDirectory(of installation: Installation) throws -> String {
  do throws(Installation.DataMissing) {
    return try installation.dataDirectory()
  } catch {
    complain(error.description)
    throw ExitCode(69)
  }
}

/// One line on standard error.
func complain(_ text: String) { fputs("pikett: \(printable(text))\n", stderr) }

/// Prints a whole text, and finds out whether it has arrived.
func emit(_ text: String) throws {
  guard fputs(text, stdout) >= 0, fflush(stdout) == 0 else {
    complain("standard output: cannot be written: \(String(cString: strerror(errno)))")
    throw ExitCode(73)
  }
}

/// Waits on this thread for asynchronous work; never to be called from such work.
func waiting<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
  let done = DispatchSemaphore(value: 0)
  let result = Answer<Value>()
  Task {
    let value = await work()
    result.value.withLock { $0 = value }
    done.signal()
  }
  while true {
    done.wait()
    if let value = result.value.withLock({ $0 }) { return value }
  }
}

private final class Answer<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}
