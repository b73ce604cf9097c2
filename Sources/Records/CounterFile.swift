package import Disk
package import Hunting
import Telephony

/// What stands in TickeNR.TXT.
enum CounterContent: Hashable, Sendable {
  /// - Parameter isWhole: the line has an end, so no power cut has shortened the number.
  case number(TicketNumber, isWhole: Bool)
  /// Blank or missing: the default, 1.
  case blank
  case notUnderstood(String)

  var number: TicketNumber? {
    if case .number(let number, _) = self { number } else { nil }
  }
}

/// TickeNR.TXT: read at each draw, written after it, its remarks kept.
struct CounterFile: Sendable {
  private let root: String
  private let lockPath: String
  private let disk: any Filesystem
  /// The name as it is spelled in this site; nil: not found yet.
  private var spelling: String?
  /// The number that stands there by Pikett's own hand, or that was already followed.
  private(set) var known: CounterContent?

  static let usualName = "TickeNR.TXT"

  /// - Parameters:
  ///   - site: the directory in which the file lies.
  ///   - state: where the lock lies that daemon and commands share for what they write there.
  init(site: String, state: String, disk: any Filesystem) {
    root = site
    lockPath = joined(state, writeLockName)
    self.disk = disk
  }

  var path: String { joined(root, spelling ?? CounterFile.usualName) }

  /// What stands there now.
  mutating func read() throws(DiskError) -> CounterContent {
    let bytes: [UInt8]
    if try disk.status(path) == nil {
      spelling = try disk.list(root).first { $0.equalsIgnoringCase(CounterFile.usualName) }
      if spelling == nil { return .blank }
    }
    do throws(DiskError) { bytes = try disk.read(path, limit: 64 * 1024) } catch {
      if error.isNotFound { return .blank }
      throw error
    }
    let file = ValueFile(bytes)
    if file.value.isEmpty { return .blank }
    guard !file.isBinary, let number = TicketNumber(file.value) else { return .notUnderstood(file.value) }
    return .number(number, isWhole: bytes.contains { $0 == 0x0A || $0 == 0x0D })
  }

  /// What the owner has written since Pikett wrote or read there; nil: nothing.
  ///
  /// An editor may empty the file, or take it away, a moment before it writes the new content: blank counts only if it
  /// has been so for two seconds.
  mutating func ownersContent(at now: WallTime) throws(DiskError) -> CounterContent? {
    let content = try read()
    if content.number != nil, content.number == known?.number { return nil }
    if content == known { return nil }
    if content == .blank {
      var place = try disk.status(path)
      if place == nil { place = try disk.status(root) }
      if let place, now < place.modified + .seconds(2) { return nil }
    }
    return content
  }

  /// The content is known from now on: only another one is the owner's will.
  mutating func follow(_ content: CounterContent) { known = content }

  /// Writes the next number over the old one, by a rename.
  ///
  /// If the owner has written another number since the last draw, his stays: it counts at the next one.
  mutating func write(_ next: TicketNumber, sync: Bool, at now: WallTime) throws(DiskError) {
    let lock = try disk.lock(lockPath)
    defer { lock.release() }
    if try ownersContent(at: now)?.number != nil { return }
    if known?.number == next, !sync { return }
    try replace(next, sync: sync)
    known = .number(next, isWhole: true)
  }

  /// Writes a number by the owner's will, as `pikett tickets next N` does.
  mutating func set(_ number: TicketNumber) throws(DiskError) {
    let lock = try disk.lock(lockPath)
    defer { lock.release() }
    _ = try read()
    try replace(number, sync: true)
  }

  private func replace(_ number: TicketNumber, sync: Bool) throws(DiskError) {
    var old: [UInt8] = []
    do throws(DiskError) { old = try disk.read(path, limit: 64 * 1024) } catch {
      if !error.isNotFound { throw error }
    }
    try disk.replace(path, ValueFile(old).replacing(number.description), sync: sync)
  }

  /// Brings what stands there to the disk.
  func sync() throws(DiskError) {
    if try disk.status(path) != nil { try disk.sync(path) }
    try disk.syncDirectory(root)
  }
}

/// The next ticket's number as TickeNR.TXT says it; nil if what stands there is no number.
package func readTicketCounter(site: String, on disk: any Filesystem) throws(DiskError) -> TicketNumber? {
  var file = CounterFile(site: site, state: "", disk: disk)
  switch try file.read() {
  case .number(let number, _): return number
  case .blank: return TicketNumber(rawValue: 1)
  case .notUnderstood: return nil
  }
}

/// Sets the next ticket's number by the owner's will; a running daemon follows it at its next draw.
///
/// - Parameter state: the directory of journal and locks.
/// - Throws: `isLocked` if the daemon writes the file this very moment: to be tried again.
package func writeTicketCounter(
  _ number: TicketNumber, site: String, state: String, on disk: any Filesystem
) throws(DiskError) {
  try disk.makeDirectory(state, isPrivate: true)
  var file = CounterFile(site: site, state: state, disk: disk)
  try file.set(number)
}
