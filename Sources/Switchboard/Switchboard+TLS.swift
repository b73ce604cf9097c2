import CallControl
import Disk
import Logging
import NIOCore
import NetworkIO
import Site
import Telephony

/// SIP over TLS: certificates that change while the daemon runs, and connections that do not come about.
extension Switchboard {
  /// Hands the sockets what counts for the connections to come.
  func refreshTLS() {
    var peers: [Endpoint: TLSPeer] = [:]
    for peer in control.securePeers {
      guard let context = tls.client(of: peer.trunk) else { continue }
      peers[peer.endpoint, default: TLSPeer(names: [], context: context)].names += peer.names
    }
    sockets.tls = TLSWays(server: tls.server, peer: { peers[$0] })
  }

  /// Looks whether a certificate has been renewed behind a link, where the watch on the site does not see it, as certbot
  /// does; and once a day whether one is about to expire.
  func lookForCertificates() {
    let site = control.site
    guard site.listensOnTLS || site.callsByTLS else { return }
    let now = currentMoment().instant
    if let checked = certificatesCheckedAt, now - checked > .seconds(86_400) {
      certificatesCheckedAt = now
      toldFaults = toldFaults.filter { !$0.path.asciiLowercased.hasSuffix(".pem") }
      return reread()
    }
    certificatesCheckedAt = certificatesCheckedAt ?? now
    let files = tls.files
    let directory = settings.site
    disk.enqueue { [weak self, loop] in
      let hasChanged = files.contains { path, bytes in
        let now = try? RealFilesystem().readPrefix(joined(directory, path), limit: SiteTree.valueLimit + 1)
        // As the reader takes it: what is empty or too long counts as not readable.
        return now.flatMap { (1...SiteTree.valueLimit).contains($0.count) ? $0 : nil } != bytes
      }
      // What the watch has seen too is read twice, which does no harm.
      if hasChanged { loop.execute { [weak self] in self?.assumeIsolated { $0.reread() } } }
    }
  }

  /// A peer of ours that cannot be trusted keeps calls from going out: told each time the reason changes, and every ten
  /// minutes. Strangers' attempts: one line a minute.
  func insecure(_ remote: Endpoint, isOurs: Bool, _ failure: TLSFailure) {
    let now = currentMoment().instant
    guard isOurs else {
      if let at = insecureAt, now - at < .seconds(60) { return }
      insecureAt = now
      logger.info("no TLS connection from a peer", metadata: ["source": "\(remote)", "reason": "\(failure)"])
      return
    }
    if let told = insecurePeers[remote], told.failure == failure, now - told.at < .seconds(600) { return }
    if insecurePeers.count >= 100 { insecurePeers = [:] }
    insecurePeers[remote] = (failure, now)
    let trunk = control.securePeers.first { $0.endpoint == remote }?.trunk
    logger.error(
      "no TLS connection to a peer",
      metadata: ["peer": "\(remote)", "trunk": "\(trunk ?? "none")", "reason": "\(failure)"])
  }
}
