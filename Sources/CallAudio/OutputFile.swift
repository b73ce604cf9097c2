import Glibc

/// A system call's failure, by its number.
struct FileProblem: Error, Hashable, Sendable {
  var number: Int32

  init(_ number: Int32) { self.number = number }

  /// The system's own words.
  var text: String { String(cString: strerror(number)) }
}

/// An output that could not be written.
package struct OutputError: Error, Hashable, Sendable, CustomStringConvertible {
  package var path: String
  package var problem: String

  package init(path: String, problem: String) {
    self.path = path
    self.problem = problem
  }

  /// One line: file, problem, hint.
  package var description: String { "\(path): \(problem)" }

  static func exists(_ path: String) -> OutputError {
    OutputError(path: path, problem: "exists already; --force overwrites it")
  }
}

/// The files that a run has written, so that none of them is taken for an older file and replaced.
package struct WrittenFiles {
  private struct Identity: Hashable {
    var device: UInt64
    var inode: UInt64

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
    }
  }

  private var all: Set<Identity> = []

  package init() {}

  /// Throws if one of `paths` names a file that was written already.
  package func check(_ paths: [String]) throws(ConversionError) {
    for path in paths {
      if let identity = Identity(path), all.contains(identity) {
        throw .output(
          OutputError(path: path, problem: "holds the sound of another capture of this run; expected another name"))
      }
    }
  }

  package mutating func note(_ paths: [String]) { all.formUnion(paths.compactMap { Identity($0) }) }
}

/// A file that is either there as a whole or not at all: it has no name until it is complete.
struct OutputFile: ~Copyable {
  let path: String
  let descriptor: Int32
  /// The name it bears meanwhile on file systems that know no nameless files.
  private let temporaryName: String?

  /// - Parameter mode: its permissions; the process's umask narrows them.
  init(path: String, mode: mode_t) throws(OutputError) {
    self.path = path
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let nameless = open(directory, O_RDWR | O_CLOEXEC | OutputFile.nameless, mode)
    if nameless >= 0 {
      descriptor = nameless
      temporaryName = nil
      return
    }
    guard errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL else {
      throw OutputError(path: path, problem: "cannot be written: \(FileProblem(errno).text)")
    }
    var name = Array("\(path).XXXXXX".utf8CString)
    let named = mkstemp(&name)
    guard named >= 0 else {
      throw OutputError(path: path, problem: "cannot be written: \(FileProblem(errno).text)")
    }
    let mask = umask(0)
    umask(mask)
    fchmod(named, mode & ~mask)
    descriptor = named
    temporaryName = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    close(descriptor)
    if let temporaryName { unlink(temporaryName) }
  }

  /// Gives the file its name.
  ///
  /// - Parameter overwrites: whether a file of this name may be replaced.
  func publish(overwrites: Bool) throws(OutputError) {
    let own = temporaryName ?? "/proc/self/fd/\(descriptor)"
    if linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 { return }
    if let temporaryName, errno == EPERM || errno == EOPNOTSUPP { return try takeName(from: temporaryName, overwrites) }
    guard errno == EEXIST else {
      throw OutputError(path: path, problem: "cannot be written: \(FileProblem(errno).text)")
    }
    guard overwrites else { throw .exists(path) }
    // A link cannot replace; a rename can, and needs a name to begin with.
    let between = "\(path).\(getpid()).new"
    unlink(between)
    guard linkat(AT_FDCWD, own, AT_FDCWD, between, AT_SYMLINK_FOLLOW) == 0, rename(between, path) == 0 else {
      let problem = FileProblem(errno)
      unlink(between)
      throw OutputError(path: path, problem: "cannot be replaced: \(problem.text)")
    }
  }

  /// Where the file system knows no links: an empty file holds the name until the complete one takes its place.
  private func takeName(from temporaryName: String, _ overwrites: Bool) throws(OutputError) {
    if !overwrites {
      let holder = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard holder >= 0 else {
        throw errno == EEXIST
          ? .exists(path) : OutputError(path: path, problem: "cannot be written: \(FileProblem(errno).text)")
      }
      close(holder)
    }
    guard rename(temporaryName, path) == 0 else {
      let problem = FileProblem(errno)
      if !overwrites { unlink(path) }
      throw OutputError(path: path, problem: "cannot be written: \(problem.text)")
    }
  }

  /// glibc's O_TMPFILE, which is a macro of several parts and is not imported.
  private static let nameless: Int32 = 0o20_000_000 | O_DIRECTORY
}

/// True if something bears this name, be it a dangling link.
func fileExists(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) == 0
}

/// Writes all of `bytes` at `position`.
func writeAll(_ bytes: UnsafeRawBufferPointer, to file: Int32, at position: Int64) throws(FileProblem) {
  var done = 0
  while done < bytes.count {
    let step = pwrite(file, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(position) + off_t(done))
    if step < 0 && errno == EINTR { continue }
    guard step > 0 else { throw FileProblem(step == 0 ? ENOSPC : errno) }
    done += step
  }
}
