import SDP
import Telephony
import Testing

/// Offers as peers make them, in `data/fixtures/sdp`: the offer, what we understand, and our answer to the letter.
@Suite struct OfferFileTests {
  private static let local = Endpoint("192.0.2.1:30000")

  struct OfferFile: Sendable, CustomTestStringConvertible {
    var name: String
    var sections: [String: [String]]
    var testDescription: String { name }
  }

  static let all: [OfferFile] = packageFiles("data/fixtures/sdp").map { name, text in
    var sections: [String: [String]] = [:]
    var section = "comment"
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("--- ") {
        section = String(line.dropFirst(4))
      } else {
        sections[section, default: []].append(String(line))
      }
    }
    return OfferFile(name: name, sections: sections)
  }

  private func lines(_ file: OfferFile, _ section: String) -> [String] {
    (file.sections[section] ?? []).filter { !$0.isEmpty }
  }

  private func describe(_ audio: NegotiatedAudio) -> [String] {
    let receive = audio.receivePayloadTypes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return [
      "remote \(audio.remote.map { "\($0)" } ?? "none"), rtcp \(audio.remoteRTCP.map { "\($0)" } ?? "none")",
      "send \(audio.codec) as \(audio.sendPayloadType), receive \(receive.joined(separator: " "))",
      "events out \(number(audio.telephoneEventSend)), in \(number(audio.telephoneEventReceive)), noise \(number(audio.comfortNoise))",
      "\(audio.direction.rawValue), \(audio.ptime) ms",
    ]
  }

  private func number(_ payloadType: UInt8?) -> String { payloadType.map { "\($0)" } ?? "none" }

  @Test func thereAreFiles() { #expect(Self.all.count >= 15) }

  @Test(arguments: all) func isAnsweredAsItsFileSays(file: OfferFile) throws {
    let local = try #require(Self.local)
    for ending in ["\r\n", "\n"] {
      var machine = OfferAnswer(sessionID: 7)
      let offer = Array(lines(file, "offer").joined(separator: ending).utf8)
      var negotiated: [String] = []
      var answer: [String] = []
      do throws(SDPError) {
        let (sdp, audio) = try machine.answer(offer, local: local)
        negotiated = describe(audio)
        answer = String(decoding: sdp, as: UTF8.self).split(separator: "\r\n").map { String($0) }
      } catch {
        negotiated = [
          error == .noAudio ? "error noAudio" : error == .noCommonCodec ? "error noCommonCodec" : "\(error)"
        ]
      }
      #expect(negotiated == lines(file, "negotiated"))
      #expect(answer == lines(file, "answer"))
    }
  }
}
