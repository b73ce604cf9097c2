import Disk
import Glibc
package import Logging
import Telephony

/// Writes each event as one line on standard error: local time, level, message, then `key=value` in a fixed order.
///
/// What strangers send may stand in a value: control characters never reach the terminal or the journal.
package struct LogLines: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var logLevel: Logger.Level

  package init(level: Logger.Level = .info) { logLevel = level }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var line = "\(Self.stamp(currentWallTime())) \(event.level.rawValue.uppercased()) "
    line += event.message.description
    let pairs = metadata.merging(event.metadata ?? [:]) { _, new in new }
    // Call and ticket first: they are what one looks for.
    let keys =
      ["call", "ticket"].filter { pairs[$0] != nil } + pairs.keys.filter { $0 != "call" && $0 != "ticket" }.sorted()
    for key in keys { line += " \(key)=\(Self.value("\(pairs[key] ?? "")"))" }
    var bytes = Array(line.utf8) + [0x0A]
    // One write a line, so that lines of several threads and processes never mix.
    while !bytes.isEmpty {
      let count = write(STDERR_FILENO, bytes, bytes.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes.removeFirst(count)
    }
  }

  /// `2012-10-12T14:00:05.123+0200`, in the site's zone, which is the process's.
  private static func stamp(_ now: WallTime) -> String {
    var seconds = time_t(now.unixSeconds)
    var fields = tm()
    localtime_r(&seconds, &fields)
    var buffer = [CChar](repeating: 0, count: 64)
    let milliseconds = padded(now.microseconds / 1000 % 1000, 3)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S.\(milliseconds)%z", &fields)
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Quoted if it is empty or has blanks or quotes; control characters as `?`; 500 characters at most.
  static func value(_ text: String) -> String {
    let safe = text.unicodeScalars.prefix(500).map { scalar -> Character in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: "?"
      default: Character(scalar)
      }
    }
    let isPlain = !safe.isEmpty && !safe.contains { $0 == " " || $0 == "\"" || $0 == "=" }
    return isPlain
      ? String(safe)
      : "\"\(String(safe).split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "'"))\""
  }
}
