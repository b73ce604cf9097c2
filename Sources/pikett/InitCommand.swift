import ArgumentParser
import Commands
import Disk
import Site
import Switchboard

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a commented sample site.",
    discussion: """
      The sample is a company with three technicians, whose phones register with passwords made up for this site. Every \
      file says below its first line what it is. Files that are there already are left as they are.

      Exit codes: 0 done, 64 wrong usage, 69 the sample is not where it was installed, 73 a file cannot be written.
      """)

  @Argument(help: ArgumentHelp("The directory of the site; made if it is missing.", valueName: "dir"))
  var directory: String

  func validate() throws {
    if directory.isEmpty { throw ValidationError("expected the name of a directory") }
  }

  func run() throws {
    let data = try dataDirectory(of: Installation())
    let disk = RealFilesystem(isWary: true)
    guard (try? disk.list(joined(data, "site")))?.isEmpty == false else {
      complain("\(joined(data, "site")): the sample is not there; expected it with the program's data")
      throw ExitCode(69)
    }
    var random = SystemRandomNumberGenerator()
    let sample = try onDisk(refusal: 73) { () throws(DiskError) in
      try SampleSite(from: joined(data, "site"), to: directory, on: disk, random: &random)
    }
    let reading = SiteLoader(site: directory, data: data).load()
    try emit(InitReport(sample, at: directory, faults: reading.faults).text)
  }
}
