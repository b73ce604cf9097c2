import ArgumentParser
import Commands
import Disk
import Logging
import NIOCore
import NIOPosix
import Switchboard

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the controller.",
    discussion: """
      Logs to standard error. SIGTERM and SIGINT end it: calls in progress are released and their tickets closed. \
      Edits of the site count for the next call; SIGHUP rereads it at once.
      """)

  @OptionGroup var options: SiteOptions

  func run() throws {
    Signals.block()
    LoggingSystem.bootstrap { _ in LogLines() }
    let installation = Installation()
    let settings = SwitchboardSettings(
      site: try options.directory(), data: try dataDirectory(of: installation),
      deliveryProgram: installation.helper("pikett-delivery"))
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let logger = Logger(label: "pikett")
    let start = waiting { () -> Result<Switchboard, any Error> in
      do {
        return .success(try await Switchboard.start(settings, logger: logger, on: loop))
      } catch {
        return .failure(error)
      }
    }
    switch start {
    case .failure(let error):
      complain("\(error)")
      throw ExitCode((error as? StartError)?.exitCode ?? 69)
    case .success(let switchboard):
      while case .reread = Signals.next() { waiting { await switchboard.reread() } }
      waiting { await switchboard.stop() }
      try group.syncShutdownGracefully()
    }
  }
}
