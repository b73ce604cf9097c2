package import Disk
import Hunting
import Telephony

/// The recordings of a site, by the first ticket of their calls, with what is known to be missing in them.
package struct RecordingList: Sendable {
  /// A call's recording.
  package struct Recording: Hashable, Sendable {
    /// The file's name.
    package var name: String
    /// False: it could not be created; only its mark is there.
    package var isThere: Bool
    /// The bytes that are missing in it; nil: none, as far as is known; 0: nobody knows how many.
    package var lost: UInt64?
    /// Pikett was killed while it was written.
    package var isCut: Bool
  }

  private struct Entry: Sendable {
    var start: LocalMinute
    var ticket: UInt64
    var caller: String
    var copy: UInt64
    var recording: Recording

    init(_ layout: RecordingNameLayout, _ name: UnsafeRawBufferPointer, _ recording: Recording) {
      start = layout.start
      ticket = layout.ticket
      caller = String(decoding: UnsafeRawBufferPointer(rebasing: name[layout.caller]), as: UTF8.self)
      copy = layout.copy
      self.recording = recording
    }
  }

  /// By ticket, then in the order of writing.
  private var entries: [Entry] = []

  /// No recordings.
  package init() {}

  /// Reads the names in a directory; one that is not there yet is empty, foreign files are left alone.
  package init(directory: String, on disk: any Filesystem = RealFilesystem()) throws(DiskError) {
    var found: [Entry] = []
    var marks: [(recording: String, mark: RecordingMark)] = []
    do throws(DiskError) {
      try disk.eachName(in: directory) { name in
        if let layout = RecordingNameLayout(name) {
          let text = String(decoding: name, as: UTF8.self)
          found.append(Entry(layout, name, Recording(name: text, isThere: true, lost: nil, isCut: false)))
        } else if name.last != UInt8(ascii: "p"), let mark = RecordingMark.read(String(decoding: name, as: UTF8.self)) {
          marks.append(mark)
        }
      }
    } catch {
      if !error.isNotFound { throw error }
    }
    add(marks, to: &found)
    found.removeAll { $0.ticket == 0 }
    found.sort {
      ($0.ticket, $0.start.value, $0.copy, $0.recording.name) < ($1.ticket, $1.start.value, $1.copy, $1.recording.name)
    }
    entries = found
  }

  /// Marks are rare.
  private func add(_ marks: [(recording: String, mark: RecordingMark)], to found: inout [Entry]) {
    guard !marks.isEmpty else { return }
    var places: [String: Int] = [:]
    for (index, entry) in found.enumerated() { places[entry.recording.name] = index }
    for (name, mark) in marks {
      if places[name] == nil {
        let recording = Recording(name: name, isThere: false, lost: nil, isCut: false)
        let entry = Array(name.utf8).withUnsafeBytes { bytes in
          RecordingNameLayout(bytes).map { Entry($0, bytes, recording) }
        }
        guard let entry else { continue }
        places[name] = found.count
        found.append(entry)
      }
      guard let place = places[name] else { continue }
      switch mark {
      case .cut: found[place].recording.isCut = true
      case .lost(let bytes):
        found[place].recording.lost = max(found[place].recording.lost ?? 0, bytes)
      }
    }
  }

  package var isEmpty: Bool { entries.isEmpty }

  /// The recording of the call whose first hop is this; nil if there is none.
  ///
  /// The recording begins when the key is pressed, so that its minute may be the one before the first ticket's.
  package func recording(of first: TicketLog.Hop, in log: TicketLog) -> Recording? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].ticket < first.ticket.rawValue { low = middle + 1 } else { high = middle }
    }
    let caller = log.text(first.caller)
    // Where the owner has set the counter back, a number came more than once, perhaps even within a minute.
    let candidates = entries[low...].prefix { $0.ticket == first.ticket.rawValue }.filter {
      $0.caller == caller && (0...1).contains(first.start.minutes(since: $0.start))
    }
    let exact = candidates.filter { $0.start == first.start }
    let likely = exact.isEmpty ? candidates : exact
    return (likely.first { $0.copy == UInt64(max(first.serial, 1)) } ?? likely.first)?.recording
  }
}
