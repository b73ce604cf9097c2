import Disk
import Telephony

/// The secret from which the users of our Contacts at trunks' registrars are made: `contact-key` in the state directory.
///
/// With it a daemon that was killed registers under the Contact it had before. Otherwise the registrar would hold both for
/// some minutes, ring us twice, or refuse the second one.
enum ContactKey {
  /// The site's key, made at its first use. A disk that refuses to keep it costs nothing but its lasting. Blocks.
  static func load(_ state: String) -> [UInt8] {
    let disk = RealFilesystem()
    let path = joined(state, "contact-key")
    if let known = try? disk.read(path, limit: 1024), known.count >= length { return known }
    let made = (0..<length).map { _ in UInt8.random(in: .min ... .max) }
    try? disk.makeDirectory(state, isPrivate: true)
    try? disk.replace(path, made, sync: false)
    return made
  }

  private static let length = 32
}
