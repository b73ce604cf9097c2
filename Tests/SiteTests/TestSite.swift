import Hunting
import Site
import Telephony
import Testing

/// A small site that is sound, to change one file of.
enum TestSite {
  static let base: [String: String] = [
    "731/CFNR.txt": "799732", "731/Contact.txt": "sip:731@192.0.2.10",
    "732/CFNR.txt": "731", "732/Fork.txt": "none", "732/Password.txt": "secret",
    "trunks/GW14/": "", "trunks/GW14/Host.txt": "192.0.2.1",
    "queues/TED_WQ10/Number.txt": "720", "queues/TED_WQ10/Map1.txt": "799*731",
    "forwards/TED_CFU/Target.txt": "732",
  ]

  /// A provider, so that SMSProvider.txt's default leads somewhere.
  static let builtIn: [String: String] = [
    "CODEMA/Timeout.txt": "30", "kannel/URL.txt": "http://localhost/?to={number}&text={text}",
    "kannel/Success.txt": "202",
  ]

  /// Reads the base with other files; nil takes a file away.
  static func read(
    _ changes: [String: String?] = [:], base: [String: String] = base, previous: SiteSnapshot? = nil
  ) -> SiteReading {
    var files = base
    for (path, text) in changes { files[path] = text }
    return SiteReading(
      files: files.mapValues { Array($0.utf8) }, builtInProviders: builtIn.mapValues { Array($0.utf8) },
      previous: previous)
  }

  /// `path: problem` of every fault.
  static func problems(_ changes: [String: String?] = [:]) -> [String] {
    read(changes).faults.map { "\($0.path): \($0.problem)" }
  }

  /// Checks what a file's texts mean. nil as a text: the file is not there. A text in `bad` is a fault at `path`, and the
  /// default counts.
  static func check<Value: Equatable>(
    _ path: String, _ values: [(text: String?, value: Value)], bad: [String],
    sourceLocation: SourceLocation = #_sourceLocation, _ get: (SiteSnapshot) -> Value?
  ) {
    for (text, value) in values {
      let reading = read([path: text])
      #expect(get(reading.snapshot) == value, "“\(text ?? "(missing)")”", sourceLocation: sourceLocation)
      let faults = reading.faults.filter { $0.path == path && $0.problem.hasSuffix("is not understood") }
      #expect(faults == [], "“\(text ?? "(missing)")”", sourceLocation: sourceLocation)
    }
    let standard = get(read([path: nil]).snapshot)
    for text in bad {
      let reading = read([path: text])
      #expect(get(reading.snapshot) == standard, "“\(text)”", sourceLocation: sourceLocation)
      let fault = reading.faults.first { $0.path == path && $0.severity == .error }
      #expect(fault?.problem.hasSuffix("is not understood") == true, "“\(text)”", sourceLocation: sourceLocation)
      #expect(fault?.expected.isEmpty == false, "“\(text)”", sourceLocation: sourceLocation)
    }
  }
}
