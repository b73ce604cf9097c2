import CLinux
import Glibc
import Synchronization
import Telephony

/// Tells when a site's files have been edited: once, after they have been left in peace for a while.
///
/// A thread of its own waits on inotify. What Pikett writes itself (its directories at the top, TickeNR.TXT, names
/// that begin with a dot) does not count.
package final class SiteWatch: Sendable {
  private let root: String
  private let skipping: Set<String>
  private let quietMilliseconds: Int32
  private let changed: @Sendable () -> Void
  private let inotify: Int32
  private let wake: Int32
  private let ended: Int32
  /// The directory of each watch, as a path within the site.
  private let folders = Mutex<[Int32: String]>([:])

  /// Starts to watch.
  /// - Parameters:
  ///   - skipping: further directories at the top that do not count.
  ///   - quiet: how long nothing must have changed before `changed` is called.
  ///   - changed: called on the watch's own thread.
  package init(
    root: String, skipping: Set<String> = [], quiet: Duration = .milliseconds(500),
    changed: @escaping @Sendable () -> Void
  ) throws(DiskError) {
    self.root = root
    self.skipping = skipping
    self.changed = changed
    quietMilliseconds = Int32(clamping: quiet.milliseconds)
    inotify = inotify_init1(linux_inotify_flags)
    wake = eventfd(0, linux_eventfd_flags)
    ended = eventfd(0, linux_eventfd_flags)
    guard inotify >= 0, wake >= 0, ended >= 0 else { throw .last(root, .watch) }
    watch("", depth: 0)
    guard folders.withLock({ !$0.isEmpty }) else { throw .last(root, .watch) }
    var thread = pthread_t()
    let code = pthread_create(&thread, nil, watchThread, Unmanaged.passRetained(self).toOpaque())
    guard code == 0 else {
      Unmanaged.passUnretained(self).release()
      throw DiskError(root, .watch, code)
    }
    pthread_detach(thread)
  }

  deinit {
    close(inotify)
    close(wake)
    close(ended)
  }

  /// Ends the thread; after the return `changed` is not called again (unless the call hangs for more than a second).
  package func stop() {
    linux_wake(wake)
    var poller = pollfd(fd: ended, events: Int16(POLLIN), revents: 0)
    poll(&poller, 1, 1000)
  }

  private func watch(_ folder: String, depth: Int) {
    let mask =
      IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ATTRIB
    let path = folder.isEmpty ? root : joined(root, folder)
    let id = inotify_add_watch(inotify, path, UInt32(bitPattern: mask) | linux_in_onlydir)
    guard id >= 0 else { return }
    folders.withLock { $0[id] = folder }
    guard depth < 3, let names = try? RealFilesystem().list(path) else { return }
    for name in names where counts(name, in: folder) {
      if (try? RealFilesystem().status(joined(path, name)))?.isDirectory == true {
        watch(joined(folder, name), depth: depth + 1)
      }
    }
  }

  private func counts(_ name: String, in folder: String) -> Bool {
    if name.hasPrefix(".") { return false }
    guard folder.isEmpty else { return true }
    let lower = name.lowercased()
    return !SiteTree.ownDirectories.contains(lower) && !skipping.contains(name) && lower != "tickenr.txt"
  }

  fileprivate func run() {
    linux_name_thread("pikett-watch")
    defer { linux_wake(ended) }
    var isDirty = false
    while true {
      var pollers = [
        pollfd(fd: inotify, events: Int16(POLLIN), revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&pollers, 2, isDirty ? quietMilliseconds : -1)
      if pollers[1].revents != 0 { return }
      if count == 0 {
        isDirty = false
        changed()
      } else if count > 0, drain() {
        isDirty = true
      }
    }
  }

  /// Takes all events that wait; true if one of them counts.
  private func drain() -> Bool {
    var isChanged = false
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = buffer.withUnsafeMutableBytes { read(inotify, $0.baseAddress, $0.count) }
      guard count > 0 else { return isChanged }
      var offset = 0
      while offset + 16 <= count {
        // struct inotify_event: int wd; uint32_t mask, cookie, len; char name[len].
        let field: (Int) -> UInt32 = { at in
          buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset + at, as: UInt32.self) }
        }
        let (id, mask, length) = (Int32(bitPattern: field(0)), field(4), Int(field(12)))
        let bytes = buffer[(offset + 16)..<min(offset + 16 + length, count)].prefix { $0 != 0 }
        offset += 16 + length
        if take(id, mask, String(decoding: bytes, as: UTF8.self)) { isChanged = true }
      }
    }
  }

  private func take(_ id: Int32, _ mask: UInt32, _ name: String) -> Bool {
    if mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
    if mask & UInt32(IN_IGNORED) != 0 {
      folders.withLock { $0[id] = nil }
      return false
    }
    guard let folder = folders.withLock({ $0[id] }), !name.isEmpty, counts(name, in: folder) else { return false }
    if mask & linux_in_isdir != 0, mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0 {
      let path = joined(folder, name)
      watch(path, depth: path.split(separator: "/").count)
    }
    return true
  }
}

private func watchThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let argument { Unmanaged<SiteWatch>.fromOpaque(argument).takeRetainedValue().run() }
  return nil
}
