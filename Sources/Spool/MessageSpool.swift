package import Disk
package import Telephony

/// The spool of one channel, `spool/sms` or `spool/im`: a message is a file, its state is the directory it lies in.
///
/// Everything here blocks. A message of one call and hop is put in once, whatever has become of it since.
package struct MessageSpool: Sendable {
  /// The states of a message, and the names of their directories.
  package enum Box: String, Hashable, Sendable, CaseIterable {
    case waiting
    case sent
    case failed
  }

  /// `spool/sms` of the site.
  package let directory: String
  /// `sms` or `im`: the end of the ids.
  package let channel: String
  let disk: any Filesystem

  package init(directory: String, channel: String, disk: any Filesystem) {
    self.directory = directory
    self.channel = channel
    self.disk = disk
  }

  /// Makes the directories.
  package func prepare() throws(DiskError) {
    for box in Box.allCases { try disk.makeDirectory(path(box), isPrivate: true) }
  }

  /// Takes the lock of whoever sends from this spool.
  /// - Throws: `isLocked` if somebody else does.
  package func lock() throws(DiskError) -> any FileLock {
    try disk.makeDirectory(directory, isPrivate: true)
    return try disk.lock(joined(directory, "lock"))
  }

  /// Puts a message into `waiting`, unless it is or was in the spool already. Not synced: it follows from the journal.
  /// - Returns: false if it was there.
  @discardableResult package func put(_ message: SpooledMessage) throws(DiskError) -> Bool {
    let stem = message.ticket.filter { $0.isASCII && ($0.isNumber || $0.isLetter) } + "-" + channel
    var count = 1
    while true {
      let id = count == 1 ? stem : "\(stem)-\(count)"
      switch try find(id, origin: message.origin) {
      case .same: return false
      case .other: count += 1
      case .none:
        try write(message, id)
        return true
      }
    }
  }

  /// Makes durable what was put in.
  package func settle() throws(DiskError) {
    try prepare()
    for id in try ids(.waiting) {
      do throws(DiskError) { try disk.sync(path(.waiting, id)) } catch {
        // Sent meanwhile.
        if !error.isNotFound { throw error }
      }
    }
    for box in Box.allCases { try disk.syncDirectory(path(box)) }
  }

  /// The messages in a box, by id. A file that is no message, or not whole, is left alone.
  package func messages(_ box: Box) throws(DiskError) -> [SpooledMessage] {
    var messages: [SpooledMessage] = []
    for id in try ids(box) {
      if let message = try read(box, id) { messages.append(message) }
    }
    return messages
  }

  /// The messages that are due, the longest due first.
  package func due(at now: WallTime) throws(DiskError) -> [SpooledMessage] {
    try messages(.waiting).filter { $0.retry.isDue(at: now) }.sorted { ($0.retry.due, $0.id) < ($1.retry.due, $1.id) }
  }

  /// When the next message is due; nil if none waits.
  package func nextDue() throws(DiskError) -> WallTime? { try messages(.waiting).map(\.retry.due).min() }

  /// Keeps a waiting message with its new retry state.
  package func postpone(_ message: SpooledMessage) throws(DiskError) {
    try disk.replace(path(.waiting, message.id), message.file, sync: true)
  }

  /// A waiting message has been sent, or has failed for good: it changes its directory, durably.
  package func finish(_ message: SpooledMessage, as box: Box) throws(DiskError) {
    // The directory first, by one rename: who is killed at any later moment, or finds the disk full, has sent it all
    // the same and must not do it again.
    do throws(DiskError) { try move(message.id, from: .waiting, to: box) } catch {
      // Done by an earlier attempt, which failed after it.
      guard error.isNotFound, try disk.status(path(box, message.id)) != nil else { throw error }
    }
    try disk.replace(path(box, message.id), message.file, sync: true)
  }

  /// Makes sure that what becomes of a message can be written. Who could not record that he has sent it must not send
  /// it, or he would do so again and again.
  package func requireWritable() throws(DiskError) {
    for box in Box.allCases {
      let probe = joined(path(box), ".probe")
      try disk.remove(probe)
      try disk.create(probe, [], sync: false)
      try disk.remove(probe)
    }
  }

  /// Does what commands have asked for by files named `retry-ID` and `drop-ID`: a message is tried again at once, or is
  /// not sent any more (it goes to `failed`). Returns the ids of those that are to be tried again.
  @discardableResult package func takeRequests(at now: WallTime) throws(DiskError) -> [String] {
    var retried: [String] = []
    for name in try disk.list(directory) {
      if let id = name.suffix(after: "retry-") {
        for box in [Box.waiting, .failed] {
          guard var message = try read(box, id) else { continue }
          message.retry.restart(at: now)
          try disk.replace(path(box, id), message.file, sync: true)
          if box == .failed { try move(id, from: .failed, to: .waiting) }
          retried.append(id)
        }
      } else if let id = name.suffix(after: "drop-") {
        if var message = try read(.waiting, id) {
          message.retry.reason = "dropped by command"
          try finish(message, as: .failed)
        }
      } else {
        continue
      }
      try disk.remove(joined(directory, name))
    }
    return retried
  }

  /// Asks whoever sends from this spool to try a message again, or to drop it: what commands do.
  /// - Returns: false if there is no such message.
  package func request(_ request: Request, for id: String) throws(DiskError) -> Bool {
    let boxes: [Box] = request == .retry ? [.waiting, .failed] : [.waiting]
    var isThere = false
    for box in boxes where try ids(box).contains(id) { isThere = true }
    guard isThere else { return false }
    try disk.replace(joined(directory, "\(request.rawValue)-\(id)"), [], sync: false)
    return true
  }

  /// True if a command has left a request that nobody has taken yet.
  package func hasRequests() throws(DiskError) -> Bool { try !requests().isEmpty }

  /// What was asked for and is not done yet, by message.
  package func requests() throws(DiskError) -> [String: Request] {
    var requests: [String: Request] = [:]
    do throws(DiskError) {
      for name in try disk.list(directory) {
        for request in Request.allCases {
          if let id = name.suffix(after: request.rawValue + "-") { requests[id] = request }
        }
      }
    } catch {
      // Nothing was ever put in.
      if !error.isNotFound { throw error }
    }
    return requests
  }

  /// What a command can ask for.
  package enum Request: String, Hashable, Sendable, CaseIterable {
    case retry
    case drop
  }

  /// Keeps `sent` and `failed` from growing without end: beyond `limit` the oldest go, but none younger than two days
  /// (the journal may still put those in again).
  package func prune(limit: Int = 2000, at now: WallTime) throws(DiskError) {
    for box in [Box.sent, .failed] {
      let ids = try ids(box)
      guard ids.count > limit else { continue }
      var aged: [(modified: WallTime, id: String)] = []
      for id in ids {
        if let status = try disk.status(path(box, id)) { aged.append((status.modified, id)) }
      }
      aged.sort { ($0.modified, $0.id) < ($1.modified, $1.id) }
      for (modified, id) in aged.prefix(ids.count - limit / 2) where now - modified > .seconds(2 * 86_400) {
        try disk.remove(path(box, id))
      }
    }
  }

  // MARK: Inside

  private enum Found {
    case none
    case same
    case other
  }

  private func find(_ id: String, origin: String) throws(DiskError) -> Found {
    // `waiting` twice: a retry may move a message there behind the search's back.
    for box in [Box.waiting, .sent, .failed, .waiting] {
      guard try disk.status(path(box, id)) != nil else { continue }
      if let message = try read(box, id) { return message.origin == origin ? .same : .other }
      // Torn by a power cut: in `waiting` it is written again; elsewhere it had been durable once, so it is this one.
      if box != .waiting { return .same }
    }
    return .none
  }

  private func write(_ message: SpooledMessage, _ id: String) throws(DiskError) {
    var message = message
    message.id = id
    do throws(DiskError) { try disk.replace(path(.waiting, id), message.file, sync: false) } catch {
      guard error.isNotFound else { throw error }
      try prepare()
      try disk.replace(path(.waiting, id), message.file, sync: false)
    }
  }

  private func read(_ box: Box, _ id: String) throws(DiskError) -> SpooledMessage? {
    do throws(DiskError) {
      return SpooledMessage(id: id, file: try disk.read(path(box, id), limit: 64 * 1024))
    } catch {
      if error.isNotFound { return nil }
      throw error
    }
  }

  private func ids(_ box: Box) throws(DiskError) -> [String] {
    let names: [String]
    do throws(DiskError) { names = try disk.list(path(box)) } catch {
      // Nothing was ever put in.
      if error.isNotFound { return [] }
      throw error
    }
    return names.filter { !$0.hasPrefix(".") && $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }
  }

  private func move(_ id: String, from: Box, to: Box) throws(DiskError) {
    try disk.move(path(from, id), to: path(to, id))
    try disk.syncDirectory(path(to))
    try disk.syncDirectory(path(from))
  }

  private func path(_ box: Box) -> String { joined(directory, box.rawValue) }
  private func path(_ box: Box, _ id: String) -> String { joined(path(box), id + ".txt") }
}

extension String {
  /// What follows `prefix`, if it is a plain name: never a path.
  fileprivate func suffix(after prefix: String) -> String? {
    guard hasPrefix(prefix) else { return nil }
    let rest = String(dropFirst(prefix.count))
    return rest.isEmpty || rest.contains("/") || rest.hasPrefix(".") ? nil : rest
  }
}
