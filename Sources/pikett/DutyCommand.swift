import ArgumentParser
import Commands
import Disk
import Hunting
import Records
import Site
import Switchboard
import Telephony

struct DutyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "duty",
    abstract: "Show or change who is on duty.",
    usage: """
      pikett duty [--site <dir>] [show]
      pikett duty [--site <dir>] set <number>
      pikett duty [--site <dir>] clear
      """,
    discussion: """
      `show` tells who is on duty, where that is written, whom the next call would ring in which order, and whether \
      the phones that register here are registered now. `set 732` puts 732 on duty, `clear` nobody (the default user \
      is then rung first). They write the first line of \
      forwards/NAME/Target.txt, NAME being what CFU.txt says; a running Pikett follows within a second, for the \
      next call.

      Exit codes: 0 done, 1 there is no such user, or the site cannot be read, 64 wrong usage, 73 the file cannot be \
      written.
      """)

  enum Action: String, ExpressibleByArgument, CaseIterable {
    case show
    case set
    case clear
  }

  @OptionGroup var options: SiteOptions

  @Argument(help: "show, set or clear.")
  var action = Action.show

  @Argument(help: ArgumentHelp("With set: the number of the user who is on duty from now on.", valueName: "number"))
  var number: String?

  func validate() throws {
    switch (action, number) {
    case (.set, nil): throw ValidationError("set: expected the number of a user")
    case (.set, let number?) where PhoneNumber(number) == nil:
      throw ValidationError("set: “\(number)” is no number; expected the number of a user")
    case (.show, let number?), (.clear, let number?):
      throw ValidationError("“\(number)” is too much; expected nothing after \(action.rawValue)")
    case (.set, _), (.show, nil), (.clear, nil): break
    }
  }

  func run() throws {
    let directory = try options.directory()
    let site = options.read(directory)
    switch action {
    case .show: try emit(report(site))
    case .set: try write(try user(of: site).number, directory, site)
    case .clear:
      // What is not there forwards nobody.
      if site.cfu == nil { try emit(report(site)) } else { try write("", directory, site) }
    }
  }

  private func report(_ site: SiteSnapshot) -> String {
    DutyReport(site, registered: registeredUsers(in: options.path(site.stateDirectory), at: currentWallTime())).text
  }

  private func user(of site: SiteSnapshot) throws -> SiteUser {
    if let number, let user = site.user(named: number) { return user }
    let users = site.users.map { $0.number + ($0.user.name.map { " (\($0))" } ?? "") }.joined(separator: ", ")
    let expected =
      users.isEmpty ? "a site with users; \(options.site) has none (--site names another)" : "one of: \(users)"
    complain("there is no user \(number ?? ""); expected \(expected)")
    throw ExitCode(1)
  }

  private func write(_ value: String, _ directory: String, _ site: SiteSnapshot) throws {
    guard let path = site.dutyPath else {
      complain("CFU.txt: names no object that could be forwarded; expected a name such as TED_CFU")
      throw ExitCode(1)
    }
    // The name comes from a file: it must not lead out of the site.
    guard path.split(separator: "/", omittingEmptySubsequences: false).count == 3, !path.contains("/.") else {
      complain("CFU.txt: its value cannot be a directory's name; expected a name such as TED_CFU")
      throw ExitCode(1)
    }
    let disk = RealFilesystem(isWary: true)
    try onDisk(refusal: 73) { () throws(DiskError) in
      try writeValue(
        value, to: try spelled(path, in: directory, on: disk),
        remarks: "The number of the user who is on duty, and so is called first. Blank: nobody.\n",
        state: options.path(site.stateDirectory), on: disk)
    }
    let now = options.read(directory)
    guard (now.cfu?.target ?? "") == value else {
      complain("\(path): was written, but does not count; pikett check tells why")
      throw ExitCode(1)
    }
    try emit(report(now))
    if let user = now.user(value), user.deskPhone == .none, user.user.forks.isEmpty {
      complain("warning: \(value) cannot be rung: he has no desk phone and no fork; pikett check tells what is missing")
    }
  }
}

/// `path` as it is spelled in `directory`, as far as it is there: names match without regard to case.
private func spelled(_ path: String, in directory: String, on disk: RealFilesystem) throws(DiskError) -> String {
  var place = directory
  for part in path.split(separator: "/") {
    var names: [String] = []
    do throws(DiskError) { names = try disk.list(place) } catch {
      if !error.isNotFound { throw error }
    }
    place = joined(place, names.first { $0 == part } ?? names.first { $0.equalsIgnoringCase(part) } ?? String(part))
  }
  return place
}
