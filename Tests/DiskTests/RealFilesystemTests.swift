import Disk
import Glibc
import PikettTesting
import Telephony
import Testing

@Suite("real files")
struct RealFilesystemTests {
  let folder = TemporaryDirectory()
  let disk = RealFilesystem()

  private func path(_ name: String) -> String { joined(folder.path, name) }

  /// What `body` is refused with.
  private func refusal(_ body: () throws(DiskError) -> Void) -> DiskError? {
    do throws(DiskError) {
      try body()
      return nil
    } catch { return error }
  }

  @Test("files are 0600, directories 0750 or 0700")
  func modes() throws {
    try disk.makeDirectory(path("a/b/c"))
    try disk.create(path("a/b/c/file"), [1, 2, 3], sync: true)
    try disk.replace(path("a/new"), [4], sync: true)
    try disk.openForAppend(path("a/log")).append([5])
    _ = try disk.lock(path("a/lock"))
    for directory in ["a", "a/b", "a/b/c"] { #expect(try disk.status(path(directory))?.mode == 0o750) }
    for file in ["a/b/c/file", "a/new", "a/log", "a/lock"] { #expect(try disk.status(path(file))?.mode == 0o600) }
    try disk.makeDirectory(path("p/q"), isPrivate: true)
    for directory in ["p", "p/q"] { #expect(try disk.status(path(directory))?.mode == 0o700) }
    try disk.makeDirectory(path("a/b"))
    #expect(try disk.list(path("a")) == ["b", "lock", "log", "new"])
  }

  @Test("what root makes belongs to the directory's owner; what is there stays its owner's")
  func owners() throws {
    try disk.makeDirectory(path("state"))
    try disk.create(path("state/old"), [], sync: false)
    let owner: uid_t = geteuid() == 0 ? 65_534 : geteuid()
    chown(path("state"), owner, getegid())
    _ = try disk.lock(path("state/lock"))
    try disk.create(path("state/new"), [], sync: false)
    try disk.replace(path("state/value"), [1], sync: true)
    try disk.openForAppend(path("state/log")).append([2])
    try disk.makeDirectory(path("state/a/b"))
    try disk.openForAppend(path("state/old")).append([3])
    for name in ["lock", "new", "value", "log", "a", "a/b"] {
      #expect(ownerID(path("state/" + name)) == owner, "\(name)")
    }
    #expect(ownerID(path("state/old")) == geteuid())
    try disk.replace(path("state/old"), [4], sync: true)
    #expect(ownerID(path("state/old")) == geteuid())
  }

  @Test("a command of root's follows no link that somebody has laid to what is not his", .enabled(if: geteuid() == 0))
  func links() throws {
    let wary = RealFilesystem(isWary: true)
    let owner: uid_t = 65_534
    try disk.makeDirectory(path("site"))
    try disk.makeDirectory(path("private"))
    try disk.create(path("private/shadow"), Array("root".utf8), sync: false)
    try disk.create(path("own"), [], sync: false)
    chown(path("own"), owner, getegid())
    let links = [
      "value": path("private/shadow"), "lock": path("private/nologin"), "folder": path("private"), "mine": path("own"),
      "roots": path("private/shadow"),
    ]
    for (name, target) in links {
      symlink(target, path("site/" + name))
      if name != "roots" { lchown(path("site/" + name), owner, getegid()) }
    }
    chown(path("site"), owner, getegid())
    for name in ["value", "lock", "folder/new"] {
      let place = path("site/" + name)
      #expect(refusal { () throws(DiskError) in try wary.replace(place, [1], sync: true) }?.code == EPERM, "\(name)")
      #expect(refusal { () throws(DiskError) in _ = try wary.lock(place) }?.code == EPERM, "\(name)")
      #expect(refusal { () throws(DiskError) in _ = try wary.openForAppend(place) }?.code == EPERM, "\(name)")
    }
    #expect(refusal { () throws(DiskError) in try wary.create(path("site/folder/x"), [], sync: false) }?.code == EPERM)
    #expect(try disk.list(path("private")) == ["shadow"])
    #expect(try disk.read(path("private/shadow"), limit: 10) == Array("root".utf8))
    // What he could do himself, and what root has laid there.
    try wary.replace(path("site/mine"), [2], sync: true)
    try wary.replace(path("site/roots"), [3], sync: true)
    #expect(try disk.read(path("own"), limit: 10) == [2])
    #expect(try disk.read(path("private/shadow"), limit: 10) == [3])
  }

  private func ownerID(_ path: String) -> uid_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_uid : nil
  }

  @Test("exclusive creation, reading with a limit, removal")
  func createAndRead() throws {
    try disk.create(path("x"), [1, 2, 3], sync: false)
    #expect(refusal { () throws(DiskError) in try disk.create(path("x"), [], sync: false) }?.isExisting == true)
    #expect(try disk.read(path("x"), limit: 3) == [1, 2, 3])
    #expect(refusal { () throws(DiskError) in _ = try disk.read(path("x"), limit: 2) }?.isTooLarge == true)
    #expect(try disk.readPrefix(path("x"), limit: 2) == [1, 2])
    #expect(refusal { () throws(DiskError) in _ = try disk.read(path("y"), limit: 2) }?.isNotFound == true)
    let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
    try disk.create(path("large"), large, sync: false)
    #expect(try disk.read(path("large"), limit: 200_000) == large)
    try disk.remove(path("x"))
    try disk.remove(path("x"))
    #expect(try disk.status(path("x")) == nil)
    #expect(try disk.status(path("large"))?.size == 200_000)
  }

  @Test("a replaced file keeps its mode, and a symbolic link to it stays one")
  func replace() throws {
    try disk.create(path("real"), Array("old".utf8), sync: false)
    chmod(path("real"), 0o644)
    symlink("real", path("link"))
    try disk.replace(path("link"), Array("new".utf8), sync: true)
    #expect(try disk.read(path("real"), limit: 10) == Array("new".utf8))
    #expect(try disk.status(path("real"))?.mode == 0o644)
    var target = [CChar](repeating: 0, count: 100)
    #expect(readlink(path("link"), &target, 99) == 4)
    #expect(try disk.list(folder.path) == ["link", "real"], "nothing is left behind")
  }

  @Test("what is appended by two openings stands one after the other")
  func append() throws {
    let first = try disk.openForAppend(path("log"))
    let second = try disk.openForAppend(path("log"))
    try first.append([1, 2])
    try second.append([3])
    try first.append([4])
    try first.sync()
    #expect(try disk.read(path("log"), limit: 10) == [1, 2, 3, 4])
    try first.truncate(to: 3)
    #expect(try disk.read(path("log"), limit: 10) == [1, 2, 3])
  }

  @Test("a lock is held by one, and given back")
  func lock() throws {
    let lock = try disk.lock(path("lock"))
    let error = refusal { () throws(DiskError) in _ = try disk.lock(path("lock")) }
    #expect(error?.isLocked == true)
    #expect(error?.description.contains("in use by another process") == true)
    lock.release()
    lock.release()
    _ = try disk.lock(path("lock"))
  }

  @Test("moving and syncing")
  func move() throws {
    try disk.makeDirectory(path("a"))
    try disk.create(path("x"), [7], sync: true)
    try disk.move(path("x"), to: path("a/y"))
    try disk.sync(path("a/y"))
    try disk.syncDirectory(path("a"))
    #expect(try disk.read(path("a/y"), limit: 1) == [7])
    #expect(refusal { () throws(DiskError) in try disk.move(path("x"), to: path("z")) }?.isNotFound == true)
  }

  @Test("a full disk and a missing directory are told with path, problem and what to do")
  func errors() {
    let full = refusal { () throws(DiskError) in try RealFilesystem().openForAppend("/dev/full").append([1]) }
    #expect(
      full?.description == "/dev/full: cannot be written: No space left on device (free some space on this disk)")
    let missing = refusal { () throws(DiskError) in try disk.create(path("no/such"), [], sync: false) }
    #expect(
      missing?.description
        == "\(path("no/such")): cannot be created: No such file or directory (its directory is missing)")
    let denied = DiskError("/site/ticket", .create, EACCES)
    #expect(denied.description.hasSuffix("Permission denied (give the user that runs Pikett the right to it)"))
  }

  @Test("a named pipe that lies about does not hold a reader")
  func pipe() throws {
    mkfifo(path("pipe.txt"), 0o600)
    #expect(try disk.readPrefix(path("pipe.txt"), limit: 10).isEmpty)
    #expect(try disk.status(path("pipe.txt"))?.isRegular == false)
    #expect(readTree(folder.path, on: disk).files.isEmpty)
  }
}
