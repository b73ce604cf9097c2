import ArgumentParser
import Commands
import Disk
import Site
import Switchboard

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Read a site, show what it means, and tell every fault with its file.",
    discussion:
      "Exit codes: 0 no errors, 1 at least one. Nothing is written, and a running Pikett is not disturbed.")

  @OptionGroup var options: SiteOptions

  func run() throws {
    let directory = try options.directory()
    let installation = Installation()
    let reading = SiteLoader(site: directory, data: try dataDirectory(of: installation)).load()
    let site = reading.snapshot
    let report = CheckReport(
      reading,
      extra: soundFaults(reading)
        + certificateFaults(reading, at: directory, now: currentWallTime()) + timeZoneFaults(site)
        + ticketFaults(site, at: directory)
        + directoryFaults(site, at: directory)
        + installation.deliveryFaults(site))
    try emit(report.text)
    if report.hasErrors { throw ExitCode(1) }
  }
}
