import PikettTesting
import Testing

/// The manual page: what it says of the options is what the program has.
@Suite struct ManualTests {
  private let page = fixture("../man/pcap2wave.1")

  @Test func mandocHasNothingToSay() {
    #expect(run(["mandoc", "-T", "lint", "-W", "warning", page]) == (0, ""))
  }

  @Test func itNamesEveryOptionAndNoOther() throws {
    let directory = TemporaryDirectory()
    let help = try pcap2wave(["--help"], in: directory)
    #expect(help.status == 0)
    let usage = try #require(help.output.split(separator: "OPTIONS:").last)
    let options = words(String(usage))
    let source = String(decoding: try readFile(page), as: UTF8.self)
    // mdoc writes -x and --long as `Fl x` and `Fl -long`.
    let flags = source.split(separator: "\n").filter { $0.contains("Fl ") }.joined(separator: "\n")
    let named = words(flags.replacing("Fl ", with: "Fl -").replacing(", -", with: ", --"))
    #expect(options.count > 10 && named == options)
  }

  /// The options in a text.
  private func words(_ text: String) -> Set<Substring> {
    Set(
      text.matches(of: /(?:^|[\s,|])(--?[a-z][a-z-]*)/).map { $0.output.1 }.filter {
        $0.hasPrefix("--") || $0.count == 2
      })
  }
}
