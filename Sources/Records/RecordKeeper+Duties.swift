import Disk
import Hunting
import Telephony

extension RecordKeeper {
  var ticketDirectory: String { joined(settings.site, "ticket") }
  var cdrDirectory: String { joined(settings.site, "cdr") }
  private var faultMark: String { joined(settings.state, "fault") }

  mutating func perform(_ duty: Duty) throws(DiskError) {
    switch duty {
    case .counter(let next): try counter.write(next, sync: false, at: settings.clock())
    case .ticketFile(let name):
      do throws(DiskError) { try createInDirectory(ticketDirectory, name) } catch {
        // The name was free when it was chosen, and only Pikett writes here: it is this very file.
        if !error.isExisting { throw error }
      }
      promisedFiles.remove(name)
    case .message(let order):
      try sink.put(order)
      note(.messageSpooled(order.channel))
    case .cdr(let file, let line, let call): try writeCDR(file, line, call)
    }
  }

  /// Makes durable all that follows from the journal, and says so in the journal: it is not done again after a crash.
  ///
  /// TickeNR.TXT alone may be left over, where the site's directory is read-only: its value is then the journal's.
  mutating func settle() {
    let upTo = ledger.lastSequence
    let isCounterWritten = duties.isEmpty
    do throws(DiskError) {
      try disk.makeDirectory(ticketDirectory, isPrivate: true)
      try disk.makeDirectory(cdrDirectory)
      try disk.syncDirectory(ticketDirectory)
      for name in try disk.list(cdrDirectory).suffix(2) where name.hasPrefix("pim_cdr_") {
        try disk.sync(joined(cdrDirectory, name))
      }
      try disk.syncDirectory(cdrDirectory)
      try sink.settle()
      if isCounterWritten { try counter.sync() }
    } catch {
      report(error)
      return
    }
    isUnsettled = false
    add(.settled(upTo: upTo, counter: isCounterWritten ? counter.known?.number : nil))
    commit()
  }

  private func createInDirectory(_ directory: String, _ name: String) throws(DiskError) {
    do throws(DiskError) { try disk.create(joined(directory, name), [], sync: false) } catch {
      guard error.isNotFound else { throw error }
      // The owner has cleared the directory away.
      try disk.makeDirectory(directory, isPrivate: true)
      try disk.create(joined(directory, name), [], sync: false)
    }
  }

  // MARK: CDR

  /// Adds the line, unless the call has one. The file is read only where that is in doubt: after a start and after a
  /// fault.
  private mutating func writeCDR(_ file: String, _ line: String, _ call: String) throws(DiskError) {
    let path = joined(cdrDirectory, file)
    let isSuspect = suspectCDRFiles.map { $0.contains(file) } ?? true
    if isSuspect, try hasCDRLine(path, call) { return }
    do throws(DiskError) {
      let appended: any AppendFile
      do throws(DiskError) { appended = try disk.openForAppend(path) } catch {
        guard error.isNotFound else { throw error }
        try disk.makeDirectory(cdrDirectory)
        appended = try disk.openForAppend(path)
      }
      try appended.append(Array(line.utf8) + [0x0A])
    } catch {
      suspectCDRFiles?.insert(file)
      throw error
    }
    suspectCDRFiles?.remove(file)
  }

  /// True if the file has a whole line of this call; a torn last line is cut off.
  private func hasCDRLine(_ path: String, _ call: String) throws(DiskError) -> Bool {
    guard try disk.status(path) != nil else { return false }
    let bytes = try disk.read(path, limit: 256 << 20)
    let whole = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    if whole < bytes.count { try disk.openForAppend(path).truncate(to: whole) }
    let wanted = Array(call.utf8)
    return bytes[..<whole].split(separator: 0x0A).contains { line in
      line.split(separator: 0x7C, maxSplits: 2, omittingEmptySubsequences: false).dropFirst().first?
        .elementsEqual(wanted) == true
    }
  }

  // MARK: Fault mark

  /// An empty file that says: a record could not be written. It takes no space, so even a full disk mostly takes it.
  mutating func setFaultMark() {
    if hasFaultMark { return }
    hasFaultMark = (try? disk.create(faultMark, [], sync: false)) != nil
  }

  mutating func clearFaultMark() {
    if !hasFaultMark { return }
    hasFaultMark = (try? disk.remove(faultMark)) == nil
  }

  /// True if the daemon ended while a record could not be written.
  var isFaultMarked: Bool { ((try? disk.status(faultMark)) ?? nil) != nil }
}
