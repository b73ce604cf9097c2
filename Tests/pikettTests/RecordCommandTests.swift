import Glibc
import PikettTesting
import Testing

/// `tickets` and `messages` on a site.
@Suite struct RecordCommandTests {
  private let directory = TemporaryDirectory()
  private let first = "12.10.2012_14.00_12.10.2012_14.00_Ticket_1234_Caller_03472619287_Called_732_1.txt"
  private let last = "12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731_END_1.txt"

  private func site(_ more: [String: String] = [:]) throws {
    try write(
      [
        "731/Name.txt": "Tech1\n", "TickeNR.TXT": "1236\r\nThe next one.\r\n", "ticket/\(first)": "",
        "ticket/\(last)": "", "recording/12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap": "",
      ].merging(more) { $1 }, in: directory)
  }

  // MARK: - tickets

  @Test func ticketsAreListed() throws {
    try site()
    let outcome = try pikett(["tickets", "--site", "site"], in: directory)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[1].hasPrefix("    1234  ") && lines[2].hasPrefix("+   1235  "))
    #expect(lines[1].hasSuffix("site/recording/12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap"))
    #expect(lines[2].hasSuffix("END"))
    // The path is one that can be opened from here, also from within the site.
    let within = try pikett(["tickets"], in: directory, before: "cd site &&")
    #expect(within.output.contains("  recording/12.10.2012"))
    let absolute = try pikett(["tickets", "--site", directory.file("site")], in: directory)
    #expect(absolute.output.contains("  \(directory.path)/site/recording/12.10.2012"))
  }

  @Test func asJSON() throws {
    try site()
    let outcome = try pikett(
      ["tickets", "list", "--json", "--since", "1.10.2012", "--caller", "3472619287", "--site", "site"], in: directory,
      behind: "| python3 -c 'import json,sys; print([(t[\"ticket\"], t[\"last\"]) for t in json.load(sys.stdin)])'")
    #expect(outcome.output == "[(1234, False), (1235, True)]\n")
    let none = try pikett(["tickets", "--json", "--since", "0d", "--site", "site"], in: directory)
    #expect(none.status == 0 && none.output == "[\n]\n")
  }

  @Test func aNameThatWouldSteerTheTerminal() throws {
    try site(["ticket/12.10.2012_14.00_12.10.2012_14.00_Ticket_1_Caller_\u{1B}]0;x\u{7}_Called_7_END_1.txt": ""])
    for words in [["tickets"], ["tickets", "--json"]] {
      let outcome = try pikett(words + ["--site", "site"], in: directory)
      #expect(outcome.status == 0 && outcome.output.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
    }
  }

  @Test func nextNumber() throws {
    try site()
    #expect(try pikett(["tickets", "next", "--site", "site"], in: directory).output == "1236\n")
    let set = try pikett(["tickets", "next", "2000", "--site", "site"], in: directory)
    #expect(set.status == 0 && set.output == "2000\n" && set.errors.isEmpty)
    #expect(try text("TickeNR.TXT", in: directory) == "2000\r\nThe next one.\r\n")
    let used = try pikett(["tickets", "next", "1235", "--site", "site"], in: directory)
    #expect(used.status == 0 && used.output == "1235\n")
    #expect(used.errors.hasPrefix("pikett: warning: there is a ticket 1235 already, and tickets up to 1235;"))
    let free = try pikett(["tickets", "next", "7", "--site", "site"], in: directory)
    #expect(free.status == 0 && free.errors.hasPrefix("pikett: warning: there are tickets up to 1235;"))
    #expect(try text("TickeNR.TXT", in: directory) == "7\r\nThe next one.\r\n")
  }

  @Test func nextNumberThatCannotBeReadOrWritten() throws {
    try site(["TickeNR.TXT": "many\n"])
    let outcome = try pikett(["tickets", "next", "--site", "site"], in: directory)
    #expect(outcome.status == 1 && outcome.errors.hasPrefix("pikett: TickeNR.TXT: is not understood; expected"))
    try site(["State.txt": "occupied\n", "occupied": ""])
    #expect(try pikett(["tickets", "next", "5", "--site", "site"], in: directory).status == 73)
    #expect(try text("TickeNR.TXT", in: directory).hasPrefix("1236"))
  }

  // MARK: - messages

  private func message(_ ticket: String, reason: String) -> String {
    """
    ticket: \(ticket)
    origin: call/1
    user: 731
    caller: 03472619287
    text: 12.10.2012_14.00_12.10.2012_14.02_Ticket_\(ticket)_Caller_03472619287_Called_731
    created: 1350050400000000
    attempts: 3
    provider: CODEMA
    since: 1350050400000000
    due: 1350050440000000
    reason: \(reason)
    end: of message

    """
  }

  @Test func messagesAreShownAndAskedForAgain() throws {
    try site([
      "spool/sms/waiting/1235-sms.txt": message("1235", reason: "HTTP 500"),
      "spool/sms/failed/1234-sms.txt": message("1234", reason: "no credit"),
      "spool/im/sent/1233-im.txt": message("1233", reason: ""),
    ])
    let list = try pikett(["messages", "--site", "site"], in: directory)
    #expect(list.status == 0 && list.errors.isEmpty)
    #expect(
      list.output.contains(
        "  1235-sms  731 Tech1  03472619287  12.10.2012 14.00      3       now  CODEMA    HTTP 500\n"))
    #expect(list.output.contains("no credit") && list.output.contains("1233-im"))
    // Three failed, the fourth was taken.
    #expect(list.output.contains("12.10.2012 14.00      4  CODEMA\n"))

    let retry = try pikett(["messages", "retry", "1234-sms", "--site", "site"], in: directory)
    #expect(retry.status == 0 && retry.errors.isEmpty)
    #expect(
      retry.output
        == "1234-sms: will be tried again: within a few seconds if Pikett runs, else when it next starts\n")
    #expect(access(directory.file("site/spool/sms/retry-1234-sms"), F_OK) == 0)
    #expect(try pikett(["messages", "drop", "1235-sms", "--site", "site"], in: directory).status == 0)
    #expect(try pikett(["messages", "--site", "site"], in: directory).output.contains("to be dropped"))

    for (words, error) in [
      (["drop", "1233-im"], "1233-im: is not waiting: it is in sent already"),
      (["retry", "1234"], "there is no message 1234; expected 1234-sms"),
      (["retry", "../../x"], "there is no message ../../x; expected an id that pikett messages shows"),
    ] {
      let outcome = try pikett(["messages"] + words + ["--site", "site"], in: directory)
      #expect(outcome.status == 1 && outcome.output.isEmpty && outcome.errors == "pikett: \(error)\n", "\(outcome)")
    }
  }

  @Test func requestThatCannotBeWritten() throws {
    try site(["spool/sms/waiting/1235-sms.txt": message("1235", reason: "")])
    // A directory of the request's name is in the way.
    mkdir(directory.file("site/spool/sms/retry-1235-sms"), 0o700)
    _ = try directory.write("site/spool/sms/retry-1235-sms/x", [])
    let outcome = try pikett(["messages", "retry", "1235-sms", "--site", "site"], in: directory)
    #expect(outcome.status == 73 && outcome.errors.contains("retry-1235-sms: cannot be"), "\(outcome)")
  }
}
