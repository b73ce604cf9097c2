import ArgumentParser
import Delivery
@preconcurrency import Glibc

/// Sends the SMS that are due and exits; started by `pikett run` when something is due.
@main
struct PikettDelivery: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pikett-delivery",
    abstract: "Send the text messages of a site that are due, once.",
    discussion: """
      Reads SITE/spool/sms/waiting, sends each message through the providers that SMSProvider.txt names, and moves it \
      to sent or failed, or leaves it for later. Exit codes: 0 done, 69 something could not be sent now, 73 the spool \
      cannot be written.
      """)

  @Option(help: "The site's directory.")
  var site = "."

  func run() throws {
    // A provider that hangs up while it is written to is an error of that message, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    let code = deliverMessages(site: site) { note in
      fputs("pikett-delivery: \(note)\n", stderr)
    }
    throw ExitCode(code)
  }
}
