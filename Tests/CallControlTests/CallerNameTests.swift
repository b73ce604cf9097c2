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
      name: "of two asserted identities the number",
      headers: [from, ("P-Asserted-Identity", "<sip:gw@x>, <tel:+39047>")], caller: "+39047"),
    Call(
      name: "the first of two asserted numbers",
      headers: [from, ("P-Asserted-Identity", "<sip:+39047@x>"), ("P-Asserted-Identity", "<tel:+39048>")],
      caller: "+39047"),
    Call(
      name: "the readable one of two asserted identities",
      headers: [from, ("P-Asserted-Identity", "<sip:47@x, <tel:+39048>")], caller: "0471111"),
    Call(
      name: "the caller's Remote-Party-ID, not the called party's",
      headers: [
        from, ("Remote-Party-ID", "<sip:720@x>;party=called;privacy=full, <sip:222@x>;screen=yes;PARTY=Calling"),
      ], caller: "222"),
    Call(
      name: "Remote-Party-ID hides the name alone", headers: [from, ("Remote-Party-ID", "<sip:222@x>;privacy=name")],
      caller: "222"),
    Call(
      name: "Remote-Party-ID hides the URI", headers: [from, ("Remote-Party-ID", "<sip:222@x>;privacy=uri")],
      caller: "anonymous"),
    Call(
      name: "Remote-Party-ID hides both from the network",
      headers: [from, ("Remote-Party-ID", "<sip:222@x>;privacy=\"name,uri-network\"")], caller: "anonymous"),
    Call(
      name: "Remote-Party-ID hides nothing from the network",
      headers: [from, ("Remote-Party-ID", "<sip:222@x>;privacy=off-network")], caller: "222"),
    Call(
      name: "an anonymous From hides what is asserted",
      headers: [("From", "<sip:anonymous@anonymous.invalid>;tag=a"), ("P-Asserted-Identity", "<sip:333@x>")],
      caller: "anonymous"),
    Call(
      name: "unless no privacy is asked for",
      headers: [
        ("From", "<sip:anonymous@anonymous.invalid>;tag=a"), ("P-Asserted-Identity", "<sip:333@x>"),
        ("Privacy", "none"),
      ], caller: "333"),
    Call(
      name: "a number at anonymous.invalid", headers: [("From", "<sip:0471@Anonymous.Invalid>;tag=a")],
      caller: "anonymous"),
    Call(
      name: "a display name Anonymous", headers: [("From", "\"ANONYMOUS\" <sip:0471@x>;tag=a")], caller: "anonymous"),
    Call(
      name: "a display name in which the word stands", headers: [("From", "\"Anonymous AG\" <sip:0471@x>")],
      caller: "0471"),
    Call(
      name: "an unknown From beside an asserted number",
      headers: [("From", "<sip:unknown@x>;tag=a"), ("P-Asserted-Identity", "<sip:333@x>")], caller: "333"),
    Call(name: "Privacy session", headers: [from, ("Privacy", "session")], caller: "0471111"),
    Call(name: "Privacy history", headers: [from, ("Privacy", "history;critical")], caller: "0471111"),
    Call(name: "Privacy full, of a draft", headers: [from, ("Privacy", "Full")], caller: "anonymous"),
    Call(name: "Privacy in two lines", headers: [from, ("Privacy", "header"), ("Privacy", "id")], caller: "anonymous"),
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
