import Disk
import Glibc
import PikettTesting
import Telephony
import Testing

@Suite("the disk in memory")
struct MemoryFilesystemTests {
  @Test("what was not synced is gone after a power cut")
  func strict() throws {
    let disk = MemoryFilesystem()
    try disk.makeDirectory("d")
    try disk.create("d/synced", [1, 2], sync: true)
    try disk.create("d/unsynced", [1, 2], sync: false)
    try disk.syncDirectory("d")
    try disk.openForAppend("d/synced").append([3])
    try disk.create("d/nameless", [1], sync: true)
    try disk.move("d/unsynced", to: "d/moved")
    let after = disk.afterPowerCut(seed: nil)
    #expect(after.paths == ["d/synced", "d/unsynced"])
    #expect(try after.read("d/synced", limit: 9) == [1, 2])
    #expect(try after.read("d/unsynced", limit: 9) == [])
    #expect(disk.afterKill().paths == ["d/moved", "d/nameless", "d/synced"])
  }

  @Test("with a seed some of it survives, one way or another")
  func seeded() throws {
    let disk = MemoryFilesystem()
    try disk.create("old", [1], sync: true)
    try disk.syncDirectory(".")
    try disk.move("old", to: "new")
    try disk.openForAppend("new").append([2, 3, 4])
    var seen: Set<String> = []
    for seed in 0..<200 as Range<UInt64> {
      let after = disk.afterPowerCut(seed: seed)
      seen.insert("\(after.paths) \(try after.read(try #require(after.paths.first), limit: 9))")
      #expect(after.paths.count == 1)
    }
    for expected in ["[\"old\"] [1]", "[\"new\"] [1]", "[\"new\"] [1, 2, 3, 4]", "[\"new\"] [1, 0, 0]"] {
      #expect(seen.contains(expected))
    }
  }

  @Test("steps can fail, and the machine can die at one")
  func plan() throws {
    let disk = MemoryFilesystem()
    try disk.create("log", [], sync: false)
    disk.plan { $0.number == 2 ? .failed(ENOSPC) : $0.number == 4 ? .dead : .done }
    let file = try disk.openForAppend("log")
    #expect(throws: DiskError.self) { try file.append([1, 2]) }
    try file.append([3])
    #expect(throws: DiskError.self) { try file.append([4, 5]) }
    #expect(disk.isDead)
    #expect(throws: DiskError.self) { try disk.read("log", limit: 9) }
    #expect(try disk.afterKill().read("log", limit: 9) == [1, 3, 4])
  }

  @Test("both sides of the protocol behave alike")
  func alike() throws {
    let folder = TemporaryDirectory()
    for (disk, root) in [(RealFilesystem(), folder.path), (MemoryFilesystem(), "r")] as [(any Filesystem, String)] {
      try disk.makeDirectory(root + "/a/b")
      try disk.create(root + "/a/x", [1], sync: true)
      try disk.replace(root + "/a/x", [2, 3], sync: true)
      try disk.replace(root + "/a/y", [4], sync: false)
      try disk.move(root + "/a/y", to: root + "/a/b/z")
      #expect(try disk.list(root + "/a") == ["b", "x"])
      #expect(try disk.list(root + "/a/b") == ["z"])
      #expect(try disk.read(root + "/a/x", limit: 2) == [2, 3])
      #expect(try disk.status(root + "/a/b")?.isDirectory == true)
      #expect(try disk.status(root + "/a/no") == nil)
      #expect(throws: DiskError.self) { try disk.create(root + "/a/x", [], sync: false) }
      #expect(throws: DiskError.self) { try disk.create(root + "/no/x", [], sync: false) }
      #expect(throws: DiskError.self) { try disk.read(root + "/a/no", limit: 1) }
      #expect(throws: DiskError.self) { try disk.list(root + "/no") }
      #expect(throws: DiskError.self) { try disk.move(root + "/no", to: root + "/a/q") }
      #expect(throws: DiskError.self) { try disk.sync(root + "/no") }
      #expect(throws: DiskError.self) { try disk.syncDirectory(root + "/no") }
    }
  }
}
