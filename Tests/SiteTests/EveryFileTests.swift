import Hunting
import Telephony
import Testing

@testable import Site

/// Every value file, one row each: what it means missing, blank, good, `none`, bad, unreadable, and after a change.
@Suite("Site: every value file")
struct EveryFileTests {
  /// The sounds, which are no value files.
  static let soundFiles = ["queues/Q/Announcement.wav", "queues/Q/Hold.wav"]
  /// Certificates and keys, which are none either.
  static let pemFiles = ["tls/Certificate.pem", "tls/Key.pem", "tls/CA.pem", "trunks/GW14/CA.pem"]
  /// Under its name the original's files may hold what is in `Target.txt`.
  static let aliases = ["forwards/TED_CFU/CFU.txt"]

  private func faults(_ reading: SiteReading, at path: String) -> [SiteFault] {
    reading.faults.filter { $0.path.equalsIgnoringCase(path) && $0.severity == .error }
  }

  /// What every file means in `site`.
  private func meanings(_ site: SiteSnapshot) -> [String: String] {
    Dictionary(uniqueKeysWithValues: EveryFile.rows.map { ($0.path, $0.value(site)) })
  }

  @Test("There is a row for each file that is looked for, and for no other")
  func complete() {
    let rows = EveryFile.rows.map(\.path)
    #expect(Set(rows).count == rows.count)
    let places = EveryFile.read([:]).places.union(EveryFile.read(["forwards/TED_CFU/Target.txt": nil]).places)
    // What is read of the second user is read of the first.
    let known = Set(places.filter { !$0.hasPrefix("732/") && !$0.hasPrefix(SiteReader.builtIn) })
    #expect(Set(rows + EveryFileTests.soundFiles + EveryFileTests.pemFiles).subtracting(known) == [], "not looked for")
    #expect(
      known.subtracting(rows + EveryFileTests.soundFiles + EveryFileTests.pemFiles + EveryFileTests.aliases) == [],
      "no row")
  }

  @Test("Missing or blank: the default", arguments: EveryFile.rows)
  func standard(row: ValueFileRow) {
    let blanks = [nil, "", "\r\n", "\u{FEFF}\n", "\nonly a remark\n"] + (row.keepsBlanks ? [] : ["  \t\r\nremark"])
    for text in blanks {
      let reading = EveryFile.read([row.path: text])
      #expect(row.value(reading.snapshot) == row.standard, "“\(text ?? "(missing)")”")
      #expect(!faults(reading, at: row.path).contains { $0.problem.hasSuffix("is not understood") })
    }
  }

  @Test(
    "A good value, with remarks, byte order mark, CR, Windows-1252, in a file of another case",
    arguments: EveryFile.rows)
  func good(row: ValueFileRow) {
    let text = row.good.text
    for written in [
      text, text + "\n", text + "\r\nremark: \(row.bad ?? "x")\r\n", "\u{FEFF}\(text)\n", text + "\rremark",
    ] {
      let reading = EveryFile.read([row.path: written])
      #expect(row.value(reading.snapshot) == row.good.value, "“\(written)”")
      #expect(
        faults(reading, at: row.path).filter { $0.problem.contains("understood") || $0.problem.contains("text") } == [])
    }
    var files = EveryFile.base.mapValues { Array($0.utf8) }
    files[row.path] = Array(text.utf8) + [0x0A, 0xFC, 0x62, 0x65, 0x72, 0x20, 0x80]
    #expect(row.value(SiteReading(files: files).snapshot) == row.good.value)
    files[row.path] = nil
    let name = row.path.split(separator: "/").last.map(String.init) ?? ""
    files[row.path.dropLast(name.count) + name.uppercased()] = Array(text.utf8)
    #expect(row.value(SiteReading(files: files).snapshot) == row.good.value, "in capitals")
  }

  @Test("none", arguments: EveryFile.rows)
  func none(row: ValueFileRow) {
    for text in ["none", "NONE\nremark"] {
      let reading = EveryFile.read([row.path: text])
      switch row.off {
      case .value(let value):
        #expect(row.value(reading.snapshot) == value)
        #expect(!faults(reading, at: row.path).contains { $0.problem.hasSuffix("is not understood") })
      case .bad:
        #expect(row.value(reading.snapshot) == row.standard)
        #expect(faults(reading, at: row.path).contains { $0.problem.hasSuffix("is not understood") })
      }
    }
  }

  @Test(
    "A bad value: path, problem and what was expected are told; the last good value stays", arguments: EveryFile.rows)
  func bad(row: ValueFileRow) {
    let before = EveryFile.read([row.path: row.good.text]).snapshot
    let meant = meanings(before)
    for text in [row.bad, "\u{1}b"].compactMap({ $0 }) {
      let problem =
        text == "\u{1}b"
        ? "is no text in UTF-8 or Windows-1252"
        : row.isConfidential ? "is not understood" : "“\(text)” is not understood"
      var site = before
      for _ in 1...2 {
        let reading = EveryFile.read([row.path: text], previous: site)
        #expect(faults(reading, at: row.path).contains(SiteFault(row.path, problem, expected: row.expected)))
        #expect(meanings(reading.snapshot) == meant, "“\(text)”")
        site = reading.snapshot
      }
      let first = EveryFile.read([row.path: text])
      #expect(row.value(first.snapshot) == row.standard, "“\(text)” where nothing was understood before")
      #expect(faults(first, at: row.path).contains(SiteFault(row.path, problem, expected: row.expected)))
    }
  }

  @Test(
    "Too long, unreadable, twice there, or a directory: told, and the last good value stays", arguments: EveryFile.rows)
  func broken(row: ValueFileRow) {
    let before = EveryFile.read([row.path: row.good.text]).snapshot
    let meant = meanings(before)
    var files = EveryFile.base.mapValues { Array($0.utf8) }
    files[row.path] = nil

    func check(_ files: [String: [UInt8]], unreadable: [String: String] = [:], _ problem: String) {
      let reading = SiteReading(files: files, unreadable: unreadable, previous: before)
      let told = faults(reading, at: row.path).filter { $0.problem.hasPrefix(problem) }
      #expect(told.count == 1 && told.first?.expected.isEmpty == false, "\(reading.faults)")
      #expect(meanings(reading.snapshot) == meant, "\(problem)")
    }

    let long = Array(row.good.text.utf8) + [0x0A] + Array(repeating: UInt8(ascii: "x"), count: 65_536)
    check(files.merging([row.path: long]) { $1 }, "is longer than 64 KB")
    let longest = Array(long.prefix(65_536))
    #expect(row.value(SiteReading(files: files.merging([row.path: longest]) { $1 }).snapshot) == row.good.value)
    check(files, unreadable: [row.path: "cannot be read: Permission denied"], "cannot be read")
    let twin = row.path.replacing(".txt", with: ".TXT")
    check(
      files.merging([row.path: Array(row.good.text.utf8), twin == row.path ? row.path.asciiLowercased : twin: [0x31]]) {
        $1
      },
      "stands there twice")
    check(files.merging([row.path + "/": []]) { $1 }, "is a directory")
  }

  @Test(
    "Changed: the new snapshot differs there and nowhere else; changed back, it is the old one",
    arguments: EveryFile.rows)
  func changed(row: ValueFileRow) {
    let old = EveryFile.read([:]).snapshot
    let new = EveryFile.read([row.path: row.good.text], previous: old).snapshot
    let (before, after) = (meanings(old), meanings(new))
    let differing = before.keys.filter { before[$0] != after[$0] }
    #expect(differing.contains(row.path), "nothing has changed")
    #expect(Set(differing).subtracting(row.also + [row.path]) == [])
    #expect(meanings(EveryFile.read([:], previous: new).snapshot) == before)
  }

  @Test("Sounds: missing, empty, no WAV file, unreadable, twice there", arguments: soundFiles)
  func sounds(path: String) {
    let wave = Array("RIFF\u{4}\u{0}\u{0}\u{0}WAVE".utf8)
    let get = { (site: SiteSnapshot) in
      path.hasSuffix("Hold.wav") ? site.queue("Q")?.hold : site.queue("Q")?.announcement
    }
    let base = EveryFile.base.mapValues { Array($0.utf8) }
    func read(_ changes: [String: [UInt8]], unreadable: [String: String] = [:]) -> SiteReading {
      SiteReading(files: base.merging(changes) { $1 }, unreadable: unreadable)
    }
    #expect(get(read([:]).snapshot) == nil)
    let good = read([path.asciiLowercased: wave])
    #expect(get(good.snapshot) == path.asciiLowercased && good.audioFiles.map(\.bytes) == [wave])
    #expect(!good.faults.contains { $0.path.equalsIgnoringCase(path) })
    for (reading, problem) in [
      (read([path: []]), "is empty"), (read([path: Array("MP3".utf8)]), "is no WAV file"),
      (read([:], unreadable: [path: "cannot be read: Permission denied"]), "cannot be read"),
      (read([path: wave, path.asciiLowercased: wave]), "stands there twice"),
      (read([path + "/": []]), "is a directory"),
    ] {
      #expect(faults(reading, at: path).contains { $0.problem.hasPrefix(problem) }, "\(reading.faults)")
      // The path stays: what sounded there before goes on.
      #expect(get(reading.snapshot) != nil || problem == "is a directory")
    }
  }

  @Test("Certificates: missing, empty, too long, unreadable, twice there", arguments: pemFiles)
  func certificates(path: String) {
    let pem = Array("-----BEGIN".utf8)
    let get = { (site: SiteSnapshot) in
      let paths = [
        site.tls.certificate, site.tls.key, site.tls.authorities, site.trunk("GW14")?.authorities,
      ]
      return paths[EveryFileTests.pemFiles.firstIndex(of: path) ?? 0]
    }
    let base = EveryFile.base.mapValues { Array($0.utf8) }
    func read(_ changes: [String: [UInt8]], unreadable: [String: String] = [:]) -> SiteReading {
      SiteReading(files: base.merging(changes) { $1 }, unreadable: unreadable)
    }
    #expect(get(read([:]).snapshot) == nil)
    let good = read([path.asciiLowercased: pem])
    #expect(get(good.snapshot) == path.asciiLowercased && good.pemFiles.map(\.bytes.secret) == [pem])
    #expect(!"\(good.pemFiles)".contains("45, 45"), "a key is a secret")
    #expect(!good.faults.contains { $0.path.equalsIgnoringCase(path) })
    for (reading, problem) in [
      (read([path: []]), "is empty"), (read([path: Array(repeating: 0x2D, count: 65_537)]), "is longer than 64 KB"),
      (read([:], unreadable: [path: "cannot be read: Permission denied"]), "cannot be read"),
      (read([path: pem, path.asciiLowercased: pem]), "stands there twice"),
      (read([path + "/": []]), "is a directory"),
    ] {
      #expect(faults(reading, at: path).contains { $0.problem.hasPrefix(problem) }, "\(reading.faults)")
    }
  }
}
