import Disk
import Logging
import Site

/// Keeps where the site's host names lead in `state/addresses`, so that a daemon that starts while the name server is away
/// still knows its trunks: after a power cut, the router is often the last to come back.
///
/// Not synced: a file that is damaged costs what cannot be read of it.
struct AddressStore: Sendable {
  static let fileName = "addresses"
  private static let limit = 1 << 20

  let path: String
  let disk: DiskWorker
  let logger: Logger

  /// What a former run knew. Nothing that is wrong with it hinders the start. Blocks.
  static func read(_ path: String, _ logger: Logger) -> KnownHosts {
    do throws(DiskError) {
      guard try RealFilesystem().status(path) != nil else { return KnownHosts() }
      return AddressText.read(try RealFilesystem().read(path, limit: limit))
    } catch {
      logger.warning("the addresses of the last run cannot be read", metadata: ["fault": "\(error)"])
      return KnownHosts()
    }
  }

  /// Writes what is known now, on the disk thread.
  func keep(_ hosts: KnownHosts) {
    let bytes = AddressText.bytes(hosts)
    disk.enqueue { [path, logger] in
      do throws(DiskError) { try RealFilesystem().replace(path, bytes, sync: false) } catch {
        logger.warning("the addresses cannot be kept for the next start", metadata: ["fault": "\(error)"])
      }
    }
  }
}
