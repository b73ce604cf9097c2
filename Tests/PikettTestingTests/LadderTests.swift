import PikettTesting
import SIPMessage
import Telephony
import Testing

@Suite struct LadderTests {
  @Test(arguments: [
    (Duration.zero, "0.000"), (.milliseconds(500), "0.500"), (.seconds(61), "61.000"),
    (.nanoseconds(1_000_001), "0.001000001"), (.milliseconds(-5), "0.000"),
  ]) func timesAreSeconds(time: Duration, text: String) {
    #expect(Ladder.stamp(time) == text)
  }

  @Test func messagesAreToldInAFewWords() {
    var invite = Request(.invite, SIPURI(user: "799", host: "192.0.2.1"), headers: Headers([("CSeq", "1 INVITE")]))
    #expect(Ladder.summary(.request(invite)) == "INVITE sip:799@192.0.2.1")
    invite.headers["Content-Type"] = "application/sdp"
    invite.body = [0x76]
    #expect(Ladder.summary(.request(invite)) == "INVITE sip:799@192.0.2.1 + SDP")
    #expect(Ladder.summary(.response(invite.response(180, toTag: nil))) == "180 Ringing (INVITE)")
    invite.headers["Content-Type"] = nil
    #expect(Ladder.summary(.request(invite)) == "INVITE sip:799@192.0.2.1 + body")
    #expect(Ladder.summary(.response(Response(200))) == "200 OK (?)")
  }

  @Test func linesStandInOrder() {
    var ladder = Ladder()
    ladder.note("B answers", at: .seconds(1))
    ladder.add(
      .request(Request(.bye, SIPURI(host: "b"))), from: "A", to: "B", at: .seconds(2), fate: .duplicated,
      detail: "tag=1")
    #expect(ladder.description == "1.000  -- B answers\n2.000  A ⇉ B  BYE sip:b  tag=1\n")
  }
}
