import CLinux
import Disk
import Glibc
import PikettTesting
import Synchronization
import Telephony
import Testing

@testable import Records

@Suite("The archive of the recordings")
struct ArchiveTests {
  let folder = TemporaryDirectory()
  let disk = RealFilesystem()
  static let name = "12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap"
  static let later = currentWallTime() + .seconds(40 * 86_400)

  /// A capture of records of these lengths.
  private func capture(_ lengths: [Int]) -> [UInt8] {
    var bytes: [UInt8] = [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0] + [UInt8](repeating: 0, count: 16)
    for (index, length) in lengths.enumerated() {
      bytes += [UInt8](repeating: 1, count: 8) + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
      bytes += [9, 9, 9, 9] + [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: length)
    }
    return bytes
  }

  private func write(_ name: String, _ bytes: [UInt8] = [1]) throws {
    try disk.makeDirectory(Disk.directory(of: folder.file(name)))
    try disk.create(folder.file(name), bytes, sync: false)
  }

  private func archive(_ notes: Log<ArchiveNote> = Log()) -> RecordingArchive { RecordingArchive { notes.add($0) } }

  /// A file's time.
  private func date(_ name: String, _ time: WallTime) {
    let value = timeval(tv_sec: Int(time.microseconds / 1_000_000), tv_usec: Int(time.microseconds % 1_000_000))
    #expect(utimes(folder.file(name), [value, value]) == 0)
  }

  private func keepUp(
    _ archive: inout RecordingArchive, days: Int = 0, at now: WallTime = currentWallTime() + .seconds(60)
  ) -> [String] {
    archive.keepUp(folder.path, days: days, now: now, calendar: .utc).map { fileName(of: $0) }
  }

  /// What the real sha256sum says; its exit code.
  private func sha256sum() -> Int32 {
    system("cd '\(folder.path)' && sha256sum --strict --quiet -c SHA256SUMS >/dev/null 2>&1")
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try disk.read(folder.file(name), limit: 1 << 20), as: UTF8.self)
  }

  @Test("A finished recording gets its line, which sha256sum checks, whatever its length; a changed byte is noticed")
  func seals() throws {
    var archive = archive()
    let names = (1...4).map { "12.10.2012_14.00_Ticket_\($0)_Caller_anonymous.pcap" }
    let contents = [[], capture([]), capture([100, 0, 65_535]), capture([Int](repeating: 1500, count: 500))]
    for (name, content) in zip(names, contents) {
      try write(name, content)
      archive.seal(folder.file(name))
    }
    #expect(try ChecksumList(directory: folder.path).lines().map(\.name) == names)
    #expect(sha256sum() == 0)
    #expect(try disk.status(folder.file("SHA256SUMS"))?.mode == 0o600)
    for (name, content) in zip(names, contents) { #expect(try disk.read(folder.file(name), limit: 1 << 20) == content) }
    #expect(try #require(ChecksumList(directory: folder.path).lines().first).sha256.hasPrefix("e3b0c44298fc1c14"))
    let file = try disk.openForAppend(folder.file(names[1]))
    try file.append([0])
    #expect(sha256sum() != 0)
  }

  @Test("What a crash has left behind gets its line at the next start; what is in progress does not; each has one")
  func makesGood() throws {
    let torn = capture([100, 200, 300]).dropLast(150)
    try write(Self.name, Array(torn))
    try write("12.10.2012_14.00_Call_1350050400.000001_Caller_anonymous.pcap", capture([5]))
    try write("12.10.2012_14.01_Ticket_7_Caller_anonymous.pcap", capture([5]))
    try write("someone.pcap", capture([5]))
    try write("SHA256SUMS", Array("0123".utf8))
    symlink("someone.pcap", folder.file("12.10.2012_14.02_Ticket_8_Caller_anonymous.pcap"))
    let writer = open(folder.file("12.10.2012_14.01_Ticket_7_Caller_anonymous.pcap"), O_WRONLY | O_CLOEXEC)
    #expect(flock(writer, LOCK_EX) == 0)
    let notes = Log<ArchiveNote>()
    var archive = archive(notes)
    let call = "12.10.2012_14.00_Call_1350050400.000001_Caller_anonymous.pcap"
    #expect(keepUp(&archive) == [call, Self.name])
    #expect(keepUp(&archive) == [])
    #expect(notes.all.contains(.tornRecordCut(path: folder.file(Self.name), bytes: 166)))
    #expect(try disk.read(folder.file(Self.name), limit: 1 << 20) == capture([100, 200]))
    #expect(sha256sum() == 0)
    close(writer)
    #expect(keepUp(&archive) == ["12.10.2012_14.01_Ticket_7_Caller_anonymous.pcap"])
    // Told as closed only now.
    archive.seal(folder.file("12.10.2012_14.01_Ticket_7_Caller_anonymous.pcap"))
    #expect(try ChecksumList(directory: folder.path).lines().count == 3)
    #expect(sha256sum() == 0)
  }

  @Test("Retention deletes what is old, and only that, and says what it was; sha256sum stays content")
  func retires() throws {
    let old = (1...6).map { "12.10.2012_14.00_Ticket_\($0)_Caller_0347-1.pcap" }
    let day = LocalCalendar.utc.local(Self.later + .seconds(-10 * 86_400)).dottedDate
    let young = "\(day)_14.00_Ticket_9_Caller_0347.pcap"
    for name in old + [young] { try write(name, capture([name.utf8.count])) }
    for name in ["wav", "-1.wav", "-left.wav"] {
      try write(old[0].dropLast(5) + (name.hasPrefix("-") ? name : "." + name), [UInt8](name.utf8))
    }
    try write(old[0] + ".lost-51200")
    // Foreign files, though some look alike.
    let foreign = ["12.10.2012_14.00_Ticket_1_Caller_0347.pcap.bak", "12.10.2012_Ticket_1.pcap", "notes.txt", "x.wav"]
    for name in foreign { try write(name) }
    try write("outside/secret")
    let link = "12.10.2012_14.00_Ticket_77_Caller_0347.pcap"
    symlink("outside/secret", folder.file(link))
    // Held by its name, without ending and in other letters, by a link.
    try write("Hold/" + old[1])
    try write("Hold/" + old[2].dropLast(5).asciiUppercased)
    symlink("nowhere", folder.file("Hold/" + old[3]))
    let notes = Log<ArchiveNote>()
    var archive = archive(notes)
    #expect(keepUp(&archive).count == 7)
    let writer = open(folder.file(old[4]), O_WRONLY | O_CLOEXEC)
    #expect(flock(writer, LOCK_EX) == 0)
    let sums = try ChecksumList(directory: folder.path).lines()
    #expect(keepUp(&archive, days: 30, at: Self.later) == [])
    close(writer)

    let left = try disk.list(folder.path)
    let expected = Array(old[1...4]) + [young, link, "Hold", "outside", "SHA256SUMS", "deleted.log"] + foreign
    #expect(left == expected.sorted())
    #expect(try disk.status(folder.file("outside/secret")) != nil)
    let lines = try text("deleted.log").split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    let stem = old[0].dropLast(5)
    #expect(lines.map { $0[1] } == [old[0], stem + "-1.wav", stem + "-left.wav", stem + ".wav", old[5]])
    #expect(lines.allSatisfy { $0.count == 5 && $0[4] == "older than 30 days (Retention.txt)" })
    #expect(lines[0][0] == LocalCalendar.utc.local(Self.later).stamp.replacing(" ", with: "T") + "Z")
    #expect(lines[0][2] == "\(capture([old[0].utf8.count]).count)")
    #expect(lines[0][3] == sums.first { $0.name == old[0] }?.sha256)
    #expect(notes.all.contains(.deleted(path: folder.file(old[5]), bytes: 84)))
    #expect(try ChecksumList(directory: folder.path).lines().map(\.name) == Array(old[1...4]) + [young])
    #expect(sha256sum() == 0)
  }

  @Test("A recording whose file is younger than its name, as one copied back, is kept; 0 days keep everything")
  func isCareful() throws {
    try write(Self.name, capture([1]))
    var archive = archive()
    _ = keepUp(&archive, days: 30)
    _ = keepUp(&archive, days: 0, at: Self.later)
    #expect(try disk.status(folder.file(Self.name)) != nil)
  }

  @Test("A crash between the line and the deed brings no second line")
  func goesOn() throws {
    try write(Self.name, capture([1]))
    var archive = archive()
    _ = keepUp(&archive)
    _ = keepUp(&archive, days: 30, at: Self.later)
    let log = try text("deleted.log")
    #expect(log.split(separator: "\n").count == 1)
    try write(Self.name, capture([1]))
    _ = keepUp(&archive, at: Self.later)
    _ = keepUp(&archive, days: 30, at: Self.later + .seconds(40 * 86_400))
    #expect(try text("deleted.log") == log)
    #expect(try disk.list(folder.path) == ["SHA256SUMS", "deleted.log"])
    #expect(try text("SHA256SUMS") == "")
  }

  @Test("What the list of checksums cannot be read for, or hold/, hinders all deletion")
  func errsSafely() throws {
    try write(Self.name, capture([1]))
    var archive = archive()
    _ = keepUp(&archive)
    try write("hold", [])
    _ = keepUp(&archive, days: 30, at: Self.later)
    #expect(try disk.status(folder.file(Self.name)) != nil)
  }

  @Test("A file that cannot be opened or cut hinders no other; it is told once, and looked at more and more rarely")
  func goesRound() throws {
    let names = (1...3).map { "12.10.2012_14.00_Ticket_\($0)_Caller_0347.pcap" }
    // A program that runs cannot be written, not even by root.
    try write(names[0], disk.read("/bin/sleep", limit: 1 << 24))
    chmod(folder.file(names[0]), 0o700)
    let busy = try #require(start(folder.file(names[0]), "60"))
    defer {
      kill(busy, SIGKILL)
      waitpid(busy, nil, 0)
    }
    symlink(names[1], folder.file(names[1]))
    try write(names[2], capture([1]))
    try disk.makeDirectory(folder.file(names[2] + ".cut"))
    let notes = Log<ArchiveNote>()
    var archive = archive(notes)
    #expect(keepUp(&archive, days: 30, at: Self.later) == [names[2]])
    let faults = notes.all.filter { if case .fault = $0 { true } else { false } }
    #expect(
      faults == [
        .fault(DiskError(folder.file(names[0]), .open, ETXTBSY)),
        .fault(DiskError(folder.file(names[2] + ".cut"), .remove, EISDIR)),
      ])
    #expect(archive.comesAgain == .seconds(120))
    let count = notes.all.count
    for _ in 0..<6 { _ = keepUp(&archive, days: 30, at: Self.later) }
    #expect(notes.all.count == count && archive.comesAgain == .seconds(3600))
    rmdir(folder.file(names[2] + ".cut"))
    kill(busy, SIGKILL)
    waitpid(busy, nil, 0)
    _ = keepUp(&archive, days: 30, at: Self.later)
    #expect(archive.comesAgain == nil)
    #expect(try disk.list(folder.path) == [names[1], "SHA256SUMS", "deleted.log"])
  }

  private func start(_ program: String, _ argument: String) -> pid_t? {
    var child = pid_t()
    var words = [strdup(program), strdup(argument), nil]
    defer { for word in words { free(word) } }
    return posix_spawn(&child, program, nil, nil, &words, environ) == 0 ? child : nil
  }

  @Test("A recording that somebody copies here is left alone until a minute has passed; what a former run left is not")
  func waits() throws {
    let now = currentWallTime()
    var archive = RecordingArchive(began: now + .seconds(-100)) { _ in }
    let torn = Array(capture([100, 200]).dropLast(150))
    try write(Self.name, torn)
    date(Self.name, now)
    let left = "12.10.2012_14.00_Ticket_2_Caller_0347.pcap"
    try write(left, torn)
    date(left, now + .seconds(-101))
    #expect(keepUp(&archive, at: now + .seconds(20)) == [left])
    #expect(try disk.read(folder.file(Self.name), limit: 1 << 20) == torn)
    let wait = try #require(archive.comesAgain)
    #expect(wait == .seconds(40))
    #expect(keepUp(&archive, at: now + .seconds(20) + wait) == [Self.name])
    #expect(archive.comesAgain == nil)

    // A former run's last writes, too, may be another's.
    var second = RecordingArchive(began: now) { _ in }
    let last = "12.10.2012_14.00_Ticket_3_Caller_0347.pcap"
    try write(last, torn)
    date(last, now + .seconds(-1))
    #expect(keepUp(&second, at: now) == [])
    #expect(keepUp(&second, at: now + (try #require(second.comesAgain))) == [last])
  }

  @Test(
    "A name in hold/ that begins with a recording's holds it",
    arguments: [".pcap.txt", ".wav", ".pcap ", "-1.wav", " the accident", ".PCAP"])
  func holds(_ ending: String) throws {
    try write(Self.name, capture([1]))
    try write("hold/" + Self.name.dropLast(5).asciiUppercased + ending)
    try write("hold/12.10.2012_14.00_Ticket_1")
    try write("hold/z")
    var archive = archive()
    _ = keepUp(&archive, days: 30, at: Self.later)
    #expect(try disk.status(folder.file(Self.name)) != nil)
    try disk.remove(folder.file("hold/" + Self.name.dropLast(5).asciiUppercased + ending))
    _ = keepUp(&archive, days: 30, at: Self.later)
    #expect(try disk.status(folder.file(Self.name)) == nil)
  }

  @Test("A recording of this process grows old by a clock that nobody sets: one that was wrong deletes nothing")
  func distrusts() throws {
    let uptime = Log<Int64>()
    uptime.add(1000)
    var archive = RecordingArchive(uptime: { uptime.all.last ?? 0 }, note: { _ in })
    try write(Self.name, capture([1]))
    archive.seal(folder.file(Self.name), isRemembered: true)
    date(Self.name, WallTime(microseconds: 1_350_050_400_000_000))
    _ = keepUp(&archive, days: 30)
    uptime.add(1000 + 30 * 86_400)
    _ = keepUp(&archive, days: 30)
    #expect(try disk.status(folder.file(Self.name)) != nil)
    uptime.add(1001 + 30 * 86_400)
    _ = keepUp(&archive, days: 30)
    #expect(try disk.status(folder.file(Self.name)) == nil)
  }

  @Test("A recording's name: the ending is the last, and no line ends in it")
  func names() {
    let start = "12.10.2012_14.00_Ticket_1234_Caller_"
    for caller in ["0347", "1.pcap", ".pcap", "1.pcap_2", "a.pcap.b"] {
      #expect(RecordingNameLayout(start + caller + ".pcap") != nil, "\(caller)")
    }
    for caller in ["", "0347\n", "a\u{1F}b", "a\u{7F}"] {
      #expect(RecordingNameLayout(start + caller + ".pcap") == nil, "\(caller)")
    }
    for name in [start + "pcap", start + ".pca", "12.10.2012_14.00_Call_\n_Caller_1.pcap"] {
      #expect(RecordingNameLayout(name) == nil)
    }
    #expect(RecordingNameLayout(start + "1.pcap_2.pcap")?.copy == 2)
  }

  @Test("Marks say what is missing; a disk that refuses is tried again")
  func marks() throws {
    let notes = Log<ArchiveNote>()
    var archive = archive(notes)
    let path = folder.file("recording/" + Self.name)
    try write("recording")
    archive.mark(path, .lost(bytes: 51_200))
    #expect(archive.hasWaitingMarks && notes.all.count == 1)
    try disk.remove(folder.file("recording"))
    try write("recording/" + Self.name, capture([1]))
    archive.retryMarks()
    #expect(!archive.hasWaitingMarks)
    archive.mark(path, .cut)
    #expect(
      try disk.list(folder.file("recording")) == [Self.name, Self.name + ".cut", Self.name + ".lost-51200"])
    #expect(RecordingMark.read(Self.name + ".lost-51200")?.mark == .lost(bytes: 51_200))
    for other in [".lost-", ".lost--1", ".lost-1x", ".cut2", ""] {
      #expect(RecordingMark.read(Self.name + other) == nil)
    }
    #expect(RecordingMark.read("notes.pcap.cut") == nil)
  }

  @Test("Which recordings have no WAV yet")
  func waves() throws {
    var archive = archive()
    let names = (1...5).map { "12.10.2012_14.00_Ticket_\($0)_Caller_0347.pcap" }
    for name in names { try write(name, capture([1])) }
    try write(names[0].dropLast(5) + ".wav")
    try write(names[1].dropLast(5) + "-1.wav")
    let writer = open(folder.file(names[2]), O_WRONLY | O_CLOEXEC)
    #expect(flock(writer, LOCK_EX) == 0)
    defer { close(writer) }
    try disk.openForAppend(folder.file(names[4])).truncate(to: 0)
    #expect(archive.withoutWave(folder.path, now: currentWallTime()) == [])
    #expect(archive.withoutWave(folder.path, now: currentWallTime() + .seconds(61)) == [folder.file(names[3])])
    #expect(archive.withoutWave(folder.path, now: Self.later) == [])
  }
}

extension StringProtocol {
  fileprivate var asciiUppercased: String {
    String(decoding: utf8.map { $0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0 }, as: UTF8.self)
  }
}
