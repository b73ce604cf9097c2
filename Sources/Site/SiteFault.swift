/// Something in the site that is not as it must be, in words for its owner.
package struct SiteFault: Hashable, Sendable, CustomStringConvertible {
  /// The file or directory, relative to the site, as it is spelled there (`731/CFNR.txt`); `.` is the site itself.
  package var path: String
  /// What is wrong.
  package var problem: String
  /// What was expected there.
  package var expected: String
  package var severity: Severity

  package init(_ path: String, _ problem: String, expected: String, _ severity: Severity = .error) {
    self.path = path
    self.problem = problem
    self.expected = expected
    self.severity = severity
  }

  /// How bad it is.
  package enum Severity: Hashable, Sendable {
    /// Something does not work, or not as it was written down.
    case error
    /// It works, but may not do what its owner means.
    case warning
  }

  /// `731/CFNR.txt: error: leads to 735, but there is no such user; expected: …`
  package var description: String { "\(path): \(severity): \(problem); expected: \(expected)" }
}
