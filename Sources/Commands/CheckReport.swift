import Hunting
package import Site
import Telephony

/// What `pikett check` prints: the site as it was understood, then what is wrong with it.
///
/// No secret appears in it: of logins only the names, of providers' URLs only the server.
package struct CheckReport: Sendable {
  /// The report, each line ended by a line feed.
  package let text: String
  /// Something does not work, or not as it was written down: `pikett check` ends with 1.
  package let hasErrors: Bool

  /// - Parameters:
  ///   - reading: the site as it was read.
  ///   - extra: what only the machine can tell: sounds that cannot be decoded, an unknown time zone, a full disk.
  package init(_ reading: SiteReading, extra: [SiteFault] = []) {
    let faults = CheckReport.sorted(reading.faults + extra)
    let site = reading.snapshot
    let broken = Set(faults.filter { $0.severity == .error }.map(\.path))
    let sections = [
      site.settingsTable.text(),
      CheckReport.section("Users", site.userTable, ifEmpty: "nobody"),
      CheckReport.section("Hunt: " + printable(site.dutyText), site.huntTable, ifEmpty: "nobody is rung"),
      CheckReport.section("Queues", site.queueTable(broken: broken), ifEmpty: "none; a PBX may call the hunt directly"),
      CheckReport.section("Trunks", site.trunkTable, ifEmpty: "none"),
      CheckReport.section("SMS providers, in the order in which they are tried", site.providerTable, ifEmpty: "none"),
      faults.map { printable($0.description) + "\n" }.joined(),
      CheckReport.summary(faults) + "\n",
    ]
    text = sections.filter { !$0.isEmpty }.joined(separator: "\n")
    hasErrors = faults.contains { $0.severity == .error }
  }

  private static func section(_ title: String, _ table: Table, ifEmpty: String) -> String {
    title + "\n" + (table.isEmpty ? "  \(ifEmpty)\n" : table.text(indent: 2))
  }

  /// By path, of one path the errors first, each fault once: the same site always gives the same report.
  private static func sorted(_ faults: [SiteFault]) -> [SiteFault] {
    let order = { (fault: SiteFault) in
      (fault.path, fault.severity == .error ? 0 : 1, fault.problem, fault.expected)
    }
    return Set(faults).sorted { order($0) < order($1) }
  }

  /// `check: 1 error, 2 warnings`.
  private static func summary(_ faults: [SiteFault]) -> String {
    let errors = faults.count { $0.severity == .error }
    return "check: " + counted(errors, "error") + ", " + counted(faults.count - errors, "warning")
  }
}

/// `1 error`, `2 errors`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// `20 s`.
func inSeconds(_ duration: Duration) -> String { "\(duration.components.seconds) s" }
