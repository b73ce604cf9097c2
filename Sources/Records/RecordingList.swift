package import Disk
import Hunting
import Telephony

/// The recordings of a site, by the first ticket of their calls.
package struct RecordingList: Sendable {
  private struct Recording: Sendable {
    var start: LocalMinute
    var ticket: UInt64
    var caller: String
    var copy: UInt64
    var name: String
  }

  /// By ticket, then in the order of writing.
  private var recordings: [Recording] = []

  /// No recordings.
  package init() {}

  /// Reads the names in a directory; one that is not there yet is empty, foreign files are left alone.
  package init(directory: String, on disk: any Filesystem = RealFilesystem()) throws(DiskError) {
    var found: [Recording] = []
    do throws(DiskError) {
      try disk.eachName(in: directory) { name in
        guard let layout = RecordingNameLayout(name) else { return }
        found.append(
          Recording(
            start: layout.start, ticket: layout.ticket,
            caller: String(decoding: UnsafeRawBufferPointer(rebasing: name[layout.caller]), as: UTF8.self),
            copy: layout.copy, name: String(decoding: name, as: UTF8.self)))
      }
    } catch {
      if !error.isNotFound { throw error }
    }
    found.sort { ($0.ticket, $0.start.value, $0.copy, $0.name) < ($1.ticket, $1.start.value, $1.copy, $1.name) }
    recordings = found
  }

  package var isEmpty: Bool { recordings.isEmpty }

  /// The file of the call whose first hop is this; nil if there is none.
  ///
  /// The recording begins when the key is pressed, so that its minute may be the one before the first ticket's.
  package func name(of first: TicketLog.Hop, in log: TicketLog) -> String? {
    var low = 0
    var high = recordings.count
    while low < high {
      let middle = (low + high) / 2
      if recordings[middle].ticket < first.ticket.rawValue { low = middle + 1 } else { high = middle }
    }
    let caller = log.text(first.caller)
    // Where the owner has set the counter back, a number came more than once, perhaps even within a minute.
    let candidates = recordings[low...].prefix { $0.ticket == first.ticket.rawValue }.filter {
      $0.caller == caller && (0...1).contains(first.start.minutes(since: $0.start))
    }
    let exact = candidates.filter { $0.start == first.start }
    let likely = exact.isEmpty ? candidates : exact
    return (likely.first { $0.copy == UInt64(max(first.serial, 1)) } ?? likely.first)?.name
  }
}
