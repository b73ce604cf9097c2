package import Disk
import Glibc
import Telephony

/// The sample that comes with the program, written into a directory: what `pikett init` does.
///
/// What is there already is left as it is, by its name without regard to case, as sites are read.
package struct SampleSite: Sendable {
  /// The files that were written, by their path in the site.
  package private(set) var written: [String] = []
  /// The files of the sample that were there already.
  package private(set) var left: [String] = []
  /// The files for which a password was made up; they are among `written`.
  package private(set) var passwords: [String] = []

  private let disk: any Filesystem
  private let sample: String
  private let site: String

  /// Writes the sample. Blocks.
  ///
  /// - Parameters:
  ///   - sample: the directory `site` of the program's data.
  ///   - site: the directory to write to; made if it is missing.
  ///   - random: a password for each technician comes from it.
  /// - Throws: at the first file that cannot be written. What was written before stays, and a second call goes on.
  package init(
    from sample: String, to site: String, on disk: any Filesystem = RealFilesystem(),
    random: inout some RandomNumberGenerator
  ) throws(DiskError) {
    self.disk = disk
    self.sample = sample
    self.site = site
    try makeDirectory(site)
    try copy("", "", &random, mayMakePasswords: true)
  }

  /// - Parameters:
  ///   - source: the folder in the sample; empty for the sample itself.
  ///   - target: the same as it is spelled in the site.
  private mutating func copy(
    _ source: String, _ target: String, _ random: inout some RandomNumberGenerator, mayMakePasswords: Bool
  ) throws(DiskError) {
    let present = try disk.list(joined(site, target))
    for name in try disk.list(joined(sample, source)) where !name.hasPrefix(".") {
      let from = joined(source, name)
      let twin = present.first { $0.equalsIgnoringCase(name) }
      let to = joined(target, twin ?? name)
      if try disk.status(joined(sample, from))?.isDirectory == true {
        try makeDirectory(joined(site, to))
        // A technician who was there before is rung as before: a password would make his phone register.
        try copy(from, to, &random, mayMakePasswords: mayMakePasswords && (!name.isDigits || twin == nil))
      } else if twin != nil {
        left.append(to)
      } else {
        try write(from, to, &random, mayMakePasswords: mayMakePasswords)
      }
    }
  }

  private func makeDirectory(_ path: String) throws(DiskError) {
    try disk.makeDirectory(path)
    // A file of that name is in the way.
    if try disk.status(path)?.isDirectory != true { throw DiskError(path, .create, ENOTDIR) }
  }

  private mutating func write(
    _ source: String, _ target: String, _ random: inout some RandomNumberGenerator, mayMakePasswords: Bool
  ) throws(DiskError) {
    var bytes = try disk.read(joined(sample, source), limit: 1 << 20)
    let parts = source.split(separator: "/")
    let isUsersPassword = parts.count == 2 && parts[0].isDigits && parts[1].equalsIgnoringCase("Password.txt")
    if isUsersPassword, mayMakePasswords, ValueFile(bytes).value.isEmpty {
      bytes = ValueFile(bytes).replacing(SampleSite.password(&random))
      passwords.append(target)
    }
    // Never over what has come there meanwhile.
    try disk.create(joined(site, target), bytes, sync: false)
    written.append(target)
    if !SampleSite.isSecret(source), disk is RealFilesystem { chmod(joined(site, target), 0o640) }
  }

  /// True of files that hold a password, or may hold one, as the URL of a provider.
  private static func isSecret(_ path: String) -> Bool {
    let name = fileName(of: path).asciiLowercased
    return name.hasSuffix("password.txt") || path.asciiLowercased.hasPrefix("sms/")
  }

  /// 16 letters and digits that can be read out and typed: 80 bits.
  static func password(_ random: inout some RandomNumberGenerator) -> String {
    // No l, o, 0 and 1, which are taken for one another.
    let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
    let bytes = (0..<16).map { _ in alphabet[Int(random.next(upperBound: UInt(alphabet.count)))] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
