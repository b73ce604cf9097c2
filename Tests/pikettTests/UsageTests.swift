import Glibc
import PikettTesting
import Testing

/// The words, the help, and what holds for every command.
@Suite struct UsageTests {
  private let directory = TemporaryDirectory()
  private static let commands = ["run", "check", "init", "duty", "tickets", "messages", "demo"]

  @Test func version() throws {
    let outcome = try pikett(["--version"], in: directory)
    #expect(outcome.status == 0 && outcome.output.hasPrefix("Pikett ") && outcome.errors.isEmpty)
  }

  @Test func helpNamesEveryCommand() throws {
    let outcome = try pikett(["--help"], in: directory)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    for command in Self.commands { #expect(outcome.output.contains("\n  \(command) ")) }
  }

  @Test("each command tells its words and its exit codes", arguments: commands)
  func help(command: String) throws {
    let outcome = try pikett([command, "--help"], in: directory)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.output.contains("Exit codes: 0 ") && outcome.output.contains("USAGE: pikett \(command)"))
  }

  @Test(
    "wrong usage is 64, and says what is right",
    arguments: [
      ["nothing"], ["check", "--site"], ["check", "x"], ["run", "--nothing"], ["init"], ["init", ""],
      ["init", "a", "b"],
      ["duty", "set"], ["duty", "set", "Tech2"], ["duty", "show", "731"], ["duty", "clear", "731"], ["duty", "731"],
      ["tickets", "next", "0"], ["tickets", "next", "x"], ["tickets", "next", "-1"], ["tickets", "list", "7"],
      ["tickets", "next", "1000000000000000"], ["tickets", "next", "--json"], ["tickets", "--since", "31.2.2026"],
      ["tickets", "--ticket", "x"], ["tickets", "--caller", ""], ["messages", "retry"], ["messages", "drop"],
      ["messages", "list", "1-sms"], ["messages", "send", "1-sms"],
    ])
  func wrongUsage(words: [String]) throws {
    let outcome = try pikett(words, in: directory)
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("Error: ") && outcome.errors.contains("Usage: pikett"), "\(outcome.errors)")
    #expect(run(["/bin/ls", "-A", directory.path]).output.isEmpty)
  }

  @Test(
    "a site that is not there is a fault of the data",
    arguments: [["check"], ["duty"], ["duty", "set", "731"], ["tickets"], ["tickets", "next"], ["messages"], ["run"]])
  func noSite(words: [String]) throws {
    let outcome = try pikett(words + ["--site", "no\u{1B}site"], in: directory)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errors
        == "pikett: no?site: cannot be listed: No such file or directory; expected the directory of a site\n")
  }

  @Test("data that are not there are a service that is missing", arguments: [["check"], ["init", "new"], ["run"]])
  func noData(words: [String]) throws {
    let outcome = try pikett(words, in: directory, before: "PIKETT_DATA=/nowhere")
    #expect(outcome.status == 69 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("pikett: PIKETT_DATA: /nowhere is no directory; expected"))
  }

  @Test("an output that cannot be written is 73", arguments: [["check"], ["duty"], ["tickets"], ["messages"]])
  func fullOutput(words: [String]) throws {
    try write(["731/Password.txt": "x\n"], in: directory)
    let outcome = try pikett(words + ["--site", "site"], in: directory, behind: "> /dev/full")
    #expect(outcome.status == 73)
    #expect(outcome.errors == "pikett: standard output: cannot be written: No space left on device\n")
  }

  @Test("a reader that has seen enough is no fault", arguments: [["check"], ["duty"], ["tickets"], ["--help"]])
  func closedPipe(words: [String]) throws {
    try write(["731/Password.txt": "x\n"], in: directory)
    let site = words == ["--help"] ? [] : ["--site", "site"]
    let piped = try pikett(words + site, in: directory, behind: "| true; echo ${PIPESTATUS[0]}")
    #expect(piped.output == "0\n" && piped.errors.isEmpty, "\(piped)")
  }

  @Test func neitherFoundationNorTheCaptureLibraryIsLinked() {
    let (status, libraries) = run(["/usr/bin/ldd", program.path])
    #expect(status == 0 && libraries.contains("libc.so"))
    for name in ["libFoundation.so", "libpcap", "libcurl", "FoundationICU"] {
      #expect(!libraries.contains(name), "\(name)")
    }
  }
}
