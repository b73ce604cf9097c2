import CallControl
import Hunting
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

/// Who calls, from the headers that a trunk delivers.
@Suite struct CallerNameTests {
  struct Call: Sendable, CustomTestStringConvertible {
    var name: String
    var headers: [(String, String)]
    var caller: String
    var testDescription: String { name }
  }

  private static let from = ("From", "<sip:0471111@192.0.2.9>;tag=a")

  static let calls: [Call] = [
    Call(name: "From alone", headers: [from], caller: "0471111"),
    Call(
      name: "P-Asserted-Identity first",
      headers: [from, ("Remote-Party-ID", "<sip:222@x>;party=calling"), ("P-Asserted-Identity", "<sip:333@x>")],
      caller: "333"),
    Call(
      name: "Remote-Party-ID before From", headers: [from, ("Remote-Party-ID", "\"A\" <sip:222@x>;party=calling")],
      caller: "222"),
    Call(name: "the trunk's prefix stays", headers: [("From", "<sip:03472619287@x>")], caller: "03472619287"),
    Call(name: "a plus stays", headers: [("From", "<sip:+393472619287@x;user=phone>")], caller: "+393472619287"),
    Call(name: "an escaped plus", headers: [("From", "<sip:%2B39347@x>")], caller: "+39347"),
    Call(name: "a tel URI", headers: [from, ("P-Asserted-Identity", "<tel:+39-0471-999>")], caller: "+39-0471-999"),
    Call(
      name: "the first of two asserted identities",
      headers: [from, ("P-Asserted-Identity", "<sip:gw@x>, <tel:+39047>")], caller: "gw"),
    Call(
      name: "an asserted identity without a user is passed over", headers: [from, ("P-Asserted-Identity", "<sip:x>")],
      caller: "0471111"),
    Call(
      name: "an asserted identity that cannot be read is passed over",
      headers: [from, ("P-Asserted-Identity", "<<<>")], caller: "0471111"),
    Call(
      name: "parameters of the number", headers: [("From", "<sip:0347;phone-context=+39@x>")], caller: "0347"),
    Call(name: "letters", headers: [("From", "<sip:Max.Muster-1@x>")], caller: "Max.Muster-1"),
    Call(name: "no user", headers: [("From", "<sip:192.0.2.9>")], caller: "anonymous"),
    Call(name: "an empty user", headers: [("From", "<sip:@192.0.2.9>")], caller: "anonymous"),
    Call(name: "no From at all", headers: [], caller: "anonymous"),
    Call(
      name: "the usual word", headers: [("From", "\"Anonymous\" <sip:Anonymous@anonymous.invalid>")],
      caller: "anonymous"),
    Call(name: "unavailable", headers: [("From", "<sip:unavailable@x>")], caller: "anonymous"),
    Call(
      name: "Privacy id withholds what is asserted",
      headers: [from, ("P-Asserted-Identity", "<sip:333@x>"), ("Privacy", "id")],
      caller: "anonymous"),
    Call(name: "Privacy user", headers: [from, ("Privacy", "header;user")], caller: "anonymous"),
    Call(
      name: "Privacy in capitals, in a list", headers: [from, ("Privacy", "header, ID ; critical")], caller: "anonymous"
    ),
    Call(name: "Privacy none", headers: [from, ("Privacy", "none")], caller: "0471111"),
    Call(name: "Privacy header only", headers: [from, ("Privacy", "header")], caller: "0471111"),
    Call(
      name: "Remote-Party-ID says full", headers: [from, ("Remote-Party-ID", "<sip:222@x>;privacy=full")],
      caller: "anonymous"),
    Call(
      name: "Remote-Party-ID says off", headers: [from, ("Remote-Party-ID", "<sip:222@x>;privacy=off")], caller: "222"),
    Call(
      name: "a path", headers: [("From", "<sip:..%2F..%2Fetc%2Fpasswd@x>")], caller: "..-..-etc-passwd"),
    Call(name: "a line break", headers: [("From", "<sip:0471%0D%0AX-Evil%3A1@x>")], caller: "0471--X-Evil-1"),
    Call(name: "a zero byte", headers: [("From", "<sip:047%001@x>")], caller: "047-1"),
    Call(
      name: "an underscore, which parts the message's fields", headers: [("From", "<sip:1_Called_999@x>")],
      caller: "1-Called-999"),
    Call(name: "a pipe, which parts the CDR's", headers: [("From", "<sip:1%7C2@x>")], caller: "1-2"),
    Call(
      name: "much too long", headers: [("From", "<sip:\(String(repeating: "9", count: 500))@x>")],
      caller: String(repeating: "9", count: 32)),
    Call(name: "other scripts", headers: [("From", "<sip:%D0%94%D0%B0@x>")], caller: "--"),
  ]

  private func request(_ headers: [(String, String)]) throws -> Request {
    var request = Request(.invite, try SIPURI("sip:720@192.0.2.1"))
    for (name, value) in headers { request.headers.add(HeaderName(name), value) }
    return request
  }

  @Test(arguments: calls) func `as Caller_ shows him`(call: Call) throws {
    let caller = CallerName(callerOf: try request(call.headers), from: .trunk("GW14"))
    #expect(caller.text == call.caller)
  }

  @Test(arguments: calls) func `a user is his own number whatever is delivered`(call: Call) throws {
    #expect(CallerName(callerOf: try request(call.headers), from: .user("731")).text == "731")
  }
}
