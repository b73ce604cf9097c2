import PikettTesting
import Testing

/// The manual page: what it says of the options is what the program has.
@Suite struct ManualTests {
  private let page = fixture("../man/pcap2wave.1")

  @Test func mandocHasNothingToSay() {
    #expect(run(["mandoc", "-T", "lint", "-W", "warning", page]) == (0, ""))
  }
}
