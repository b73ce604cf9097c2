import Hunting
import Site
import Telephony
import Testing

@Suite("SMS providers")
struct SMSProviderTests {
  private func provider(_ files: [String: String]) throws -> SMSProvider {
    var changes: [String: String?] = ["731/SMSNumber.txt": "3472619287"]
    for (name, text) in files { changes["sms/CODEMA/\(name).txt"] = text }
    return try #require(TestSite.read(changes).snapshot.user("731")?.smsRoutes.first?.provider)
  }

  private func request(_ files: [String: String], text: String) throws -> HTTPRequestDescription {
    try #require(try provider(files).request(number: "+393472619287", text: text))
  }

  @Test("In the URL values are percent-encoded, and the log does not see the password")
  func url() throws {
    let request = try request(
      [
        "URL": "https://sms.example.net/send?u={user}&p={password}&from={sender}&to={number}&d={digits}&t={text}",
        "User": "a&b", "Password": "p&=ü ", "Sender": "Gas AG",
      ], text: "12.10.2012_14.00 100% ä")
    #expect(
      request.url.secret
        == "https://sms.example.net/send?u=a%26b&p=p%26%3D%C3%BC%20&from=Gas%20AG&to=%2B393472619287&d=393472619287"
        + "&t=12.10.2012_14.00%20100%25%20%C3%A4")
    #expect(request.server == "sms.example.net" && !"\(request)".contains("p%26"))
    #expect(request.method == .get && request.body == nil && request.headers.isEmpty)
    #expect(request.timeout == .seconds(30) && request.success == .anySuccess)
  }

  @Test(
    "In the body values are written as its media type needs it",
    arguments: [
      (
        "application/json", #"{"to":"{digits}","text":"{text}","x":{}}"#,
        #"{"to":"393472619287","text":"a\"\\<&'\n%","x":{}}"#
      ),
      ("application/vnd.x+json; charset=utf-8", #"{"{text}"}"#, #"{"a\"\\<&'\n%"}"#),
      ("text/xml", "<t a='{text}'>{number}</t>", "<t a='a&quot;\\&lt;&amp;&apos;&#10;%'>+393472619287</t>"),
      (
        "application/x-www-form-urlencoded", "to={number}&text={text}", "to=%2B393472619287&text=a%22%5C%3C%26%27%0A%25"
      ),
      ("text/plain", "{number} {text}", "+393472619287 a\"\\<&'\n%"),
    ])
  func body(type: String, body: String, expected: String) throws {
    let request = try request(["URL": "http://x/", "Body": body, "ContentType": type], text: "a\"\\<&'\n%")
    #expect(request.body.map { String(decoding: $0.secret, as: UTF8.self) } == expected)
    #expect(request.method == .post && request.headers.map(\.name) == ["Content-Type"])
    #expect(request.headers.first?.value.secret == type)
  }

  @Test("Headers: in their order, without line breaks, with basic authentication")
  func headers() throws {
    let request = try request(
      [
        "URL": "http://x/", "Header1": "Authorization: Basic {basic}", "Header3": "X-Text:{text}", "User": "Aladdin",
        "Password": "open sesame", "Method": "put", "Body": "x", "Header2": "content-type: text/x",
      ], text: "a\r\nb")
    #expect(request.headers.map(\.name) == ["Authorization", "content-type", "X-Text"])
    #expect(request.headers.map(\.value.secret) == ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "text/x", "ab"])
    #expect(request.method == .put)
  }

  @Test("Base64", arguments: [("", "Og=="), ("f", "Zjo="), ("fo", "Zm86"), ("foo", "Zm9vOg==")])
  func base64(user: String, expected: String) throws {
    let request = try request(["URL": "http://x/", "Header1": "A: {basic}", "User": user], text: "")
    #expect(request.headers.first?.value.secret == expected)
  }

  @Test(
    "What is no provider",
    arguments: [
      ("URL", "ftp://x/"), ("URL", "sms.example.net"), ("URL", "http://x/{phone}"), ("URL", "http://x/a b"),
      ("Method", "DELETE"),
      ("Body", "{nummer}"), ("Header1", "no colon"), ("Header1", "a b: c"), ("Header1", ": c"), ("Header2", "X: {foo}"),
      ("ContentType", "json"), ("Success", "ok"), ("Success", "200 .a"), ("Success", "200 .a ="),
      ("Success", "200 .a = 1,"),
      ("Success", "200 . = 1"), ("Success", "200 .a[x] = 1"), ("Success", "200 .a[1 = 1"), ("Retry", "later"),
      ("Success", "20"), ("Success", "6xx"), ("Success", "200,"),
      ("Timeout", "0"),
    ])
  func bad(file: String, text: String) {
    let reading = TestSite.read(["sms/CODEMA/\(file).txt": text])
    #expect(reading.faults.count == 1)
    #expect(reading.faults.first?.path == "sms/CODEMA/\(file).txt")
    #expect(reading.faults.first?.problem.hasSuffix("is not understood") == true)
  }

  @Test(
    "Of the URL a log sees the server only",
    arguments: [
      ("https://sms.example.net:8443/send?p=geheim", "sms.example.net:8443"),
      ("http://user:geheim@x.example.net", "x.example.net"),
      ("http://x?token=geheim@y", "x"), ("http://[2001:db8::1]:80/", "[2001:db8::1]:80"),
    ])
  func server(url: String, expected: String) throws {
    let request = try request(["URL": url], text: "")
    #expect(request.server == expected && !"\(request)".contains("geheim"))
  }

  @Test("No fault quotes a URL: it may hold a password")
  func noSecret() {
    let reading = TestSite.read(["sms/CODEMA/URL.txt": "https://x/?password=geheim&{x}"])
    #expect(reading.faults.count == 1 && !"\(reading.faults)".contains("geheim"))
  }

  @Test(
    "What counts as taken",
    arguments: [
      ("2xx", 200, "", true), ("2xx", 299, "", true), ("2xx", 302, "", false), ("200,202", 202, "", true),
      ("200,202", 201, "", false),
      ("202", 200, "", false), ("200 OK", 200, "status: OK", true), ("200 OK", 200, "ERROR", false),
      ("200 OK", 500, "OK", false),
      ("2XX  all right", 200, "is all right.", true), ("200", 0, "", false), ("200", -1, "", false),
      ("200 .messages[0].status = 0", 200, #"{"messages" : [ {"x":[{"status":"9"}], "status":"0"} ]}"#, true),
      ("200 .messages[0].status=0", 200, #"{"messages":[{"status":0}]}"#, true),
      ("200 .messages[0].status = 0", 200, #"{"messages":[{"status":"4"}]}"#, false),
      ("200 .messages[1].status = 0", 200, #"{"messages":[{"status":"4"},{"status":"0"}]}"#, true),
      ("200 .messages[1].status = 0", 200, #"{"messages":[{"status":"0"}]}"#, false),
      ("200 .messages[0].status = 0", 500, #"{"messages":[{"status":"0"}]}"#, false),
      ("200 .status = 1, 5,10", 200, #"{"status":"10"}"#, true), ("200 .status = 1,5", 200, #"{"status":"10"}"#, false),
      ("2xx [1] = true", 201, " [ false , true ] ", true), ("2xx .a = null", 200, #"{"a":null}"#, true),
      ("2xx .a = not here", 200, #"{"a":"not here"}"#, true), ("2xx .a = {", 200, #"{"a":{}}"#, false),
    ])
  func success(rule: String, status: Int, body: String, isMet: Bool) throws {
    let rule = try #require(AnswerRule(rule))
    #expect(rule.isMet(status: status, body: Array(body.utf8)) == isMet)
  }

  @Test(
    "The mobile's number",
    arguments: [
      ("3472619287", "39", "393472619287"), ("03472619287", "39", "3903472619287"), ("0791234567", "41", "41791234567"),
      ("791234567", "41", "41791234567"), ("+41791234567", "39", "+41791234567"),
      ("0041791234567", "39", "0041791234567"),
      ("393472619287", "39", "39393472619287"), ("0791234567", "", "0791234567"), ("0-79 123", "41", "4179123"),
    ])
  func number(text: String, prefix: String, expected: String) throws {
    #expect(smsNumber(try #require(PhoneNumber(text)), prefix: prefix) == expected)
  }

  @Test("A file of the user counts before the site's, and the site's before the built-in one")
  func overlay() throws {
    let reading = TestSite.read([
      "SMSProvider.txt": "kannel", "731/SMSNumber.txt": "347", "732/SMSNumber.txt": "348",
      "sms/kannel/Success.txt": "200", "731/sms/kannel/URL.txt": "http://other/{number}",
    ])
    let routes = reading.snapshot.users.compactMap(\.smsRoutes.first)
    #expect(
      routes.map { $0.request(text: "t")?.url.secret } == ["http://other/39347", "http://localhost/?to=39348&text=t"])
    #expect(routes.map(\.provider.success.description) == ["200", "200"])
    #expect(reading.faults == [])
  }
}
