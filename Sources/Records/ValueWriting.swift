package import Disk
import Telephony

/// The name of the lock in the state directory that daemon and commands share for the value files they write.
let writeLockName = "write.lock"

/// Writes the first line of a value file; its remarks, owner and mode stay. Readers see the old or the new value.
///
/// A file that is missing is made, and its directories.
/// - Parameters:
///   - path: the file.
///   - remarks: what stands below the value in a new file: lines for its owner.
///   - state: the directory of journal and locks.
/// - Throws: `isLocked` if somebody else writes a value this very moment: to be tried again.
package func writeValue(
  _ value: String, to path: String, remarks: String, state: String, on disk: any Filesystem
) throws(DiskError) {
  try disk.makeDirectory(state, isPrivate: true)
  let lock = try disk.lock(joined(state, writeLockName))
  defer { lock.release() }
  var old = Array("\n\(remarks)".utf8)
  do throws(DiskError) { old = try disk.read(path, limit: 64 * 1024) } catch {
    guard error.isNotFound else { throw error }
    try disk.makeDirectory(directory(of: path))
  }
  try disk.replace(path, ValueFile(old).replacing(value), sync: true)
}
