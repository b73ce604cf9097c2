package import Disk
package import Hunting
import Telephony

/// The ticket log of a site, read from the names in `ticket/`: every hop, and which hops make one call.
///
/// It holds all names in one block of bytes, so that a log of many years is read about as fast as it can be listed.
package struct TicketLog: Sendable {
  /// One hop, by where its parts stand in `names`.
  package struct Hop: Sendable {
    package var start: LocalMinute
    package var end: LocalMinute
    package var ticket: TicketNumber
    /// 0: the name has none.
    package var serial: UInt32
    /// Where its name begins in `names`.
    package var offset: Int
    /// Bytes of the name.
    package var length: UInt8
    var callerStart: UInt8
    var callerLength: UInt8
    var calledStart: UInt8
    var calledLength: UInt8
    /// The last hop of its call: `END`.
    package var isLast: Bool

    /// Where the caller stands in `names`.
    package var caller: Range<Int> { offset + Int(callerStart)..<offset + Int(callerStart) + Int(callerLength) }
    /// Where the internal number stands in `names`.
    package var called: Range<Int> { offset + Int(calledStart)..<offset + Int(calledStart) + Int(calledLength) }
    /// The file's name in `names`.
    package var name: Range<Int> { offset..<offset + Int(length) }
  }

  /// All names, one after the other.
  package private(set) var names: [UInt8] = []
  /// By call, the calls by their beginning; within a call in the order of ringing.
  package private(set) var hops: [Hop] = []
  /// The calls, as ranges of `hops`.
  package private(set) var calls: [Range<Int>] = []

  /// Reads the log of a site; one that is not there yet is empty.
  ///
  /// - Parameter earliest: what ended before is left away.
  package init(
    site: String, since earliest: LocalMinute? = nil, on disk: any Filesystem = RealFilesystem()
  ) throws(DiskError) {
    var names: [UInt8] = []
    var hops: [Hop] = []
    try eachTicketName(site: site, on: disk) { name in
      guard let layout = TicketNameLayout(name) else { return }
      if let earliest, layout.end < earliest { return }
      hops.append(Hop(layout, offset: names.count, length: name.count))
      names.append(contentsOf: name)
    }
    hops.sort { ($0.start.value, $0.ticket.rawValue, $0.serial) < ($1.start.value, $1.ticket.rawValue, $1.serial) }
    self.names = names
    (self.hops, calls) = groupedByCall(hops, names)
  }

  /// The hop's name, read.
  package func read(_ hop: Hop) -> TicketFileName? { TicketFileName(text(hop.name)) }

  /// What stands at a place in `names`.
  package func text(_ range: Range<Int>) -> String {
    String(decoding: names[range.clamped(to: 0..<names.count)], as: UTF8.self)
  }
}

extension TicketLog.Hop {
  init(_ layout: TicketNameLayout, offset: Int, length: Int) {
    // A name has 255 bytes at most.
    let byte: (Int) -> UInt8 = { UInt8(truncatingIfNeeded: $0) }
    self.init(
      start: layout.start, end: layout.end, ticket: TicketNumber(rawValue: layout.ticket), serial: layout.serial,
      offset: offset, length: byte(length), callerStart: byte(layout.caller.lowerBound),
      callerLength: byte(layout.caller.count), calledStart: byte(layout.called.lowerBound),
      calledLength: byte(layout.called.count), isLast: layout.isLast)
  }
}

/// More calls than this are not in progress at once; the oldest are taken as over.
private let openCallLimit = 500

/// Puts the hops of a call together.
///
/// The names say it: a hop without `END` goes on in a later ticket of the same caller that begins in the minute in which
/// it ended. Two anonymous callers at once are told apart only by that.
///
/// - Parameter hops: by start, then by ticket.
private func groupedByCall(_ hops: [TicketLog.Hop], _ names: [UInt8]) -> ([TicketLog.Hop], [Range<Int>]) {
  /// The calls that may go on, the oldest first: their number, and their latest hop.
  var open: [(call: Int32, hop: Int)] = []
  var callOf = [Int32](repeating: 0, count: hops.count)
  var lengths: [Int] = []
  for (index, hop) in hops.enumerated() {
    // Hops come by their beginning: what ended before this one begins has no more to come.
    open.removeAll { hops[$0.hop].end < hop.start }
    let found = open.firstIndex { candidate in
      let before = hops[candidate.hop]
      return before.end == hop.start && before.callerLength == hop.callerLength
        && names[before.caller].elementsEqual(names[hop.caller])
    }
    if let found {
      callOf[index] = open[found].call
      lengths[Int(open[found].call)] += 1
      if hop.isLast { open.remove(at: found) } else { open[found].hop = index }
    } else {
      callOf[index] = Int32(truncatingIfNeeded: lengths.count)
      lengths.append(1)
      if !hop.isLast {
        if open.count == openCallLimit { open.removeFirst() }
        open.append((callOf[index], index))
      }
    }
  }
  // Calls are numbered by their beginning; each gets a stretch of its own.
  var calls: [Range<Int>] = []
  calls.reserveCapacity(lengths.count)
  var places: [Int] = []
  places.reserveCapacity(lengths.count)
  var place = 0
  for length in lengths {
    calls.append(place..<place + length)
    places.append(place)
    place += length
  }
  var grouped = hops
  for (index, hop) in hops.enumerated() {
    let call = Int(callOf[index])
    grouped[places[call]] = hop
    places[call] += 1
  }
  return (grouped, calls)
}

/// The names in `ticket/` as they come, also those of foreign files. The original called it `Ticket`: a directory that was
/// copied from there is read as well.
func eachTicketName(
  site: String, on disk: any Filesystem, _ body: (UnsafeRawBufferPointer) -> Void
) throws(DiskError) {
  for name in try disk.list(site) where name.equalsIgnoringCase("ticket") {
    try disk.eachName(in: joined(site, name), body)
  }
}

/// The highest ticket number in a site's log; nil if there is no ticket.
package func highestTicket(site: String, on disk: any Filesystem) throws(DiskError) -> TicketNumber? {
  var highest: UInt64 = 0
  try eachTicketName(site: site, on: disk) { name in
    if let layout = TicketNameLayout(name) { highest = max(highest, layout.ticket) }
  }
  return highest == 0 ? nil : TicketNumber(rawValue: highest)
}

/// True if there is a ticket of this number in the log.
package func isTicketUsed(_ ticket: TicketNumber, site: String, on disk: any Filesystem) throws(DiskError) -> Bool {
  var isUsed = false
  try eachTicketName(site: site, on: disk) { name in
    if TicketNameLayout(name)?.ticket == ticket.rawValue { isUsed = true }
  }
  return isUsed
}

/// The callers of all tickets that ended at `earliest` or later, each as `CallerName` writes it, with the end of his newest
/// ticket; `anonymous` is none.
///
/// These are the numbers that a user may call back (`LocalMinute(calendar.local(now)).midnight(daysBefore: 30)`). Blocks.
/// A call in progress has no ticket in the log until its first hop is over.
package func ticketCallers(
  site: String, since earliest: LocalMinute, on disk: any Filesystem
) throws(DiskError) -> [String: LocalMinute] {
  var callers: [String: LocalMinute] = [:]
  try eachTicketName(site: site, on: disk) { name in
    guard let layout = TicketNameLayout(name), layout.end >= earliest else { return }
    let caller = String(decoding: UnsafeRawBufferPointer(rebasing: name[layout.caller]), as: UTF8.self)
    callers[caller] = max(callers[caller] ?? layout.end, layout.end)
  }
  callers[CallerName.anonymous.text] = nil
  callers[""] = nil
  return callers
}
