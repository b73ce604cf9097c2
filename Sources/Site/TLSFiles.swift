import Telephony

/// Where the site keeps who we are over TLS: `tls/`. Paths as they are spelled; nil: there is no such file.
package struct TLSFiles: Hashable, Sendable {
  /// Our certificate, followed by those that lead to its root.
  package var certificate: String?
  /// The certificate's key.
  package var key: String?
  /// Authorities that peers' certificates may lead to, besides those the machine trusts.
  package var authorities: String?

  package init() {}
}

extension SiteSnapshot {
  /// True if peers may connect by TLS.
  package var listensOnTLS: Bool { listen.contains { $0.transport == .tls } }

  /// True if anybody is called by TLS.
  package var callsByTLS: Bool {
    trunks.contains { $0.transport == .tls && !$0.hosts.isEmpty } || users.contains { $0.contact?.transport == .tls }
  }
}

extension SiteReader {
  static let certificateHint = "the certificate and those that lead to its root, in PEM"
  static let keyHint = "the certificate's key in PEM, not encrypted"

  mutating func readTLSFiles() -> TLSFiles {
    var files = TLSFiles()
    files.certificate = pemPath("tls/Certificate.pem", SiteReader.certificateHint)
    files.key = pemPath("tls/Key.pem", SiteReader.keyHint)
    files.authorities = pemPath("tls/CA.pem", "certificates in PEM")
    return files
  }

  /// The path of a PEM file as it is spelled; nil if there is no such file.
  mutating func pemPath(_ path: String, _ expected: String) -> String? {
    guard let entry = file(path, expected) else { return nil }
    switch entry.content {
    case .unreadable(let reason):
      report(path, "cannot be read: \(reason)", expected: expected)
    case .bytes(let bytes) where bytes.count > SiteReader.longestFile:
      report(path, "is longer than 64 KB", expected: expected)
    case .bytes(let bytes) where bytes.isEmpty:
      report(path, "is empty", expected: expected)
    case .bytes(let bytes):
      pemFiles.append(PEMFile(path: entry.path, bytes: Redacted(bytes)))
    }
    return entry.path
  }

  /// What TLS needs and is not there.
  mutating func checkTLSFiles(_ site: SiteSnapshot) {
    let files = site.tls
    if site.listensOnTLS || files.key != nil, files.certificate == nil {
      report(
        "tls/Certificate.pem",
        site.listensOnTLS ? "missing: nobody can connect by TLS, as Listen.txt says" : "missing, but its key is there",
        expected: SiteReader.certificateHint)
    }
    if site.listensOnTLS || files.certificate != nil, files.key == nil {
      report(
        "tls/Key.pem",
        site.listensOnTLS
          ? "missing: nobody can connect by TLS, as Listen.txt says" : "missing, but its certificate is there",
        expected: SiteReader.keyHint)
    }
  }
}
