import Disk
import SIPUserAgent
package import Telephony

/// The users whose phones are registered, as the running Pikett has last written them down; nil if that cannot be told:
/// none has run on this state yet, or it may not be read.
package func registeredUsers(in state: String, at now: WallTime) -> Set<String>? {
  let disk = RealFilesystem()
  do throws(DiskError) {
    let path = joined(state, RegistrationStore.fileName)
    guard try disk.status(path) != nil else {
      // With a journal, Pikett has run: no phone has registered yet.
      return try disk.status(joined(state, "journal")) == nil ? nil : []
    }
    let stored = RegistrationText.read(try disk.read(path, limit: RegistrationStore.limit)).registrations
    return Set(stored.filter { now < $0.contact.expiresAtWall }.map(\.user))
  } catch { return nil }
}
