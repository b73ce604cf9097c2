import ArgumentParser
import Commands
import Disk
import Spool

struct MessagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "messages",
    abstract: "Show the SMS and instant messages, and try one again or drop it.",
    usage: """
      pikett messages [--site <dir>] [list]
      pikett messages [--site <dir>] retry <id>
      pikett messages [--site <dir>] drop <id>
      """,
    discussion: """
      `retry` and `drop` leave a request for the running Pikett, which does it within a few seconds; if none runs, \
      the next one does it when it starts. `retry` also takes what has failed; `drop` moves what waits to failed.

      Exit codes: 0 done, 1 there is no such message, or it is not to be had back, 64 wrong usage, 73 the request cannot \
      be written.
      """)

  enum Action: String, ExpressibleByArgument, CaseIterable {
    case list
    case retry
    case drop
  }

  @OptionGroup var options: SiteOptions

  @Argument(help: "list, retry or drop.")
  var action = Action.list

  @Argument(help: ArgumentHelp("With retry and drop: the message, such as 1234-sms.", valueName: "id"))
  var id: String?

  func validate() throws {
    switch (action, id) {
    case (.list, let id?): throw ValidationError("“\(id)” is too much; expected nothing after list")
    case (.retry, nil), (.drop, nil):
      throw ValidationError("\(action.rawValue): expected a message's id, such as 1234-sms; see: pikett messages")
    case (.list, nil), (.retry, _), (.drop, _): break
    }
  }

  func run() throws {
    let directory = try options.directory()
    let site = options.read(directory)
    let disk = RealFilesystem(isWary: true)
    let spools = ["sms", "im"].map { MessageSpool(directory: options.path("spool/\($0)"), channel: $0, disk: disk) }
    switch action {
    case .list:
      let calendar = calendar(of: site)
      let report = try onDisk(refusal: 1) { () throws(DiskError) in
        try MessageReport(spools, site: site, calendar: calendar, now: currentWallTime())
      }
      try emit(report.text)
    case .retry: try ask(.retry, "will be tried again", spools)
    case .drop: try ask(.drop, "will not be sent", spools)
    }
  }

  private func ask(_ request: MessageSpool.Request, _ promise: String, _ spools: [MessageSpool]) throws {
    let id = id ?? ""
    let result = try onDisk(refusal: 73) { () throws(DiskError) in try Commands.ask(request, for: id, in: spools) }
    switch result {
    case .asked:
      try emit("\(printable(id)): \(promise): within a few seconds if Pikett runs, else when it next starts\n")
    case .over(let box):
      complain(
        "\(id): is not waiting\(request == .retry ? " and has not failed" : ""): it is in \(box.rawValue) already")
      throw ExitCode(1)
    case .unknown(let similar):
      let expected = similar.isEmpty ? "an id that pikett messages shows" : similar.joined(separator: " or ")
      complain("there is no message \(id); expected \(expected)")
      throw ExitCode(1)
    }
  }
}
