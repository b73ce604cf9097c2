import Telephony

/// The value of a file.
enum Setting<Value> {
  /// No file, or a blank one: the default.
  case missing
  /// `none`.
  case off
  case given(Value)

  /// What stands in the file; the default if nothing does; nil for `none`.
  func or(_ standard: Value) -> Value? {
    switch self {
    case .missing: standard
    case .off: nil
    case .given(let value): value
    }
  }

  /// What stands in the file, or nil.
  var value: Value? {
    guard case .given(let value) = self else { return nil }
    return value
  }

  /// `none` stands in the file.
  var isOff: Bool {
    guard case .off = self else { return false }
    return true
  }
}

/// Reads value files, collects the faults, and keeps the last good value of a file that cannot be understood.
struct SiteReader {
  let listing: SiteListing
  /// Folded path → the text last understood there.
  private let previous: [String: Redacted<String>]
  private(set) var good: [String: Redacted<String>] = [:]
  private(set) var faults: [SiteFault] = []
  /// Every place at which a file was looked for: all that can mean something in this site.
  var places: Set<String> = []
  var audioFiles: [AudioFile] = []
  var pemFiles: [PEMFile] = []

  /// What the text of a file may be used for.
  enum Secrecy {
    /// It may be quoted in a fault.
    case open
    /// It may hold a secret.
    case confidential
    /// It is one, and its blanks belong to it.
    case password
  }

  /// The longest value file, in bytes.
  static let longestFile = 65_536

  /// `XMLnumber.txt` where nothing is said.
  static let standardXMLNumber = PhoneNumber(internalNumber: 799)

  init(_ listing: SiteListing, previous: [String: Redacted<String>] = [:]) {
    self.listing = listing
    self.previous = previous
  }

  mutating func report(
    _ path: String, _ problem: String, expected: String, _ severity: SiteFault.Severity = .error
  ) {
    let fault = SiteFault(listing[path]?.path ?? path, problem, expected: expected, severity)
    // A provider's files are read once for each user.
    if !faults.contains(fault) { faults.append(fault) }
  }

  /// What stands at a path whose file is no value (a sound, a certificate), as it is spelled; nil if there is no such file.
  mutating func file(_ path: String, _ expected: String) -> SiteListing.Entry? {
    places.insert(path)
    guard let entry = listing[path] else {
      if listing.hasDirectory(path) { report(path, "is a directory", expected: expected) }
      return nil
    }
    if let twin = entry.twin {
      report(path, "stands there twice, as \(entry.path) and \(twin)", expected: "one of them")
    }
    return entry
  }

  /// Reads the value at `path`.
  ///
  /// - Parameters:
  ///   - expected: what stands there, for the fault.
  ///   - canBeOff: `none` is understood.
  ///   - secrecy: whether a fault may quote the text, and whether blanks belong to it.
  ///   - parse: nil if the text cannot be understood.
  mutating func setting<Value>(
    _ path: String, _ expected: String, canBeOff: Bool = false, secrecy: Secrecy = .open, parse: (String) -> Value?
  ) -> Setting<Value> {
    let key = path.asciiLowercased
    places.insert(path)
    if let text = text(at: path, expected, secrecy) {
      if let setting = understand(text, canBeOff, parse) {
        if case .missing = setting { return setting }
        good[key] = Redacted(text)
        return setting
      }
      report(path, secrecy != .open ? "is not understood" : "“\(excerpt(text))” is not understood", expected: expected)
    } else if listing[path] == nil, !listing.hasDirectory(path) {
      return .missing
    }
    guard let text = previous[key] else { return .missing }
    guard let setting = understand(text.secret, canBeOff, parse) else { return .missing }
    good[key] = text
    return setting
  }

  private func understand<Value>(_ text: String, _ canBeOff: Bool, _ parse: (String) -> Value?) -> Setting<Value>? {
    if text.isEmpty { return .missing }
    if canBeOff, text.equalsIgnoringCase("none") { return .off }
    return parse(text).map { .given($0) }
  }

  /// The first line of the file at `path`; nil if there is no such file, or it cannot be read as text (reported).
  private mutating func text(at path: String, _ expected: String, _ secrecy: Secrecy) -> String? {
    guard let entry = listing[path] else {
      if listing.hasDirectory(path) { report(path, "is a directory", expected: "a file whose first line is the value") }
      return nil
    }
    if let twin = entry.twin {
      report(path, "stands there twice, as \(entry.path) and \(twin)", expected: "one of them")
      return nil
    }
    switch entry.content {
    case .unreadable(let reason):
      report(path, "cannot be read: \(reason)", expected: expected)
      return nil
    case .bytes(let bytes) where bytes.count > SiteReader.longestFile:
      report(path, "is longer than 64 KB", expected: "a file whose first line is the value")
      return nil
    case .bytes(let bytes):
      let file = ValueFile(bytes)
      if file.isBinary || bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
        report(path, "is no text in UTF-8 or Windows-1252", expected: expected)
        return nil
      }
      return secrecy == .password ? file.rawValue : file.value
    }
  }

  private func excerpt(_ text: String) -> String { text.count <= 60 ? text : String(text.prefix(60)) + "…" }
}

// MARK: - The usual kinds of values

extension SiteReader {
  mutating func text(_ path: String, _ expected: String) -> String? {
    setting(path, expected, canBeOff: true) { $0 }.value
  }

  mutating func password(_ path: String) -> Redacted<String>? {
    setting(path, "the password, as it is", canBeOff: true, secrecy: .password) { Redacted($0) }.value
  }

  /// A number of seconds; `none` where it can be off.
  mutating func seconds(
    _ path: String, _ range: ClosedRange<Int>, default standard: Int, canBeOff: Bool = false
  ) -> Duration? {
    let expected = "seconds, \(range.lowerBound) to \(range.upperBound)" + (canBeOff ? ", or none" : "")
    return setting(path, expected, canBeOff: canBeOff) { Values.number($0, in: range) }.or(standard)
      .map { .seconds($0) }
  }

  mutating func count(
    _ path: String, _ range: ClosedRange<Int>, canBeOff: Bool = false
  ) -> Setting<Int> {
    let expected = "a number, \(range.lowerBound) to \(range.upperBound)" + (canBeOff ? ", or none" : "")
    return setting(path, expected, canBeOff: canBeOff) { Values.number($0, in: range) }
  }

  mutating func yesNo(_ path: String, default standard: Bool) -> Bool {
    setting(path, "yes or no", canBeOff: true, parse: Values.yesNo).or(standard) ?? false
  }

  /// A key that confirms, or nil for none.
  mutating func key(_ path: String, default standard: Character?) -> Character? {
    let key = setting(path, "a key: 0 to 9, * or #, or none", canBeOff: true, parse: Values.key)
    guard let standard else { return key.value }
    return key.or(standard)
  }

  mutating func names(_ path: String, _ expected: String) -> Setting<[String]> {
    setting(path, expected, canBeOff: true, parse: Values.list)
  }

  mutating func phoneNumber(_ path: String, _ expected: String) -> PhoneNumber? {
    setting(path, expected, canBeOff: true) { PhoneNumber($0) }.value
  }
}
