import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

@Suite struct RegistrarTests {
  private let flow = Flow(.udp, local: endpoint("192.0.2.1:5060"), remote: endpoint("198.51.100.7:40000"))
  private let start = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 1_000_000_000_000_000))

  private func register(
    _ contacts: [String], expires: String? = nil, callID: String = "r1", cseq: Int = 1
  ) throws -> Request {
    var request = Request(.register, try SIPURI("sip:192.0.2.1"))
    request.headers.add("Call-ID", callID)
    request.headers.add("CSeq", "\(cseq) REGISTER")
    for contact in contacts { request.headers.add("Contact", contact) }
    if let expires { request.headers.add("Expires", expires) }
    return request
  }

  private struct Case: Sendable {
    var name: String
    var contacts: [String]
    var expires: String?
    /// Contact and seconds, in order; or the refusal.
    var expected: [String]
  }

  @Test func `what is granted`() throws {
    let cases = [
      Case(name: "header", contacts: ["<sip:a@10.0.0.1>"], expires: "120", expected: ["sip:a@10.0.0.1 120"]),
      Case(
        name: "parameter first", contacts: ["<sip:a@10.0.0.1>;expires=90"], expires: "120",
        expected: ["sip:a@10.0.0.1 90"]),
      Case(name: "default", contacts: ["<sip:a@10.0.0.1>"], expected: ["sip:a@10.0.0.1 3600"]),
      Case(name: "cut", contacts: ["<sip:a@10.0.0.1>"], expires: "86400", expected: ["sip:a@10.0.0.1 3600"]),
      Case(
        name: "nonsense counts as 3600", contacts: ["<sip:a@10.0.0.1>;expires=x"], expected: ["sip:a@10.0.0.1 3600"]),
      Case(name: "at the minimum", contacts: ["<sip:a@10.0.0.1>"], expires: "60", expected: ["sip:a@10.0.0.1 60"]),
      Case(name: "too brief", contacts: ["<sip:a@10.0.0.1>"], expires: "59", expected: ["tooBrief(minimum: 60)"]),
      Case(name: "removing nothing", contacts: ["<sip:a@10.0.0.1>"], expires: "0", expected: []),
      Case(name: "asking only", contacts: [], expected: []),
      Case(
        name: "several by preference",
        contacts: ["<sip:a@10.0.0.1>;q=0.5, <sip:b@10.0.0.2>", "<sip:c@10.0.0.3>;q=0.7"],
        expected: ["sip:b@10.0.0.2 3600", "sip:c@10.0.0.3 3600", "sip:a@10.0.0.1 3600"]),
      Case(name: "no sip URI", contacts: ["<tel:+39047>"], expected: ["malformed"]),
      Case(name: "star without expires", contacts: ["*"], expected: ["malformed"]),
      Case(name: "star with expires", contacts: ["*"], expires: "60", expected: ["malformed"]),
      Case(name: "too many", contacts: (0..<11).map { "<sip:a\($0)@10.0.0.1>" }, expected: ["malformed"]),
      Case(
        name: "one bad spoils all", contacts: ["<sip:a@10.0.0.1>", "<sip:b@10.0.0.1>;expires=5"],
        expected: ["tooBrief(minimum: 60)"]),
      Case(
        name: "a Contact without end", contacts: ["<sip:\(String(repeating: "a", count: 2000))@10.0.0.1>"],
        expected: ["malformed"]),
    ]
    for test in cases {
      var registrar = Registrar()
      let request = try register(test.contacts, expires: test.expires)
      do throws(Registrar.Refusal) {
        let result = try registrar.register(request, user: "731", flow: flow, limits: RegistrarLimits(), at: start)
        let texts = result.contacts.map { "\($0.uri.description) \(Int(($0.expiresAt - start.instant).inSeconds))" }
        #expect(texts == test.expected, "\(test.name)")
        #expect(result.contacts.allSatisfy { $0.flow == flow })
      } catch {
        let text = "\(error)".hasPrefix("malformed") ? "malformed" : "\(error)"
        #expect([text] == test.expected, "\(test.name)")
        #expect(registrar.users.isEmpty, "\(test.name)")
      }
    }
  }

  /// §10.3 step 7: per binding, the same Call-ID must come with a higher number.
  @Test func `call-ID and number rules`() throws {
    var registrar = Registrar()
    func attempt(_ contacts: [String], _ expires: String, _ callID: String, _ cseq: Int) throws -> String {
      let request = try register(contacts, expires: expires, callID: callID, cseq: cseq)
      do throws(Registrar.Refusal) {
        let result = try registrar.register(
          request, user: "731", flow: flow, limits: RegistrarLimits(), at: start + .seconds(cseq))
        return "\(result.contacts.count)"
      } catch { return "\(error)" }
    }
    #expect(try attempt(["<sip:a@10.0.0.1>"], "100", "r1", 5) == "1")
    #expect(try attempt(["<sip:a@10.0.0.1>"], "100", "r1", 5) == "outOfOrder")
    #expect(try attempt(["<sip:a@10.0.0.1>"], "100", "r1", 4) == "outOfOrder")
    #expect(try attempt(["<sip:a@10.0.0.1>"], "100", "r1", 6) == "1")
    // A phone that has restarted comes with a new Call-ID.
    #expect(try attempt(["<sip:a@10.0.0.1>"], "100", "r2", 1) == "1")
    #expect(try attempt(["<sip:b@10.0.0.1>"], "100", "r2", 2) == "2")
    // The first binding's own number (1) is below 2, the second's is not.
    #expect(try attempt(["*"], "0", "r2", 2) == "outOfOrder")
    #expect(try attempt(["<sip:a@10.0.0.1>"], "0", "r2", 3) == "1")
    #expect(try attempt(["*"], "0", "r3", 1) == "0")
  }

  @Test func `contacts are compared as URIs, not as text`() throws {
    var registrar = Registrar()
    for (cseq, contact) in ["<sip:a@EXAMPLE.com;transport=udp>", "<sip:%61@example.com;transport=UDP>"].enumerated() {
      _ = try registrar.register(
        try register([contact], cseq: cseq + 1), user: "731", flow: flow, limits: RegistrarLimits(), at: start)
    }
    #expect(registrar.contacts(of: "731", at: start.instant).count == 1)
  }

  @Test func `the oldest contact makes room`() throws {
    var registrar = Registrar()
    for index in 1...12 {
      _ = try registrar.register(
        try register(["<sip:a@10.0.0.\(index)>"], callID: "r\(index)"), user: "731", flow: flow,
        limits: RegistrarLimits(), at: start + .seconds(index))
    }
    let contacts = registrar.contacts(of: "731", at: (start + .seconds(12)).instant)
    #expect(contacts.count == 10)
    #expect(contacts.first?.uri.host == "10.0.0.12")
    #expect(contacts.last?.uri.host == "10.0.0.3")
  }

  @Test func `expiry, lost connections and users who are gone`() throws {
    var registrar = Registrar()
    let tcp = Flow(.tcp, local: flow.local, remote: endpoint("198.51.100.8:50000"))
    for (user, flow, expires) in [("731", flow, "60"), ("732", tcp, "600"), ("733", flow, "600")] {
      _ = try registrar.register(
        try register(["<sip:x@10.0.0.1>"], expires: expires), user: user, flow: flow, limits: RegistrarLimits(),
        at: start)
    }
    #expect(registrar.nextExpiry(of: "731") == start.instant + .seconds(60))
    #expect(registrar.contacts(of: "731", at: start.instant + .seconds(60)).isEmpty)
    let gone = registrar.expire("731", at: start.instant + .seconds(60))
    #expect(gone.count == 1)
    let lost = registrar.connectionLost(tcp)
    #expect(lost.users == ["732"])
    #expect(lost.dropped.map(\.user) == ["732"])
    let dropped = registrar.keep { $0 != "733" }
    #expect(dropped.map(\.user) == ["733"])
    #expect(registrar.users.isEmpty)
  }

  @Test func `a store gets everything and brings back what still lives`() throws {
    var registrar = Registrar()
    let tcp = Flow(.tcp, local: flow.local, remote: endpoint("198.51.100.8:50000"))
    for (user, flow, expires) in [("732", flow, "600"), ("731", flow, "60"), ("733", tcp, "600")] {
      _ = try registrar.register(
        try register(["<sip:x@10.0.0.1>"], expires: expires), user: user, flow: flow, limits: RegistrarLimits(),
        at: start)
    }
    let stored = registrar.stored(at: start.instant)
    #expect(stored.map(\.user) == ["731", "732", "733"])
    var restarted = Registrar()
    // The monotonic clock begins anew, the wall's goes on.
    let later = Moment(instant: Instant(nanoseconds: 7_000_000_000), wall: start.wall + .seconds(100))
    restarted.restore(stored, longest: .seconds(3600), at: later)
    #expect(restarted.users == ["732"])
    #expect(restarted.nextExpiry(of: "732") == later.instant + .seconds(500))
  }
}
