import Glibc
import PikettTesting
import Testing

/// `init`, `check` and `duty` on a site.
@Suite struct SiteCommandTests {
  private let directory = TemporaryDirectory()

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(directory.file(path), &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  // MARK: - init

  @Test func sampleIsCompleteButForTheLine() throws {
    let outcome = try pikett(["init", "site"], in: directory, before: "umask 0;")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.output.contains("site/README.md") == false && outcome.output.hasPrefix("site: "))
    for path in ["site", "site/731", "site/queues/TED_WQ10", "site/trunks/GW14"] {
      #expect(mode(path) == 0o750, "\(path)")
    }
    for path in ["731/Password.txt", "732/SMSPassword.txt", "trunks/GW14/Password.txt", "sms/CODEMA/URL.txt"] {
      #expect(mode("site/" + path) == 0o600, "\(path)")
    }
    #expect(mode("site/731/Name.txt") == 0o640)

    let check = try pikett(["check", "--site", "site"], in: directory)
    #expect(check.status == 1)
    #expect(
      check.output.contains(
        "trunks/GW14/Host.txt: error: the trunk cannot be called; expected: its host, or a Login.txt with which it"))
    #expect(check.output.hasSuffix("\ncheck: 1 error, 2 warnings\n"))
    // Init has said the same.
    for fault in check.output.split(separator: "\n") where fault.contains("; expected: ") {
      #expect(outcome.output.contains("\n  \(fault)\n"), "\(fault)")
    }
    try write(
      ["trunks/GW14/Host.txt": "192.0.2.1\n", "731/Fork.txt": "3472619287\n", "731/SMSNumber.txt": "none\n"],
      in: directory)
    let filled = try pikett(["check", "--site", "site"], in: directory)
    #expect(filled.status == 0 && filled.output.hasSuffix("\ncheck: 0 errors, 0 warnings\n"), "\(filled.output)")
    #expect(filled.output.contains("731     Tech1  registers"))
  }

  @Test func passwordsAreMadeUpForEachSite() throws {
    _ = try pikett(["init", "a"], in: directory)
    _ = try pikett(["init", "b"], in: directory)
    var passwords: Set<String> = []
    for site in ["a", "b"] {
      for number in ["731", "732", "733"] {
        let lines = try text("\(number)/Password.txt", in: directory, site: site).split(separator: "\n")
        let password = String(lines.first ?? "")
        #expect(password.utf8.count == 16 && password.allSatisfy { $0.isLetter || $0.isNumber } && lines.count > 1)
        passwords.insert(password)
      }
    }
    #expect(passwords.count == 6)
    // Neither is told, nor is any in the sample.
    let again = try pikett(["init", "c"], in: directory)
    let mine = try text("731/Password.txt", in: directory, site: "c").prefix(16)
    #expect(!again.output.contains(mine))
  }

  @Test func whatIsThereIsLeftAndNamed() throws {
    try write(["xmlNUMBER.txt": "888\n", "731/Fork.txt": "none\n", "Remarks.doc": "mine"], in: directory)
    let outcome = try pikett(["init", "site"], in: directory)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("\nthere already, and left as they are: 731/Fork.txt, xmlNUMBER.txt\n"))
    #expect(try text("xmlNUMBER.txt", in: directory) == "888\n")
    #expect(try text("731/Fork.txt", in: directory) == "none\n")
    #expect(access(directory.file("site/XMLnumber.txt"), F_OK) != 0)
    // 731 was there: his phone must not need a password from now on.
    #expect(outcome.output.contains("passwords for the phones are in 732/Password.txt, 733/Password.txt\n"))
    #expect(try text("731/Password.txt", in: directory).hasPrefix("\n"))
    // And once more.
    let before = run(["/bin/bash", "-c", "cd '\(directory.path)' && find site -type f | sort | xargs md5sum"]).output
    let again = try pikett(["init", "site"], in: directory).output
    #expect(again.hasPrefix("site: 0 files written\nthere already, and left as they are: "))
    #expect(again.split(separator: "\n")[1].hasSuffix(" files"))
    #expect(
      run(["/bin/bash", "-c", "cd '\(directory.path)' && find site -type f | sort | xargs md5sum"]).output == before)
  }

  @Test func whereNothingCanBeWritten() throws {
    _ = try directory.write("file", [])
    for (target, reason) in [("file", "Not a directory"), ("file/site", "Not a directory"), ("/proc/site", "")] {
      let outcome = try pikett(["init", target], in: directory)
      #expect(outcome.status == 73 && outcome.output.isEmpty, "\(target)")
      #expect(outcome.errors.hasPrefix("pikett: \(target): cannot be ") && outcome.errors.contains(reason))
    }
    try write(["731": "a file where a directory must be"], in: directory)
    #expect(try pikett(["init", "site"], in: directory).status == 73)
  }

  // MARK: - duty

  private let files = [
    "731/Password.txt": "x\n", "731/Name.txt": "Tech1\n", "731/CFNR.txt": "732\n", "732/Password.txt": "x\n",
    "732/CFNR.txt": "799731\n", "forwards/TED_CFU/Target.txt": "731\r\nremarks\r\nstay\r\n",
  ]

  @Test func dutyIsShown() throws {
    try write(files, in: directory)
    for words in [["duty"], ["duty", "show"]] {
      let outcome = try pikett(words + ["--site", "site"], in: directory)
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
      #expect(outcome.output.hasPrefix("731 Tech1 is on duty, says forwards/TED_CFU/Target.txt\n"))
      #expect(outcome.output.hasSuffix("  then again from 1 (731), without end\n"))
    }
  }

  @Test func dutyTellsWhosePhoneIsRegistered() throws {
    var files = files
    files["state/journal"] = ""
    files["state/registrations"] = """
      pikett-registrations 1
      user=732 contact=sip:732@192.0.2.7 by=UDP local=192.0.2.1:5060 remote=192.0.2.7:5060 q=1000 \
      expires=9000000000000000 registered=1350050300000000 call-id=a cseq=1

      """
    try write(files, in: directory)
    let lines = try pikett(["duty", "--site", "site"], in: directory).output.split(separator: "\n")
    #expect(lines.contains { $0.contains("731 Tech1  not registered") })
    #expect(lines.contains { $0.contains("732        registered") })
  }

  @Test func dutyIsSetAndClearedAndTheRestOfTheFileStays() throws {
    try write(files, in: directory)
    chmod(directory.file("site/forwards/TED_CFU/Target.txt"), 0o664)
    for (number, value) in [("732", "732"), ("799*731", "731"), ("799732", "732")] {
      let outcome = try pikett(["duty", "--site", "site", "set", number], in: directory)
      #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.hasPrefix(value), "\(outcome)")
      #expect(try text("forwards/TED_CFU/Target.txt", in: directory) == "\(value)\r\nremarks\r\nstay\r\n")
    }
    #expect(try pikett(["duty", "clear", "--site", "site"], in: directory).output.hasPrefix("nobody is on duty"))
    #expect(try text("forwards/TED_CFU/Target.txt", in: directory) == "\r\nremarks\r\nstay\r\n")
    #expect(mode("site/forwards/TED_CFU/Target.txt") == 0o664)
  }

  @Test func whatIsMissingIsMade() throws {
    var files = files
    files["forwards/TED_CFU/Target.txt"] = nil
    files["CFU.txt"] = "Rota\n"
    try write(files, in: directory)
    #expect(try pikett(["duty", "clear", "--site", "site"], in: directory).status == 0)
    #expect(access(directory.file("site/forwards"), F_OK) != 0)
    #expect(try pikett(["duty", "set", "732", "--site", "site"], in: directory).status == 0)
    let text = try text("forwards/Rota/Target.txt", in: directory)
    #expect(text.hasPrefix("732\nThe number of the user who is on duty"))
    #expect(mode("site/forwards/Rota") == 0o750)
  }

  @Test("names match without regard to case, and no second spelling is made")
  func spelling() throws {
    var files = files
    files["forwards/TED_CFU/Target.txt"] = nil
    files["FORWARDS/ted_cfu/target.TXT"] = "731\n"
    try write(files, in: directory)
    #expect(try pikett(["duty", "set", "732", "--site", "site"], in: directory).status == 0)
    #expect(try text("FORWARDS/ted_cfu/target.TXT", in: directory) == "732\n")
    #expect(access(directory.file("site/forwards"), F_OK) != 0)
  }

  @Test func nobodyUnknownIsPutOnDuty() throws {
    try write(files, in: directory)
    let outcome = try pikett(["duty", "set", "735", "--site", "site"], in: directory)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors == "pikett: there is no user 735; expected one of: 731 (Tech1), 732\n")
    try write(["README.md": ""], in: directory, site: "other")
    #expect(
      try pikett(["duty", "set", "731", "--site", "other"], in: directory).errors
        == "pikett: there is no user 731; expected a site with users; other has none (--site names another)\n")
    #expect(try text("forwards/TED_CFU/Target.txt", in: directory) == files["forwards/TED_CFU/Target.txt"])
  }

  @Test(
    "an object's name leads nowhere else", arguments: ["none", "../../other", "..", ".hidden", "a/b", "/etc"])
  func objectName(name: String) throws {
    var files = files
    files["CFU.txt"] = name
    try write(files, in: directory)
    let outcome = try pikett(["duty", "set", "732", "--site", "site"], in: directory)
    #expect(outcome.status == 1 && outcome.errors.hasPrefix("pikett: CFU.txt: "), "\(outcome)")
    #expect(run(["/bin/ls", directory.path]).output == "site\n")
  }

  @Test func dutyThatCannotBeWritten() throws {
    var files = files
    files["State.txt"] = "occupied"
    files["occupied"] = ""
    try write(files, in: directory)
    let outcome = try pikett(["duty", "set", "732", "--site", "site"], in: directory)
    #expect(outcome.status == 73 && outcome.errors.contains("site/occupied"), "\(outcome)")
    #expect(try text("forwards/TED_CFU/Target.txt", in: directory).hasPrefix("731"))
  }

  @Test("a target that does not count when it was written is told")
  func twins() throws {
    var files = files
    files["forwards/TED_CFU/TARGET.txt"] = "731\n"
    try write(files, in: directory)
    let outcome = try pikett(["duty", "set", "732", "--site", "site"], in: directory)
    #expect(outcome.status == 1 && outcome.errors.contains("pikett check tells why"))
  }

  // MARK: - check

  @Test func checkSaysWhetherItIsWell() throws {
    try write(["731/Password.txt": "x\n", "732/CFNR.txt": "735\n"], in: directory)
    let outcome = try pikett(["check", "--site", "site"], in: directory)
    #expect(outcome.status == 1 && outcome.errors.isEmpty)
    #expect(outcome.output.contains("\n732/CFNR.txt: error: leads to 735, but there is no such user"))
    let before = run(["/usr/bin/find", directory.file("site")]).output
    _ = try pikett(["check", "--site", "site"], in: directory)
    #expect(run(["/usr/bin/find", directory.file("site")]).output == before)
  }

  // MARK: - run

  @Test("a controller that cannot start says why, also under its supervisor")
  func refusedStart() throws {
    try write(["731/Password.txt": "x\n", "Listen.txt": "udp:192.0.2.1:5060\n"], in: directory)
    for words in [["run"], ["run", "--supervise"]] {
      let outcome = try pikett(words + ["--site", "site"], in: directory)
      #expect(outcome.status == 69 && outcome.errors.contains("pikett: Listen.txt: udp:192.0.2.1:5060: Cannot assign"))
    }
  }

  // MARK: - systemd

  @Test func theServiceFileIsUnderstood() throws {
    let root = try #require(packageRoot(above: #filePath))
    var unit = String(decoding: try readFile("\(root)/data/systemd/pikett.service"), as: UTF8.self)
    for needed in ["Restart=always", "RestartSec=0.5", "LimitRTPRIO=10", "ExecStart=/usr/local/bin/pikett run --site"] {
      #expect(unit.contains("\n\(needed)"), "\(needed)")
    }
    // The installed program may not be there; the file is looked at with one that is.
    unit = unit.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("ExecStart=") ? "ExecStart=/bin/true" : String($0) }.joined(separator: "\n")
    let path = try directory.write("pikett.service", Array(unit.utf8))
    let verdict = run([
      "/bin/bash", "-c", "command -v systemd-analyze >/dev/null || exit 0; systemd-analyze verify '\(path)' 2>&1",
    ])
    #expect(verdict.status == 0 && verdict.output.isEmpty, "\(verdict.output)")
  }
}
