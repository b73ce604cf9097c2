import Disk
import Glibc
import Site
import Spool

/// What `pikett-delivery` does: one pass over the spool of a site.
///
/// - Parameters:
///   - site: the site's directory.
///   - data: the directory of the provider templates that come with the program; nil: where it belongs.
///   - note: told of everything worth a line.
/// - Returns: the exit code: 0 done (also where another process is at it), 69 a provider could not be reached or
///   refused, so that something waits, 73 the spool could not be read or written.
package func deliverMessages(
  site: String, data: String? = nil, note: @escaping @Sendable (DeliveryNote) -> Void
) -> Int32 {
  let disk = RealFilesystem()
  let client = HTTPClient()
  let spool = MessageSpool(directory: joined(site, "spool/sms"), channel: "sms", disk: disk)
  let delivery = SMSDelivery(spool: spool, clock: currentWallTime, send: { client.send($0) }, note: note)
  do throws(DiskError) {
    let lock = try spool.lock()
    defer { lock.release() }
    let outcome = try delivery.run {
      readSite(site, data: data ?? (try? Installation().dataDirectory()), on: disk, note: note)
    }
    return outcome.postponed + outcome.failed > 0 ? 69 : 0
  } catch {
    if error.isLocked { return 0 }
    note(.disk(error))
    return 73
  }
}

private func readSite(
  _ site: String, data: String?, on disk: RealFilesystem, note: (DeliveryNote) -> Void
) -> SiteSnapshot {
  let tree = readTree(site, on: disk)
  for fault in tree.faults { note(.site("\(fault)")) }
  let providers = data.map { readTree(joined($0, "sms"), on: disk).files } ?? [:]
  return SiteReading(
    files: tree.content, unreadable: tree.unreadable(in: site), builtInProviders: providers
  ).snapshot
}
