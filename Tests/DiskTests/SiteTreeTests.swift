import Disk
import Glibc
import PikettTesting
import Testing

@Suite("reading a site's directory")
struct SiteTreeTests {
  @Test("value and sound files down to users' providers; nothing that Pikett writes, nothing foreign")
  func tree() throws {
    let disk = MemoryFilesystem()
    let files = [
      "XMLnumber.txt", "TickeNR.TXT", "731/Name.txt", "731/sms/own/URL.txt", "queues/TED_WQ10/Hold.WAV",
      "ticket/a.txt", "recording/b.txt", "cdr/c.txt", "spool/sms/d.txt", "state/e.txt", "Spool/f.txt", "voices/g.txt",
      "notes.doc", "731/photo.jpg", ".hidden.txt", "731/.git/h.txt", "a/b/c/d/too-deep.txt",
    ]
    for file in files {
      try disk.makeDirectory(directory(of: "site/" + file))
      try disk.create("site/" + file, [0x31], sync: false)
    }
    try disk.makeDirectory("site/732")
    let tree = readTree("site", on: disk, skipping: ["voices"])
    #expect(
      tree.files.keys.sorted() == [
        "731/Name.txt", "731/sms/own/URL.txt", "TickeNR.TXT", "XMLnumber.txt", "queues/TED_WQ10/Hold.WAV",
      ])
    #expect(
      tree.directories.sorted() == [
        "731", "731/sms", "731/sms/own", "732", "a", "a/b", "a/b/c", "queues", "queues/TED_WQ10",
      ])
    #expect(tree.faults.isEmpty)
  }

  @Test("a file beyond its limit is cut to one byte more")
  func limits() throws {
    let disk = MemoryFilesystem()
    try disk.makeDirectory("site")
    try disk.create("site/a.txt", [UInt8](repeating: 0x31, count: 100_000), sync: false)
    try disk.create("site/b.wav", [UInt8](repeating: 0x31, count: 100_000), sync: false)
    let tree = readTree("site", on: disk)
    #expect(tree.files["a.txt"]?.count == SiteTree.valueLimit + 1)
    #expect(tree.files["b.wav"]?.count == 100_000)
  }

  @Test("a site that is not there is a fault with its path")
  func missing() {
    #expect(
      readTree("/no/such/site", on: RealFilesystem()).faults.map(\.description) == [
        "/no/such/site: cannot be listed: No such file or directory"
      ])
  }

  @Test("links lead to files and directories elsewhere; pipes, loops and directories in a file's place do no harm")
  func oddities() throws {
    let folder = TemporaryDirectory()
    let disk = RealFilesystem()
    let site = joined(folder.path, "site")
    for place in ["secrets", "shared/Night", "site/731", "site/queues", "site/732/Name.txt"] {
      try disk.makeDirectory(joined(folder.path, place))
    }
    try disk.create(joined(folder.path, "secrets/731"), Array("secret".utf8), sync: false)
    try disk.create(joined(folder.path, "shared/Night/Number.txt"), Array("720".utf8), sync: false)
    symlink(joined(folder.path, "secrets/731"), joined(site, "731/Password.txt"))
    symlink(joined(folder.path, "shared/Night"), joined(site, "queues/Night"))
    symlink(joined(folder.path, "nowhere"), joined(site, "731/Contact.txt"))
    symlink("..", joined(site, "731/loop"))
    mkfifo(joined(site, "731/Fork.txt"), 0o600)
    let tree = readTree(site, on: disk)
    #expect(tree.files["731/Password.txt"] == Array("secret".utf8))
    #expect(tree.files["queues/Night/Number.txt"] == Array("720".utf8))
    #expect(tree.files["731/Contact.txt"] == nil && tree.files["731/Fork.txt"] == nil)
    #expect(tree.directories.contains("732/Name.txt"))
    #expect(tree.directories.filter { $0.contains("loop") }.count < 20)
    #expect(tree.faults.isEmpty)
  }
}
