import ArgumentParser
import Glibc

@main
struct Pikett: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pikett",
    abstract: "The emergency line of a small company.",
    discussion: """
      A caller in trouble dials one number, confirms, and reaches the technician on duty; the call gets a ticket number \
      and is recorded, and whoever took it gets a message with the ticket.

      Exit codes: 0 done, 1 a fault of the data, 64 wrong usage, 69 a needed service missing, 73 an output that cannot \
      be written.
      """,
    version: "Pikett 0.1",
    subcommands: [
      RunCommand.self, CheckCommand.self, InitCommand.self, DutyCommand.self, TicketsCommand.self, MessagesCommand.self,
      DemoCommand.self,
    ])

  static func main() {
    // A reader that has seen enough (`| head`) is no fault, also of the help.
    signal(SIGPIPE, SIG_IGN)
    main(nil)
  }
}
