import ArgumentParser
import Commands
import Disk
import Dispatch
@preconcurrency import Glibc
import Site
import Synchronization
import Telephony

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

  /// The site's files as they are now, without the providers that come with the program; its faults are those of
  /// `pikett check`.
  func read(_ directory: String) -> SiteSnapshot {
    let tree = readTree(directory, on: RealFilesystem())
    return SiteReading(files: tree.content, unreadable: tree.unreadable(in: directory)).snapshot
  }

  /// A directory that the site names, as seen from here.
  func path(_ name: String) -> String {
    name.hasPrefix("/") ? name : site == "." ? name : joined(site, name)
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
func emit(_ text: String) throws { try emit(Array(text.utf8)) }

/// The same for a text in pieces. A reader that has seen enough (`| head`) is no fault.
func emit(_ bytes: [UInt8]) throws {
  var written = 0
  while written < bytes.count {
    let count = bytes[written...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    if count >= 0 {
      written += count
    } else if errno == EPIPE {
      return
    } else if errno != EINTR {
      complain("standard output: cannot be written: \(String(cString: strerror(errno)))")
      throw ExitCode(73)
    }
  }
}

/// Does something for which files are read or written; what the disk refuses is told, and ends the command with `code`.
///
/// A lock that another process holds is waited for: nobody holds one for long.
func onDisk<Value>(refusal code: Int32, _ body: () throws(DiskError) -> Value) throws -> Value {
  var attempts = 0
  while true {
    do throws(DiskError) { return try body() } catch {
      attempts += 1
      if error.isLocked, attempts <= 200 {
        usleep(10_000)
        continue
      }
      complain(error.description)
      throw ExitCode(code)
    }
  }
}

/// The local time of a site; the system's where it names a zone that this machine does not know.
func calendar(of site: SiteSnapshot) -> LocalCalendar {
  glibcCalendar(zone: site.timeZone.flatMap { isKnownTimeZone($0) ? $0 : nil })
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
