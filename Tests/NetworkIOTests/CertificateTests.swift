import NIOCore
import NIOSSL
import Telephony
import Testing

@testable import NetworkIO

/// Certificates and keys as files, and the names in them.
@Suite struct CertificateTests {
  @Test(arguments: [
    (CertificateName.dns("sip.example.net"), "sip.example.net", true),
    (.dns("SIP.Example.NET."), "sip.example.net", true),
    (.dns("sip.example.net"), "example.net", false), (.dns("example.net"), "sip.example.net", false),
    (.dns("*.example.net"), "sip.example.net", true), (.dns("*.example.net"), "a.sip.example.net", false),
    (.dns("*.example.net"), "example.net", false), (.dns("*.net"), "example.net", false), (.dns("*"), "example", false),
    (.dns("s*.example.net"), "sip.example.net", false), (.dns("sip.*.net"), "sip.example.net", false),
    (.dns("*.example.net"), ".example.net", false), (.dns(""), "", false),
    (.dns("example.net\u{0}.evil.test"), "example.net", false), (.dns("192.0.2.1"), "192.0.2.1", false),
    (.uri("sip:example.net"), "example.net", true), (.uri("SIP:Example.net"), "example.NET", true),
    (.uri("sip:alice@example.net"), "example.net", false), (.uri("sips:example.net"), "example.net", false),
    (.uri("https:example.net"), "example.net", false), (.uri("sip:*.example.net"), "sip.example.net", false),
    (.uri("sip:example.net:5061"), "example.net", false), (.uri("sip:"), "", false),
    (.address([192, 0, 2, 1]), "192.0.2.1", true), (.address([192, 0, 2, 1]), "192.0.2.2", false),
    (.address([192, 0, 2, 1]), "example.net", false), (.address([1, 2, 3]), "1.2.3.0", false),
    (.address([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "::1", true),
  ])
  func names(name: CertificateName, wanted: String, isGood: Bool) {
    #expect(name.isGood(for: wanted) == isGood)
  }

  @Test(arguments: [
    ("uri", "provider.test", true), ("person", "provider.test", false), ("wildcard", "sip.provider.test", true),
    ("server", "::1", true),
  ]) func namesInFiles(file: String, wanted: String, isGood: Bool) throws {
    let names = CertificateName.names(of: try Certificates.certificate(file))
    #expect(names.contains { $0.isGood(for: wanted) } == isGood)
  }

  @Test func filesThatCannotBeUsed() throws {
    let (server, key) = (try Certificates.bytes("server.pem"), try Certificates.bytes("server.key.pem"))
    func fault(_ certificate: [UInt8], _ key: [UInt8]) -> TLSIdentity.Fault? {
      do throws(TLSIdentity.Fault) {
        _ = try TLSIdentity(certificates: certificate, key: key)
        return nil
      } catch { return error }
    }
    #expect(fault(server, key) == nil)
    #expect(fault(Array("x".utf8), key) == .noCertificate)
    #expect(fault(key, key) == .noCertificate)
    #expect(fault([], key) == .noCertificate)
    #expect(fault(server, server) == .noKey)
    #expect(fault(server, Array(key.prefix(100))) == .noKey)
    #expect(fault(server, try Certificates.bytes("locked.key.pem")) == .lockedKey)
    #expect(fault(server, try Certificates.bytes("self.key.pem")) == .otherKey)
    #expect(certificateCount(pem: try Certificates.bytes("ca.pem") + server) == 2)
    #expect(certificateCount(pem: key) ?? 0 == 0)
  }

  @Test func validity() throws {
    let expired = try #require(CertificateValidity(try Certificates.certificate("expired")))
    #expect([expired.from, expired.until].map(\.unixSeconds) == [1_577_836_800, 1_580_428_800])
    #expect(dayText(expired.until) == "2020-01-31")
    // Beyond 2049 the date is written with its century.
    let server = try #require(CertificateValidity(try Certificates.certificate("server")))
    #expect(server.until.unixSeconds - server.from.unixSeconds == 36_000 * 86_400)
  }

  /// Whatever stands in a certificate: a date or none, and never the end of the program.
  @Test func validityOfAnything() throws {
    let whole = try Certificates.certificate("expired").toDERBytes()
    var random = SystemRandomNumberGenerator()
    for length in whole.indices { _ = CertificateValidity(der: Array(whole.prefix(length))) }
    for _ in 1...20_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<min(bytes.count, 200), using: &random)] = .random(in: 0...255, using: &random)
      }
      _ = CertificateValidity(der: bytes)
    }
    #expect(CertificateValidity(der: []) == nil)
  }

  @Test func theGateCountsWhatIsUnderWayAndWhatBegins() {
    var limits = ConnectionLimits()
    (limits.handshakes, limits.handshakesPerSource) = (5, 2)
    (limits.handshakesPerSecond, limits.handshakesPerSecondAndSource) = (6, 3)
    var gate = HandshakeGate(limits)
    let (a, b, c): ([UInt8], [UInt8], [UInt8]) = ([1], [2], [3])
    let begin = NIODeadline.now()
    func enters(_ source: [UInt8], _ time: NIODeadline) -> Bool {
      guard gate.admits(source, at: time) else { return false }
      gate.enter(source)
      return true
    }
    #expect([a, a, a].map { enters($0, begin) } == [true, true, false])
    gate.leave(a)
    #expect([a, a].map { enters($0, begin) } == [true, false])
    gate.leave(a)
    #expect(!enters(a, begin), "three have begun within this second")
    #expect([b, b, c, c].map { enters($0, begin) } == [true, true, true, false], "six have begun")
    #expect(enters(a, begin + .seconds(1)))
    #expect(gate.isFull && gate.count == 5 && gate.most == 2)
    for source in [a, a, a, b, b, c] { gate.leave(source) }
    #expect(gate.count == 0 && gate.most == 0)
  }
}
