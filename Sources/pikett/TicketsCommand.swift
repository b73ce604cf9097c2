import ArgumentParser
import Commands
import Disk
import Hunting
import Records
import Site
import Telephony

struct TicketsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tickets",
    abstract: "List the tickets, or see and set the next one's number.",
    usage: """
      pikett tickets [--site <dir>] [list] [--json] [--since <day>] [--caller <number>] [--ticket <number>]
      pikett tickets [--site <dir>] next [<number>]
      """,
    discussion: """
      The list has a line a hop that is over, the hops of a call together: + marks the further ones, END the last. Times and minutes \
      are those of the site's clock. Calls are shown whole.

      --json writes an array with an object a line: ticket, call (the first ticket of its call), hop (1, 2, … in the \
      call), start and end (2012-10-12T14:00), minutes, caller, called, last (true for END), serial, file (its name in \
      ticket/), recording (the path of the call's recording, or null), lost (bytes that are missing in it, null if none \
      are, 0 if nobody knows how many), cut (true if Pikett was killed while it was written).

      `next` prints the number that the next ticket will get; `next <number>` sets it, also lower: a running Pikett \
      follows at its next ticket.

      Exit codes: 0 done, 1 the site or TickeNR.TXT cannot be read, 64 wrong usage, 73 the number cannot be written.
      """)

  enum Action: String, ExpressibleByArgument, CaseIterable {
    case list
    case next
  }

  @OptionGroup var options: SiteOptions

  @Argument(help: "list or next.")
  var action = Action.list

  @Argument(help: ArgumentHelp("With next: what the next ticket's number shall be.", valueName: "number"))
  var number: String?

  @Flag(help: "List as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Calls that began on this day or later: 2026-11-21, 21.11.2026, 7d (seven days back), today, yesterday.",
      valueName: "day"))
  var since: String?

  @Option(
    help: ArgumentHelp("Calls of this caller; the end of his number will do, or anonymous.", valueName: "number"))
  var caller: String?

  @Option(help: ArgumentHelp("The call to which this ticket belongs.", valueName: "number"))
  var ticket: String?

  func validate() throws {
    switch action {
    case .list:
      if let number { throw ValidationError("“\(number)” is too much; expected options only after list") }
    case .next:
      if json || since != nil || caller != nil || ticket != nil {
        throw ValidationError("--json, --since, --caller and --ticket belong to list, not to next")
      }
      if let number { _ = try ticketNumber(number) }
    }
    if let ticket { _ = try ticketNumber(ticket) }
    if let caller, WantedCaller(caller) == nil {
      throw ValidationError("--caller: “\(caller)” is no caller; expected a number, its end, or anonymous")
    }
    if let since, let epoch = LocalMinute(year: 1970, month: 1, day: 1, hour: 0, minute: 0),
      day(since, today: epoch) == nil
    {
      throw ValidationError(
        "--since: “\(since)” is no day; expected 2026-11-21, 21.11.2026, 7d (seven days back), today or yesterday")
    }
  }

  func run() throws {
    let directory = try options.directory()
    let site = options.read(directory)
    switch action {
    case .list: try list(directory, site)
    case .next:
      if let number { try set(try ticketNumber(number), directory, site) } else { try show(directory) }
    }
  }

  private func ticketNumber(_ text: String) throws -> TicketNumber {
    guard let number = TicketNumber(text) else {
      throw ValidationError("“\(text)” is no ticket's number; expected 1 to \(TicketNumber.highest)")
    }
    return number
  }

  // MARK: - list

  private func list(_ directory: String, _ site: SiteSnapshot) throws {
    let calendar = calendar(of: site)
    let today = LocalMinute(calendar.local(currentWallTime()))
    var filter = TicketFilter()
    filter.since = today.flatMap { today in since.flatMap { day($0, today: today) } }
    filter.caller = caller.flatMap { WantedCaller($0) }
    filter.ticket = try ticket.map { try ticketNumber($0) }
    let log = try onDisk(refusal: 1) { () throws(DiskError) in try TicketLog(site: directory) }
    let folder = site.recordingDirectory.map { options.path($0) }
    // Recordings may lie on a disk that is away: the list is worth having all the same.
    let recordings = folder.flatMap { try? RecordingList(directory: $0) } ?? RecordingList()
    let listing = TicketListing(log, filter, recordings: recordings, folder: folder.map { joined($0, "") } ?? "")
    if json { try listing.writeJSON { try emit($0) } } else { try listing.writeTable { try emit($0) } }
  }

  // MARK: - next

  private func show(_ directory: String) throws {
    let next = try onDisk(refusal: 1) { () throws(DiskError) in
      try readTicketCounter(site: directory, on: RealFilesystem())
    }
    guard let next else {
      complain("TickeNR.TXT: is not understood; expected the next ticket's number, 1 to \(TicketNumber.highest)")
      throw ExitCode(1)
    }
    try emit("\(next)\n")
  }

  private func set(_ number: TicketNumber, _ directory: String, _ site: SiteSnapshot) throws {
    let disk = RealFilesystem(isWary: true)
    // A log that cannot be read does not hinder the owner's will.
    let highest = (try? highestTicket(site: directory, on: disk)) ?? nil
    try onDisk(refusal: 73) { () throws(DiskError) in
      try writeTicketCounter(number, site: directory, state: options.path(site.stateDirectory), on: disk)
    }
    try emit("\(number)\n")
    guard let highest, number <= highest else { return }
    let isUsed = (try? isTicketUsed(number, site: directory, on: disk)) ?? false
    complain(
      "warning: \(isUsed ? "there is a ticket \(number) already, and" : "there are") tickets up to \(highest); "
        + "a number that comes again is told apart by its date and by the serial at the end of its file's name")
  }
}
