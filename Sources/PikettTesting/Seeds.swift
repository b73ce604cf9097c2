import Glibc

/// The seeds of a property test, from the environment:
///
/// - `PIKETT_SEED=4711` runs this one alone, and the test tells its whole story: how a failure is replayed.
/// - `PIKETT_SEEDS=100` runs a hundred times as many as usual.
/// - `PIKETT_SEED_RANGE=1-2500` runs exactly these: so `tools/soak` asks for its count.
package enum Seeds {
  /// The seed that is replayed; nil for an ordinary run.
  package static let replayed = value("PIKETT_SEED")

  /// The seeds to run: `usual`, more of them, or the one that is replayed.
  package static func run(_ usual: ClosedRange<UInt64>) -> [UInt64] {
    if let replayed { return [replayed] }
    if let range { return Array(range) }
    let count = UInt64(usual.count).multipliedReportingOverflow(by: value("PIKETT_SEEDS") ?? 1).partialValue
    return Array(usual.lowerBound...usual.lowerBound + max(count, 1) - 1)
  }

  /// What `PIKETT_SEED_RANGE` says.
  private static var range: ClosedRange<UInt64>? {
    let ends = getenv("PIKETT_SEED_RANGE").map { String(cString: $0).split(separator: "-").compactMap { UInt64($0) } }
    guard let ends, ends.count == 2, ends[0] <= ends[1] else { return nil }
    return ends[0]...ends[1]
  }

  private static func value(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }
}
