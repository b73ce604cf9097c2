import Media
import SDP
import Telephony
import Testing

/// The sound of one leg: negotiation, what is heard, and which of its ends counts.
@Suite struct LegAudioTests {
  private let local: Endpoint
  private let remote: Endpoint

  init() throws {
    local = try #require(Endpoint("192.0.2.1:30000"))
    remote = try #require(Endpoint("192.0.2.9:4000"))
  }

  private func offer(_ codecs: String, direction: String = "sendrecv") -> [UInt8] {
    Array(
      """
      v=0\r
      o=- 1 1 IN IP4 192.0.2.9\r
      s=-\r
      c=IN IP4 192.0.2.9\r
      t=0 0\r
      m=audio 4000 RTP/AVP \(codecs)\r
      a=rtpmap:101 telephone-event/8000\r
      a=\(direction)\r

      """.utf8)
  }

  @Test func `answering an offer, and a further one`() throws {
    var audio = LegAudio(local: local, sessionID: 7)
    #expect(audio.negotiated == nil)
    let (sdp, first) = try audio.answer(offer("8 0 101"))
    #expect(String(decoding: sdp, as: UTF8.self).contains("m=audio 30000 RTP/AVP 8 101"))
    #expect(first.codec == .pcma)
    #expect(first.remote == remote)
    #expect(audio.negotiated == first)
    let (_, held) = try audio.answer(offer("8 0 101", direction: "sendonly"))
    #expect(held.direction == .receiveOnly)
    #expect(audio.negotiated == held)
  }

  @Test func `an offer that cannot be used leaves everything as it was`() throws {
    var audio = LegAudio(local: local, sessionID: 7)
    let (_, first) = try audio.answer(offer("8"))
    #expect(throws: SDPError.noCommonCodec) { try audio.answer(offer("18 3")) }
    #expect(throws: SDPError.self) { try audio.answer(Array("nonsense".utf8)) }
    #expect(audio.negotiated == first)
  }

  @Test func `our own offer and its answer`() throws {
    var audio = LegAudio(local: local, sessionID: 7)
    #expect(throws: SDPError.unexpectedAnswer) { try audio.accept(offer("8")) }
    _ = audio.makeOffer()
    #expect(try audio.accept(offer("0")).codec == .pcmu)
    #expect(throws: SDPError.noCommonCodec) { try audio.accept(offer("18")) }
    #expect(audio.negotiated?.codec == .pcmu)
  }

  @Test func `the end of a sound counts only while it is the one that plays`() {
    var audio = LegAudio(local: local, sessionID: 7)
    let first = audio.play(.announcement(queue: "WQ"))
    #expect(audio.sound == .announcement(queue: "WQ"))
    let second = audio.play(.announcement(queue: "WQ"))
    #expect(first != second)
    #expect(audio.ended(first) == nil)
    #expect(audio.sound == .announcement(queue: "WQ"))
    #expect(audio.ended(second) == .announcement(queue: "WQ"))
    #expect(audio.sound == nil)
    #expect(audio.ended(second) == nil)
  }

  @Test func `a sound that loops has no end, so that it can still be silenced`() {
    var audio = LegAudio(local: local, sessionID: 7)
    let token = audio.play(.waiting(queue: nil))
    let ended = audio.ended(token)
    #expect(ended == nil)
    #expect(audio.sound == .waiting(queue: nil))
  }

  @Test func `a sound that was stopped has no end`() {
    var audio = LegAudio(local: local, sessionID: 7)
    let token = audio.play(.waiting(queue: nil))
    audio.stop()
    #expect(audio.sound == nil)
    #expect(audio.ended(token) == nil)
  }

  @Test func `echoes of a key press do not count`() {
    var audio = LegAudio(local: local, sessionID: 7)
    let press = audio.counts("1", by: .event, at: Instant(nanoseconds: 0))
    let echo = audio.counts("1", by: .tone, at: Instant(nanoseconds: 100_000_000))
    #expect(press)
    #expect(!echo)
  }

  @Test func `what loops and what ends`() {
    #expect(Sound.waiting(queue: nil).loops)
    #expect(Sound.busyTone.loops)
    #expect(!Sound.announcement(queue: "WQ").loops)
    #expect(!Sound.confirmPrompt(ticket: 1, key: "1").loops)
  }
}
