import Disk
import Glibc
import Site
import Telephony
import Testing

@testable import Switchboard

/// The site's certificates: what is told of them, and that the old one stays where the new one is no good.
@Suite struct TLSLibraryTests {
  private static let now = WallTime(microseconds: 1_800_000_000_000_000)
  /// The expired one of the fixtures counts in January 2020.
  private static let january2020 = WallTime(microseconds: 1_578_000_000_000_000)

  private static func pem(_ name: String) throws -> [UInt8] {
    let package = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    return try RealFilesystem().read("\(package)/data/fixtures/tls/\(name)", limit: 1 << 16)
  }

  private static func read(_ certificate: String, _ key: String, _ more: [String: [UInt8]] = [:]) throws -> SiteReading
  {
    var files = [
      "Listen.txt": Array("tls:127.0.0.1:5061".utf8), "tls/Certificate.pem": try pem(certificate),
      "tls/Key.pem": try pem(key), "731/Password.txt": Array("x".utf8),
    ]
    files.merge(more) { $1 }
    return SiteReading(files: files)
  }

  private static func told(_ faults: [SiteFault]) -> [String] {
    faults.map { "\($0.path): \($0.severity): \($0.problem)" }
  }

  @Test(arguments: [
    ("server.pem", "server.key.pem", []),
    (
      "server.pem", "self.key.pem",
      ["tls/Key.pem: error: is not the key of the first certificate in tls/Certificate.pem"]
    ),
    ("server.key.pem", "server.key.pem", ["tls/Certificate.pem: error: holds no certificate that can be read"]),
    ("server.pem", "server.pem", ["tls/Key.pem: error: holds no key that can be read"]),
    (
      "server.pem", "locked.key.pem",
      ["tls/Key.pem: error: the key is encrypted, and nobody is there to type its password"]
    ),
    ("expired.pem", "expired.key.pem", ["tls/Certificate.pem: error: has expired on 2020-01-31: peers refuse it"]),
  ])
  func faults(certificate: String, key: String, expected: [String]) throws {
    let reading = try Self.read(certificate, key)
    #expect(Self.told(certificateFaults(reading, at: "/nowhere", now: Self.now)) == expected)
  }

  @Test func aCertificateIsToldToExpireInTimeAndToCountLater() throws {
    let reading = try Self.read("expired.pem", "expired.key.pem")
    func told(_ days: Int64) -> [String] {
      Self.told(certificateFaults(reading, at: "/nowhere", now: Self.january2020 + .seconds(days * 86_400)))
    }
    #expect(told(0) == ["tls/Certificate.pem: warning: expires on 2020-01-31"])
    #expect(told(-10) == ["tls/Certificate.pem: error: counts only from 2020-01-01: peers refuse it until then"])
  }

  @Test func theOneBeforeStays() throws {
    var library = TLSLibrary()
    #expect(library.load(try Self.read("server.pem", "server.key.pem"), at: "/nowhere", now: Self.now) == [])
    #expect(library.server != nil)
    for (certificate, key, problem) in [
      (
        "renewed.pem", "server.key.pem",
        "tls/Key.pem: error: is not the key of the first certificate in tls/Certificate.pem"
      ),
      ("server.key.pem", "server.key.pem", "tls/Certificate.pem: error: holds no certificate that can be read"),
    ] {
      let faults = library.load(try Self.read(certificate, key), at: "/nowhere", now: Self.now)
      #expect(Self.told(faults) == [problem + "; the one before goes on to be shown"])
      #expect(library.server != nil)
    }
    // One that has expired is no better than the one that counts.
    let faults = library.load(try Self.read("expired.pem", "expired.key.pem"), at: "/nowhere", now: Self.now)
    #expect(Self.told(faults) == ["tls/Certificate.pem: error: has expired on 2020-01-31: peers refuse it"])
    #expect(library.load(try Self.read("renewed.pem", "renewed.key.pem"), at: "/nowhere", now: Self.now) == [])
  }

  @Test func whereNoTLSIsSpokenFilesDoNotMatter() throws {
    let reading = try Self.read("server.pem", "self.key.pem", ["Listen.txt": Array("udp:127.0.0.1:5060".utf8)])
    #expect(certificateFaults(reading, at: "/nowhere", now: Self.now) == [])
  }

  @Test func aTrunksAuthoritiesAreItsOwn() throws {
    let trunk = [
      "trunks/A/Host.txt": Array("192.0.2.1".utf8), "trunks/A/Transport.txt": Array("tls".utf8),
      "trunks/A/CA.pem": try Self.pem("ca.pem"), "tls/CA.pem": Array("x".utf8),
    ]
    var library = TLSLibrary()
    let faults = library.load(try Self.read("server.pem", "server.key.pem", trunk), at: "/nowhere", now: Self.now)
    #expect(Self.told(faults) == ["tls/CA.pem: error: holds no certificate that can be read"])
    #expect(library.client(of: "A") != nil && library.client(of: nil) != nil)
  }

  @Test func aKeyThatOthersCanReadIsTold() throws {
    var template = Array("/tmp/pikett-key-XXXXXX".utf8CString)
    let directory = String(cString: try #require(mkdtemp(&template)))
    defer {
      unlink("\(directory)/tls/Key.pem")
      rmdir("\(directory)/tls")
      rmdir(directory)
    }
    try RealFilesystem().makeDirectory("\(directory)/tls")
    try RealFilesystem().replace("\(directory)/tls/Key.pem", Self.pem("server.key.pem"), sync: false)
    let reading = try Self.read("server.pem", "server.key.pem")
    chmod("\(directory)/tls/Key.pem", 0o600)
    #expect(certificateFaults(reading, at: directory, now: Self.now) == [])
    chmod("\(directory)/tls/Key.pem", 0o640)
    #expect(
      Self.told(certificateFaults(reading, at: directory, now: Self.now)) == [
        "tls/Key.pem: warning: others than its owner may read it (mode 640)"
      ])
  }
}
