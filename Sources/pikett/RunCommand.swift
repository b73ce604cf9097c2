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
    abstract: "Run the emergency line.",
    discussion: """
      Logs to standard error. SIGTERM and SIGINT end it: calls in progress are released and their tickets closed. \
      Edits of the site count for the next call; SIGHUP rereads it at once.

      With --supervise it runs as a child of this process, which starts it again within a second if it crashes; calls \
      that were cut off are closed in the log, and their messages sent. Under systemd, Restart=always does the same.

      Exit codes: 0 ended as told, 64 wrong usage, 69 a port or the site is in use, or something needed is missing, 73 \
      the state cannot be written.
      """)

  @OptionGroup var options: SiteOptions

  @Flag(help: "Start it again when it crashes.")
  var supervise = false

  func run() throws {
    LoggingSystem.bootstrap { _ in LogLines() }
    let installation = Installation()
    if supervise {
      // Its lines shall bear the same clock as the controller's.
      _ = calendar(of: options.read(try options.directory()))
      let supervisor = Supervisor(
        executable: installation.executable, words: ["pikett", "run", "--site", options.site],
        logger: Logger(label: "supervisor"))
      throw ExitCode(supervisor.run())
    }
    Signals.block()
    let settings = SwitchboardSettings(
      site: try options.directory(), data: try dataDirectory(of: installation),
      deliveryProgram: installation.helper("pikett-delivery"),
      waveProgram: installation.helper("pcap2wave"))
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
