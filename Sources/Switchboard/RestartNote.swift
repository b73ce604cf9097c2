import Site

/// A setting that was edited and counts only after a restart.
struct RestartNote: Hashable, Sendable {
  /// `Listen.txt`
  var file: String
  /// What stands there now.
  var value: String
  /// What counts until the restart.
  var running: String

  /// What is to be told when the site was read anew.
  ///
  /// - Parameters:
  ///   - running: the site as it was at the start.
  ///   - before: as it was read the last time: what has been told then is not told again.
  static func notes(running: SiteSnapshot, before: SiteSnapshot, now: SiteSnapshot) -> [RestartNote] {
    let settings: [(file: String, value: (SiteSnapshot) -> String)] = [
      ("Listen.txt", { $0.listen.map(\.description).joined(separator: ",") }),
      ("State.txt", { $0.stateDirectory }),
      // The zone belongs to the whole process.
      ("TimeZone.txt", { $0.timeZone ?? "the system's" }),
    ]
    return settings.compactMap { file, value in
      let wanted = value(now)
      guard wanted != value(before), wanted != value(running) else { return nil }
      return RestartNote(file: file, value: wanted, running: value(running))
    }
  }
}
