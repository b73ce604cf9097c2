import Delivery
import Disk
import Spool
import Telephony
import Testing

/// The templates of `data/sms`, each against a server that answers as the provider's public documentation says.
///
/// Only the host of the URL is exchanged: path, headers and body are the template's.
@Suite("the provider templates") struct ProviderTests {
  /// A template, the host in its URL, and what its request must be.
  struct Provider: Sendable, CustomTestStringConvertible {
    var name: String
    var host: String
    /// What it must be given besides the credentials.
    var sender: String?
    /// The request that is expected, as the server tells it.
    var request: [String: String]
    /// What the server answers to a wrong password.
    var wrongPassword: String
    /// What becomes of a message to a mobile whose number ends in …
    var troubles: [String: Fate]

    var testDescription: String { name }
  }

  enum Fate: Sendable {
    /// It may work later.
    case waits
    /// The same request would be refused again.
    case fails
  }

  static let text = "Größe \"3\" & 50 % + _x_ 'y' \\ €"
  static let encoded =
    "Gr%C3%B6%C3%9Fe%20%223%22%20%26%2050%20%25%20%2B%20_x_%20%27y%27%20%5C%20%E2%82%AC"
  static let inJSON = #"Größe \"3\" & 50 % + _x_ 'y' \\ €"#
  static let basic = "Basic YWNjb3VudDpzJmNyZXQgd29yZCs="
  static let form = "application/x-www-form-urlencoded"
  static let json = "application/json"

  static let all = [
    Provider(
      name: "twilio", host: "https://api.twilio.com", sender: "+15017122661",
      request: [
        "method": "POST", "path": "/2010-04-01/Accounts/account/Messages.json", "auth": basic, "type": form,
        "body": "To=%2B41791234567&From=%2B15017122661&Body=\(encoded)",
      ],
      wrongPassword: #"answered 401 “{ "code": 20003, "message": "Authenticate""#,
      troubles: ["9000": .fails, "9402": .fails, "9429": .waits, "9500": .waits]),
    Provider(
      name: "vonage", host: "https://rest.nexmo.com",
      request: [
        "method": "POST", "path": "/sms/json", "type": form,
        "body": "api_key=account&api_secret=s%26cret%20word%2B&from=Pikett&to=41791234567&text=\(encoded)",
      ],
      wrongPassword: #""status": "4""#,
      troubles: ["9000": .fails, "9402": .fails, "9429": .waits, "9500": .waits]),
    Provider(
      name: "messagebird", host: "https://rest.messagebird.com",
      request: [
        "method": "POST", "path": "/messages", "auth": "AccessKey s&cret word+", "type": json, "accept": json,
        "body": #"{"originator":"Pikett","recipients":["41791234567"],"body":"\#(inJSON)"}"#,
      ],
      wrongPassword: #"answered 401 “{ "errors": [ { "code": 2, "description": "Request not allowed"#,
      troubles: ["9000": .fails, "9402": .fails, "9429": .waits, "9500": .waits]),
    Provider(
      name: "sipgate", host: "https://api.sipgate.com",
      request: [
        "method": "POST", "path": "/v2/sessions/sms", "auth": basic, "type": json, "accept": json,
        "body": #"{"smsId":"s0","recipient":"+41791234567","message":"\#(inJSON)"}"#,
      ],
      wrongPassword: "answered 401", troubles: ["9000": .fails, "9402": .fails, "9429": .waits, "9500": .waits]),
    Provider(
      name: "clicksend", host: "https://rest.clicksend.com",
      request: [
        "method": "POST", "path": "/v3/sms/send", "auth": basic, "type": json,
        "body": #"{"messages":[{"source":"pikett","from":"","to":"+41791234567","body":"\#(inJSON)"}]}"#,
      ],
      wrongPassword: #"answered 401 “{ "http_code": 401, "response_code": "UNAUTHORIZED""#,
      troubles: ["9000": .fails, "9402": .fails, "9429": .waits, "9500": .waits]),
    Provider(
      name: "playsms", host: "http://localhost",
      request: [
        "method": "GET", "path": "/playsms/index.php", "body": "",
        "query": "app=ws&op=pv&u=account&h=s%26cret%20word%2B&from=&to=41791234567&msg=\(encoded)",
      ],
      wrongPassword: #""error": "100""#,
      troubles: ["9402": .fails, "9429": .waits, "9500": .waits]),
    Provider(
      name: "gammu", host: "http://localhost:5000",
      request: [
        "method": "POST", "path": "/sms", "auth": basic, "type": json,
        "body": #"{"text":"\#(inJSON)","number":"+41791234567"}"#,
      ],
      wrongPassword: "answered 401 “Unauthorized Access”", troubles: ["9500": .waits]),
    Provider(
      name: "kannel", host: "http://localhost:13013",
      request: [
        "method": "GET", "path": "/cgi-bin/sendsms", "body": "",
        "query": "username=account&password=s%26cret%20word%2B&from=&to=41791234567&text=\(encoded)"
          + "&charset=UTF-8&coding=0",
      ],
      wrongPassword: "answered 403 “Authorization failed for sendsms”",
      troubles: ["9000": .fails, "9402": .fails, "9429": .waits, "9500": .waits]),
  ]

  /// A site whose one provider is `provider` at `gateway`.
  private func scene(_ provider: Provider, _ gateway: Gateway) throws -> DeliveryScene {
    let scene = try DeliveryScene(providers: provider.name)
    try scene.write("732/SMSUser.txt", "account")
    try scene.write("732/SMSPassword.txt", "s&cret word+")
    let template = try scene.disk.read(joined(packageData, "sms/\(provider.name)/URL.txt"), limit: 10_000)
    let url = String(String(decoding: template, as: UTF8.self).prefix { $0 != "\n" })
    #expect(url.hasPrefix(provider.host + "/"))
    let path = url.dropFirst(provider.host.count)
    try scene.provider(provider.name, ["URL": "http://127.0.0.1:\(gateway.port)/\(provider.name)\(path)"])
    if let sender = provider.sender { try scene.provider(provider.name, ["Sender": sender]) }
    return scene
  }

  /// A line of the server: its members that are not empty.
  private func members(_ line: String) -> [String: String] {
    var members: [String: String] = [:]
    for name in ["method", "path", "query", "auth", "type", "accept", "body"] {
      let value = JSONLine(line)[name]
      if !value.isEmpty { members[name] = value }
    }
    return members
  }

  @Test("the request to the letter, and the documented success", arguments: all)
  func success(provider: Provider) throws {
    let gateway = try Gateway("providers")
    let scene = try scene(provider, gateway)
    try scene.put(text: ProviderTests.text)
    #expect(scene.deliver() == 0)
    let request = members(try #require(gateway.request()))
    // libcurl says of itself that it takes everything.
    let expected = provider.request.filter { !$0.value.isEmpty }.merging(["accept": "*/*"]) { own, _ in own }
    #expect(request == expected)
    #expect(scene.notes.all == [.sent(id: "1234-sms", user: "732", provider: provider.name)])
    #expect(try scene.messages(.sent).count == 1)
  }

  @Test(
    "wrong credentials are refused in the provider's words: the message has failed, no secret is told", arguments: all)
  func wrongPassword(provider: Provider) throws {
    let gateway = try Gateway("providers")
    let scene = try scene(provider, gateway)
    try scene.write("732/SMSPassword.txt", "wrong & secret")
    try scene.put()
    #expect(scene.deliver() == 69)
    #expect(gateway.request() != nil)
    let failed = try #require(try scene.messages(.failed).first)
    #expect(failed.retry.reason.contains(provider.wrongPassword), "\(failed.retry.reason)")
    let said = try scene.everythingSaid()
    #expect(!said.contains("wrong") && !said.contains("secret"), "\(said)")
  }

  @Test("each documented trouble is for later, or for good", arguments: all)
  func troubles(provider: Provider) throws {
    for (digits, fate) in provider.troubles.sorted(by: { $0.key < $1.key }) {
      let gateway = try Gateway("providers")
      let scene = try scene(provider, gateway)
      try scene.write("732/SMSNumber.txt", "079123\(digits)")
      try scene.put()
      #expect(scene.deliver() == 69)
      #expect(gateway.request() != nil)
      let box = fate == .waits ? MessageSpool.Box.waiting : .failed
      let message = try scene.messages(box).first
      #expect(message?.retry.reason.hasPrefix("\(provider.name) answered ") == true, "…\(digits): \(scene.notes.all)")
      if fate == .waits { #expect(message?.retry.attempts == 1) }
    }
  }

  @Test("what is missing is refused for good: nothing is sent without a sender where the provider wants one")
  func missingSender() throws {
    for (name, answer) in [("twilio", "answered 400"), ("vonage", "status"), ("messagebird", "answered 422")] {
      let provider = try #require(ProviderTests.all.first { $0.name == name })
      let gateway = try Gateway("providers")
      let scene = try scene(provider, gateway)
      try scene.provider(name, ["Sender": "none"])
      try scene.put()
      #expect(scene.deliver() == 69)
      #expect(try scene.messages(.failed).first?.retry.reason.contains(answer) == true, "\(scene.notes.all)")
    }
  }

  @Test("every template cites the provider's documentation, says what the credentials are, and whether it was tried")
  func remarks() throws {
    let disk = RealFilesystem()
    for name in try disk.list(joined(packageData, "sms")) where !name.contains(".") {
      let bytes = try disk.read(joined(packageData, "sms/\(name)/URL.txt"), limit: 10_000)
      let remarks = String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst().joined(separator: "\n")
      guard !["CODEMA", "generic-get", "generic-post"].contains(name) else { continue }
      #expect(ProviderTests.all.contains { $0.name == name }, "\(name) has no test")
      for word in ["https://", "User", "Password", "Sender", "ested"] {
        #expect(remarks.contains(word), "\(name): \(word)")
      }
    }
  }
}

/// A line of JSON that holds strings only.
private struct JSONLine {
  let line: String
  init(_ line: String) { self.line = line }

  /// A member's text, unescaped; empty if it is not there.
  subscript(name: String) -> String {
    guard let start = line.firstRange(of: "\"\(name)\": \"") else { return "" }
    var text = ""
    var rest = line[start.upperBound...]
    while let character = rest.popFirst(), character != "\"" {
      text.append(character == "\\" ? rest.popFirst() ?? "\\" : character)
    }
    return text
  }
}
