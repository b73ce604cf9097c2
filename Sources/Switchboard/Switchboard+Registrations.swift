import CallControl
import Disk
import Logging
import NetworkIO
import SIPMessage
import SIPUserAgent
import Telephony

/// Phones that were registered before a restart.
extension Switchboard {
  /// Takes back what a former run has kept, each phone on the way that leads to it now: a phone behind a NAT where it
  /// registered from, out of the socket to which it did; one whose connection is gone at its own address.
  func restore(_ stored: [StoredRegistration]) {
    guard !stored.isEmpty else { return }
    let reachable = stored.compactMap { entry -> StoredRegistration? in
      guard var contact = entry.contact.withoutConnection(),
        let flow = sockets.flow(
          to: contact.flow.remote, transport: contact.flow.transport, preferring: contact.flow.local.port)
      else { return nil }
      contact.flow = flow
      return StoredRegistration(user: entry.user, contact: contact)
    }
    let now = currentMoment()
    control.restore(reachable, at: now)
    scheduleWakeUp()
    let living = control.registrations(at: now.instant)
    for entry in living {
      logger.info(
        "phone still registered",
        metadata: [
          "user": "\(entry.user)", "contact": "\(entry.contact.uri)",
          "seconds": "\((entry.contact.expiresAt - now.instant).milliseconds / 1000)",
        ])
    }
    if living.count < stored.count { registrations.changed() }
  }
}
