import Foundation
import SIPMessage
import Telephony
import Testing

/// No bytes, whatever they are, may end in a trap; what is understood can be written and understood again.
@Suite struct MutationTests {
  private static let seeds: [[UInt8]] = {
    var seeds = Fixture.all.map(\.message)
    if let folder = Corpus.torture, let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) {
      for name in names.sorted() where name.hasSuffix(".dat") {
        if let bytes = try? Corpus.bytes(folder.appendingPathComponent(name)) { seeds.append(bytes) }
      }
    }
    return seeds
  }()

  private static let morsels: [[UInt8]] = [
    "\r\n", "\n", "\r", "\0", " ", "\t", ",", ";", "<", ">", "\"", "\\", "%", "%4", "%zz", "=", ":", "@", "?", "/", "*",
    "sip:", "SIP/2.0", "\r\n ", "\r\n\r\n", "Content-Length: ", "l: 99999999999999999999", "CSeq: ", "[", "]", "[::1]",
    "4294967296", "-1", "Digest ", "Authorization: Digest a=", "Via: SIP/2.0/UDP ", "a=crypto:", "k=", "ü", ";tag=",
  ].map { Array($0.utf8) }

  private func mutated(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 0...3, using: &generator) {
      let place = Int.random(in: 0...bytes.count, using: &generator)
      let end = min(bytes.count, place + Int.random(in: 0...40, using: &generator))
      switch Int.random(in: 0..<7, using: &generator) {
      case 0: bytes.removeSubrange(place..<end)
      case 1: bytes.insert(contentsOf: MutationTests.morsels.randomElement(using: &generator) ?? [], at: place)
      case 2: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &generator) }
      case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 4: bytes.removeSubrange(place...)
      case 5: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator) }
      default:
        let other = MutationTests.seeds.randomElement(using: &generator) ?? []
        bytes.replaceSubrange(
          place..<end, with: other.prefix(Int.random(in: 0...other.count, using: &generator)).suffix(60))
      }
    }
    return bytes
  }

  /// Calls every reader; what they throw does not matter here.
  private func readAll(_ message: Message) {
    let headers = message.headers
    _ = try? headers.vias()
    _ = try? headers.topVia()
    _ = try? headers.contacts()
    _ = try? headers.maxForwards()
    _ = try? headers.expires()
    _ = headers.tokens("Supported")
    _ = headers.contentType
    _ = headers.digestChallenges("WWW-Authenticate")
    _ = headers.digestCredentials("Authorization")
    for field in headers.fields {
      _ = try? DigestCredentials(field.value)
      for address in (try? NameAddress.list(field.value)) ?? [] {
        #expect(
          (try? NameAddress(address.description)) == address,
          "\(address.description.debugDescription) \(field.value.debugDescription)")
        #expect(address.uri.isEquivalent(to: address.uri))
        _ = (address.expires, address.thousandthsOfQ)
      }
      for via in (try? Via.list(field.value)) ?? [] { #expect((try? Via(via.description)) == via) }
    }
    _ = InfoDigit(contentType: "application/dtmf", body: message.body)
  }

  /// 8 × 4000 messages; each of the eight runs has its own seed, so that a failure names it.
  @Test(arguments: 0..<8) func noBytesTrap(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var understood = 0
    for _ in 0..<4000 {
      let bytes = mutated(MutationTests.seeds.randomElement(using: &generator) ?? [], &generator)
      switch outcome(bytes) {
      case .success(let message):
        understood += 1
        expectRoundTrip(message, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        readAll(message)
        if case .request(let request) = message {
          _ = request.response(200, toTag: "t").serialized()
        }
        _ = message.masked()
      case .failure(let error):
        if let refusal = error.refusal {
          #expect(refusal.status >= 400)
          #expect(refusal.headers.has("Via"))
          _ = refusal.serialized()
        }
      }
      _ = maskedWire(bytes)
      var framer = StreamFramer()
      _ = try? framer.append(bytes)
    }
    #expect(understood > 500, "the mutations leave enough to be understood")
  }

  @Test func noNoiseTraps() {
    var generator = SeededGenerator(seed: 99)
    for _ in 0..<4000 {
      let bytes = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      if case .success = outcome(bytes) { Issue.record("noise is no message") }
      _ = maskedWire(bytes)
      _ = try? SIPURI("sip:" + String(decoding: bytes, as: UTF8.self))
      var framer = StreamFramer()
      _ = try? framer.append(bytes)
    }
  }

  /// The worst a datagram can be for each reader: 65 kB of one thing.
  @Test(arguments: [
    "Via: SIP/2.0/UDP a\r\n", "Via: ,\r\n", "\r\n", "X: y\r\n", "Contact: <sip:a@b>\r\n", " fold\r\n", ":", ",", ";a",
    "\"",
    "<",
    "Contact: sip:a@b;p=1\r\n", "%41",
  ])
  func largeAndUniform(_ morsel: String) {
    let start =
      "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: x\r\n"
    let text =
      start + "CSeq: 1 INVITE\r\nContact: " + String(repeating: morsel, count: 65_000 / morsel.utf8.count) + "\r\n\r\n"
    if case .success(let message) = outcome(Array(text.utf8).prefix(65_535) + []) { readAll(message) }
    _ = maskedWire(Array(text.utf8))
  }
}
