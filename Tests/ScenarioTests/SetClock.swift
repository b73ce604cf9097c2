import Disk
import Glibc

/// A wall clock that stands where it is put, for a daemon and all that it starts; its monotonic clock runs on, so that
/// calls go their way. libfaketime (Debian: faketime) tells it to them.
struct SetClock: Sendable {
  private let path: String
  private let shared = "pikett-clock-\(getpid())"

  /// - Parameter time: in Rome, `2012-10-12 14:00:00`.
  init(_ time: String, _ scene: Scene) throws {
    path = scene.path("clock")
    try set(time)
    // The library shares a semaphore and a page with all it is loaded into. If it made them itself, it would add to the
    // environment before the program begins, and Swift's runtime, which looks for the arguments beside it, finds none.
    let files = ["/dev/shm/sem.\(shared)": [1] + [UInt8](repeating: 0, count: 31), "/dev/shm/\(shared)": Self.page]
    for (file, bytes) in files { try RealFilesystem().replace(file, bytes, sync: false) }
    scene.atEnd { for file in files.keys { unlink(file) } }
  }

  private static let page = [UInt8](repeating: 0, count: 4096)

  func set(_ time: String) throws { try RealFilesystem().replace(path, Array("\(time)\n".utf8), sync: false) }

  /// The words of a program that starts another under this clock. The library reads times as those of its TZ.
  var wrapper: [String] {
    [
      "env", "TZ=Europe/Rome", "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1",
      "FAKETIME_SHARED=/\(shared) /\(shared)", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
      "FAKETIME_TIMESTAMP_FILE=\(path)",
    ]
  }
}
