package import Site
import Telephony

/// What `pikett init` prints: what it has written, what it has left, and what is still to be filled in.
package struct InitReport: Sendable {
  /// The report, each line ended by a line feed.
  package let text: String

  /// - Parameters:
  ///   - directory: the site's, as it was given.
  ///   - faults: of the site as it is now.
  package init(_ sample: SampleSite, at directory: String, faults: [SiteFault]) {
    var lines = ["\(directory): \(counted(sample.written.count, "file")) written"]
    if !sample.left.isEmpty {
      let left = sample.left.count > 20 ? counted(sample.left.count, "file") : sample.left.joined(separator: ", ")
      lines.append("there already, and left as they are: " + left)
    }
    if !sample.passwords.isEmpty {
      lines.append("passwords for the phones are in " + sample.passwords.joined(separator: ", "))
    }
    if !faults.isEmpty {
      lines += ["", "still to be filled in, or to be decided:"]
      lines += faults.sorted { ($0.path, $0.problem) < ($1.path, $1.problem) }.map { "  " + $0.description }
    }
    lines += [
      "", "README.md in it tells how to go on. What it all means: pikett check --site \(directory)",
      "To run it: pikett run --site \(directory)",
    ]
    text = lines.map { printable($0) + "\n" }.joined()
  }
}
