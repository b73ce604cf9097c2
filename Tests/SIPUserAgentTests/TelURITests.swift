import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

/// A gateway that writes numbers as `tel:` (RFC 3966) wherever it may, and where it may not.
@Suite struct TelURITests {
  @Test func aWholeCall() throws {
    var bed = TestBed()
    let from = "\"Anna\" <tel:+39-0347-2619287>;tag=f1"
    let to = "<tel:+390471999720;phone-context=example.com>"
    let invite = TestBed.request(
      "INVITE", "tel:+390471999720", branch: "tel", from: from, to: to,
      extra: ["P-Asserted-Identity: <tel:+393472619287>"])
    let actions = try bed.receive(invite, sdp)
    let leg = try #require(actions.legs.first)
    guard case .leg(_, .incoming(let call)) = actions.first else {
      Issue.record("no call")
      return
    }
    #expect(call.request.uri.user == "+390471999720")
    let answer = try #require(bed.handle(.answer(leg, sdp: otherSDP)).responses.last)
    #expect(answer.headers["From"] == from, "copied as it came")
    #expect(answer.headers["To"]?.hasPrefix(to + ";tag=") == true)
    #expect(try answer.headers.contacts().first?.uri.isSIP == true, "our own Contact is a SIP URI (RFC 3261 §8.1.1.8)")
    let ours = try #require(answer.headers["To"])
    _ = try bed.receive(TestBed.request("ACK", branch: "telack", from: from, to: ours))
    let bye = try #require(bed.handle(.release(leg, .normalClearing, status: nil)).requests.first)
    #expect(bye.method == .bye)
    #expect(try bye.headers.to().uri == SIPURI("tel:+39-0347-2619287"))
    #expect(try bye.headers.from().uri == SIPURI("tel:+390471999720;phone-context=example.com"))
    _ = bed.reply(200, to: bye)
    bed.expectClean()
  }

  /// A Contact must be a SIP URI; whoever sends a number there is still called back on the way he came.
  @Test func aContactOfDigits() throws {
    var bed = TestBed()
    let text = TestBed.request("INVITE", branch: "telcontact").replacing(
      "Contact: <sip:gw@192.0.2.9:5060>", with: "Contact: <tel:+39047>")
    let actions = try bed.receive(text, sdp)
    let leg = try #require(actions.legs.first)
    let refusal = bed.handle(.release(leg, .userBusy, status: nil))
    #expect(refusal.statuses == [486])
    #expect(refusal.flows == [bed.trunk])
  }
}
