import Glibc
import Synchronization
package import Telephony

/// Files that exist in memory only and know what a power cut would leave of them (for tests and the demo).
///
/// Each changing call is one *step*, counted from 1. A test may make a step fail with an errno, stop everything from a
/// step on (as kill -9 does), and ask for the disk as it would be found after the power came back: content that was
/// not synced and names whose directory was not synced survive or not, as a seed decides.
package final class MemoryFilesystem: Filesystem {
  /// One changing call.
  package struct Step: Hashable, Sendable {
    /// 1 for the first changing call.
    package var number: Int
    /// What it does.
    package var operation: DiskError.Operation
    /// With which file.
    package var path: String
  }

  /// What becomes of a step.
  package enum Outcome: Hashable, Sendable {
    case done
    /// Refused with this errno, nothing done; an append writes half of its bytes first.
    case failed(Int32)
    /// The process or machine dies here: neither this step (an append writes a part) nor any later call is done.
    case dead
  }

  fileprivate struct File: Sendable {
    var content: [UInt8] = []
    /// What is on the disk for certain.
    var durable: [UInt8] = []
    var modified = WallTime(microseconds: 0)
    var isLocked = false
  }

  /// A change of names whose directories were not synced yet.
  fileprivate struct Renaming: Sendable {
    var removed: String?
    var added: String?
    var file: Int

    func touches(_ directory: String) -> Bool {
      [removed, added].contains { $0.map { Disk.directory(of: $0) } == directory }
    }
  }

  fileprivate struct State: Sendable {
    var files: [Int: File] = [:]
    var nextFile = 1
    var names: [String: Int] = [:]
    var durableNames: [String: Int] = [:]
    var pending: [Renaming] = []
    var directories: Set<String> = [".", "/"]
    var steps = 0
    var isDead = false
    var now = WallTime(microseconds: 0)
    var plan: (@Sendable (Step) -> Outcome)?
  }

  fileprivate let state: Mutex<State>

  /// An empty disk.
  package init() { state = Mutex(State()) }

  private init(_ state: State) { self.state = Mutex(state) }

  /// Decides from now on what becomes of each step; nil: all are done.
  package func plan(_ plan: (@Sendable (Step) -> Outcome)?) { state.withLock { $0.plan = plan } }

  /// How many changing calls there were.
  package var steps: Int { state.withLock { $0.steps } }

  /// True once a step has ended with `.dead`.
  package var isDead: Bool { state.withLock { $0.isDead } }

  /// The time that files changed from now on bear.
  package func setTime(_ now: WallTime) { state.withLock { $0.now = now } }

  /// All files' paths, sorted.
  package var paths: [String] { state.withLock { $0.names.keys.sorted() } }

  /// The disk as a new process finds it after kill -9: everything written is there, locks are free.
  package func afterKill() -> MemoryFilesystem {
    var copy = state.withLock { $0 }
    for id in copy.files.keys { copy.files[id]?.isLocked = false }
    copy.isDead = false
    copy.plan = nil
    copy.steps = 0
    return MemoryFilesystem(copy)
  }

  /// The disk as it is found after a power cut.
  /// - Parameter seed: decides what of the unsynced survives; nil: nothing of it.
  package func afterPowerCut(seed: UInt64?) -> MemoryFilesystem {
    let old = state.withLock { $0 }
    var random = seed.map { SeededGenerator(seed: $0) }
    func survives() -> Bool { (random?.next() ?? 0) & 1 == 1 }
    var new = State()
    new.now = old.now
    new.nextFile = old.nextFile
    new.directories = old.directories
    new.names = old.durableNames
    for change in old.pending where survives() {
      // A later change of a name can survive an earlier one that did not: the worst a file system does.
      if let name = change.removed, new.names[name] == change.file { new.names[name] = nil }
      if let name = change.added { new.names[name] = change.file }
    }
    for id in Set(new.names.values).sorted() {
      guard var file = old.files[id] else { continue }
      if file.content != file.durable {
        if survives(), file.content.starts(with: file.durable) {
          let extra = file.content.count - file.durable.count
          file.content = Array(file.content.prefix(file.durable.count + Int((random?.next() ?? 0) % UInt64(extra + 1))))
          // Length reached the disk before the content: zeros.
          if survives() && survives() {
            for index in file.durable.count..<file.content.count { file.content[index] = 0 }
          }
        } else {
          file.content = file.durable
        }
      }
      file.durable = file.content
      file.isLocked = false
      new.files[id] = file
    }
    new.durableNames = new.names
    return MemoryFilesystem(new)
  }

  // MARK: Filesystem

  package func read(_ path: String, limit: Int) throws(DiskError) -> [UInt8] {
    let bytes = try content(path)
    if bytes.count > limit { throw DiskError(path, .read, EFBIG) }
    return bytes
  }

  package func readPrefix(_ path: String, limit: Int) throws(DiskError) -> [UInt8] {
    Array(try content(path).prefix(limit))
  }

  package func list(_ directory: String) throws(DiskError) -> [String] {
    try looking { (state) throws(DiskError) in
      guard state.directories.contains(directory) else { throw DiskError(directory, .list, ENOENT) }
      let all = Array(state.names.keys) + state.directories.filter { $0 != "." && $0 != "/" }
      return all.filter { Disk.directory(of: $0) == directory }.map { fileName(of: $0) }.sorted()
    }
  }

  package func status(_ path: String) throws(DiskError) -> FileStatus? {
    try looking { (state) throws(DiskError) in
      if let id = state.names[path], let file = state.files[id] {
        return FileStatus(
          isRegular: true, isDirectory: false, size: file.content.count, modified: file.modified, mode: 0o600)
      }
      guard state.directories.contains(path) else { return nil }
      return FileStatus(isRegular: false, isDirectory: true, size: 0, modified: state.now, mode: 0o750)
    }
  }

  package func makeDirectory(_ path: String, isPrivate: Bool) throws(DiskError) {
    // Directories are durable at once: Pikett makes them at its first start, long before a call.
    try changing(.create, path) { (state) throws(DiskError) in
      var path = path
      while !state.directories.contains(path) {
        state.directories.insert(path)
        path = Disk.directory(of: path)
      }
    }
  }

  package func create(_ path: String, _ bytes: [UInt8], sync: Bool) throws(DiskError) {
    try changing(.create, path) { (state) throws(DiskError) in
      if state.names[path] != nil { throw DiskError(path, .create, EEXIST) }
      try state.add(path)
    }
    guard !bytes.isEmpty else { return }
    let file = MemoryAppendFile(self, path, id: try identity(path))
    try file.append(bytes)
    if sync { try file.sync() }
  }

  package func replace(_ path: String, _ bytes: [UInt8], sync: Bool) throws(DiskError) {
    let temporary = joined(Disk.directory(of: path), ".\(fileName(of: path)).new")
    try remove(temporary)
    try create(temporary, bytes, sync: sync)
    try move(temporary, to: path)
    if sync { try syncDirectory(Disk.directory(of: path)) }
  }

  package func move(_ path: String, to newPath: String) throws(DiskError) {
    try changing(.rename, path) { (state) throws(DiskError) in
      guard let id = state.names[path] else { throw DiskError(path, .rename, ENOENT) }
      guard state.directories.contains(Disk.directory(of: newPath)) else { throw DiskError(newPath, .rename, ENOENT) }
      state.names[path] = nil
      state.names[newPath] = id
      state.pending.append(Renaming(removed: path, added: newPath, file: id))
    }
  }

  package func remove(_ path: String) throws(DiskError) {
    try changing(.remove, path) { (state) throws(DiskError) in
      guard let id = state.names.removeValue(forKey: path) else { return }
      state.pending.append(Renaming(removed: path, added: nil, file: id))
    }
  }

  package func sync(_ path: String) throws(DiskError) {
    try MemoryAppendFile(self, path, id: try identity(path)).sync()
  }

  package func syncDirectory(_ path: String) throws(DiskError) {
    try changing(.sync, path) { (state) throws(DiskError) in
      guard state.directories.contains(path) else { throw DiskError(path, .open, ENOENT) }
      for change in state.pending where change.touches(path) {
        if let name = change.removed, state.durableNames[name] == change.file { state.durableNames[name] = nil }
        if let name = change.added { state.durableNames[name] = change.file }
      }
      state.pending.removeAll { $0.touches(path) }
    }
  }

  package func openForAppend(_ path: String) throws(DiskError) -> any AppendFile {
    if try status(path) == nil {
      try changing(.create, path) { (state) throws(DiskError) in try state.add(path) }
    }
    return MemoryAppendFile(self, path, id: try identity(path))
  }

  package func lock(_ path: String) throws(DiskError) -> any FileLock {
    if try status(path) == nil { try create(path, [], sync: false) }
    let id = try identity(path)
    try looking { (state) throws(DiskError) in
      if state.files[id]?.isLocked == true { throw DiskError(path, .lock, EWOULDBLOCK) }
      state.files[id]?.isLocked = true
    }
    return MemoryLock(self, id)
  }

  // MARK: Inside

  private func content(_ path: String) throws(DiskError) -> [UInt8] {
    try looking { (state) throws(DiskError) in
      guard let id = state.names[path], let file = state.files[id] else { throw DiskError(path, .open, ENOENT) }
      return file.content
    }
  }

  private func identity(_ path: String) throws(DiskError) -> Int {
    try looking { (state) throws(DiskError) in
      guard let id = state.names[path] else { throw DiskError(path, .open, ENOENT) }
      return id
    }
  }

  fileprivate func looking<T: Sendable>(
    _ body: (inout State) throws(DiskError) -> T
  ) throws(DiskError) -> T {
    try state.withLock { (state) throws(DiskError) in
      if state.isDead { throw DiskError("", .read, ECANCELED) }
      return try body(&state)
    }
  }

  /// One step: asks the plan, then does `body`; a torn step does `torn` before it fails.
  fileprivate func changing(
    _ operation: DiskError.Operation, _ path: String, torn: (inout State) -> Void = { _ in },
    _ body: (inout State) throws(DiskError) -> Void
  ) throws(DiskError) {
    try state.withLock { (state) throws(DiskError) in
      if state.isDead { throw DiskError(path, operation, ECANCELED) }
      state.steps += 1
      switch state.plan?(Step(number: state.steps, operation: operation, path: path)) ?? .done {
      case .done: try body(&state)
      case .failed(let code):
        torn(&state)
        throw DiskError(path, operation, code)
      case .dead:
        torn(&state)
        state.isDead = true
        throw DiskError(path, operation, ECANCELED)
      }
    }
  }
}

extension MemoryFilesystem.State {
  /// A new empty file named `path`.
  fileprivate mutating func add(_ path: String) throws(DiskError) {
    guard directories.contains(Disk.directory(of: path)) else { throw DiskError(path, .create, ENOENT) }
    files[nextFile] = MemoryFilesystem.File(modified: now)
    names[path] = nextFile
    pending.append(MemoryFilesystem.Renaming(removed: nil, added: path, file: nextFile))
    nextFile += 1
  }
}

private final class MemoryAppendFile: AppendFile {
  let disk: MemoryFilesystem
  let path: String
  let id: Int

  init(_ disk: MemoryFilesystem, _ path: String, id: Int) {
    self.disk = disk
    self.path = path
    self.id = id
  }

  func append(_ bytes: [UInt8]) throws(DiskError) {
    let half = Array(bytes.prefix(bytes.count / 2))
    try disk.changing(
      .write, path, torn: { $0.append(half, to: id) },
      { (state) throws(DiskError) in state.append(bytes, to: id) })
  }

  func sync() throws(DiskError) {
    try disk.changing(.sync, path) { (state) throws(DiskError) in
      if let content = state.files[id]?.content { state.files[id]?.durable = content }
    }
  }

  func truncate(to size: Int) throws(DiskError) {
    try disk.changing(.write, path) { (state) throws(DiskError) in
      guard let file = state.files[id], file.content.count > size else { return }
      state.files[id]?.content.removeSubrange(size...)
    }
  }
}

extension MemoryFilesystem.State {
  fileprivate mutating func append(_ bytes: [UInt8], to id: Int) {
    files[id]?.content += bytes
    files[id]?.modified = now
  }
}

private final class MemoryLock: FileLock {
  private let disk: MemoryFilesystem
  private let id: Int

  init(_ disk: MemoryFilesystem, _ id: Int) {
    self.disk = disk
    self.id = id
  }

  deinit { release() }

  func release() { disk.state.withLock { $0.files[id]?.isLocked = false } }
}
