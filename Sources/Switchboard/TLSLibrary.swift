import Disk
import NetworkIO
package import Site
package import Telephony

/// The site's certificates and keys that cannot be used, or not for long; nothing where no TLS is spoken. Blocks.
///
/// - Parameter directory: the site's.
package func certificateFaults(_ reading: SiteReading, at directory: String, now: WallTime) -> [SiteFault] {
  var library = TLSLibrary()
  return library.load(reading, at: directory, now: now)
}

/// What TLS connections need of the site's files: who we are, and whose authorities count.
///
/// Everything is made when the site is read, so that no connection waits for a file. What was good before stays where a
/// new file is not.
struct TLSLibrary: Sendable {
  /// Certificates and keys as they were read, by path; nil: it could not be read.
  private(set) var files: [String: [UInt8]?] = [:]
  /// For peers' connections; nil: no certificate could be used yet.
  private(set) var server: TLSContext?
  private var identity: TLSIdentity?
  private var identityFiles: [[UInt8]] = []
  /// What connections of ours need, by what they were made of.
  private var clients: [ClientKey: TLSContext] = [:]
  /// By the trunk's name; nil: of all others.
  private var clientOfTrunk: [String?: TLSContext] = [:]

  private struct ClientKey: Hashable {
    var identity: [[UInt8]]
    var authorities: [[UInt8]]
  }

  /// How long before its end a certificate is told to expire: certbot renews 30 days before.
  static let notice = Duration.seconds(30 * 86_400)

  /// What a connection to this trunk (nil: to a phone) needs.
  func client(of trunk: String?) -> TLSContext? { clientOfTrunk[trunk] ?? clientOfTrunk[.none] }

  /// Takes over what was read. Blocks.
  /// - Returns: what is wrong with the files.
  mutating func load(_ reading: SiteReading, at directory: String, now: WallTime) -> [SiteFault] {
    let site = reading.snapshot
    guard site.listensOnTLS || site.callsByTLS else {
      self = TLSLibrary()
      return []
    }
    files = [:]
    let paths = [site.tls.certificate, site.tls.key, site.tls.authorities] + site.trunks.map(\.authorities)
    for path in paths.compactMap({ $0 }) {
      files.updateValue(reading.pemFiles.first { $0.path == path }?.bytes.secret, forKey: path)
    }
    let bytes = { (path: String?) in reading.pemFiles.first { $0.path == path }?.bytes.secret }
    var faults: [SiteFault] = []
    if let certificate = site.tls.certificate, let key = site.tls.key {
      faults += rights(key, at: directory)
      if let chain = bytes(certificate), let secret = bytes(key) {
        faults += adopt([chain, secret], paths: (certificate, key), now: now)
      }
    } else {
      (server, identity, identityFiles) = (nil, nil, [])
    }
    faults += readAuthorities(site, bytes)
    return faults
  }

  // MARK: Who we are

  private mutating func adopt(
    _ files: [[UInt8]], paths: (certificate: String, key: String), now: WallTime
  ) -> [SiteFault] {
    if files != identityFiles {
      do throws(TLSIdentity.Fault) {
        let new = try TLSIdentity(certificates: files[0], key: files[1])
        // One that has expired is no good against one that has not.
        if identity == nil || !hasExpired(new, now) || hasExpired(identity, now) {
          guard let context = try? TLSContext(server: new) else { throw .otherKey }
          (server, identity, identityFiles) = (context, new, files)
        } else {
          return validityFaults(new, paths.certificate, now: now)
        }
      } catch {
        let old = identity == nil ? [] : validityFaults(identity, paths.certificate, now: now)
        return [SiteFault(error, paths, isReplaced: identity != nil)] + old
      }
    }
    return validityFaults(identity, paths.certificate, now: now)
  }

  private func hasExpired(_ identity: TLSIdentity?, _ now: WallTime) -> Bool {
    identity?.validity.map { $0.until < now } ?? false
  }

  private func validityFaults(_ identity: TLSIdentity?, _ path: String, now: WallTime) -> [SiteFault] {
    guard let validity = identity?.validity else { return [] }
    let expected = "a certificate that counts now; it may be replaced at any time, without a restart"
    if validity.until < now {
      return [SiteFault(path, "has expired on \(dayText(validity.until)): peers refuse it", expected: expected)]
    }
    if now < validity.from {
      return [
        SiteFault(path, "counts only from \(dayText(validity.from)): peers refuse it until then", expected: expected)
      ]
    }
    guard validity.until < now + Self.notice else { return [] }
    return [SiteFault(path, "expires on \(dayText(validity.until))", expected: "a newer one in time", .warning)]
  }

  /// A key that others can read is no secret.
  private func rights(_ path: String, at directory: String) -> [SiteFault] {
    guard let status = try? RealFilesystem().status(joined(directory, path)), status.mode & 0o077 != 0 else {
      return []
    }
    let mode = String(status.mode, radix: 8)
    return [SiteFault(path, "others than its owner may read it (mode \(mode))", expected: "mode 600", .warning)]
  }

  // MARK: Whom we trust

  private mutating func readAuthorities(_ site: SiteSnapshot, _ bytes: (String?) -> [UInt8]?) -> [SiteFault] {
    guard site.callsByTLS else {
      (clients, clientOfTrunk) = ([:], [:])
      return []
    }
    var faults: [SiteFault] = []
    let (old, oldOfTrunk) = (clients, clientOfTrunk)
    (clients, clientOfTrunk) = ([:], [:])
    func authorities(_ path: String?) -> [UInt8]? {
      guard let path, let pem = bytes(path) else { return nil }
      if let count = certificateCount(pem: pem), count > 0 { return pem }
      faults.append(SiteFault(path, "holds no certificate that can be read", expected: "certificates in PEM"))
      return nil
    }
    let common = authorities(site.tls.authorities)
    let owners = [(nil, nil)] + site.trunks.filter { $0.transport == .tls }.map { ($0.name, $0.authorities) }
    for (trunk, path) in owners as [(String?, String?)] where trunk == nil || path != nil {
      let own = authorities(path)
      let wanted = ClientKey(identity: identityFiles, authorities: [common, own].compactMap { $0 })
      let made =
        old[wanted] ?? clients[wanted]
        ?? (try? TLSContext(client: identity, authorities: wanted.authorities))
      clients[wanted] = made
      // What cannot be read now could be read before.
      clientOfTrunk[trunk] = own == nil && path != nil ? oldOfTrunk[trunk] ?? made : made
    }
    return faults
  }
}

extension SiteFault {
  fileprivate init(_ fault: TLSIdentity.Fault, _ paths: (certificate: String, key: String), isReplaced: Bool) {
    let stays = isReplaced ? "; the one before goes on to be shown" : ""
    switch fault {
    case .noCertificate:
      self.init(
        paths.certificate, "holds no certificate that can be read" + stays,
        expected: "the certificate and those that lead to its root, in PEM")
    case .noKey:
      self.init(paths.key, "holds no key that can be read" + stays, expected: "the certificate's key in PEM")
    case .lockedKey:
      self.init(
        paths.key, "the key is encrypted, and nobody is there to type its password" + stays,
        expected: "the key in PEM, not encrypted, in a file of mode 600")
    case .otherKey:
      self.init(
        paths.key, "is not the key of the first certificate in \(paths.certificate)" + stays,
        expected: "the key with which that certificate was made")
    }
  }
}
