import Delivery
import Disk
import PikettTesting
import Spool
import Telephony
import Testing

@Suite("text messages over real HTTP")
struct DeliveryTests {
  private func url(_ gateway: Gateway, _ path: String) -> String {
    "http://127.0.0.1:\(gateway.port)/\(path)?to={digits}&text={text}&user={user}&pass={password}"
  }

  @Test("a message that the provider takes is in sent, with its number, text and credentials in the request")
  func success() throws {
    let gateway = try Gateway()
    let scene = try DeliveryScene()
    try scene.provider("first", ["URL": url(gateway, "ok"), "Success": "200 0: Accepted"])
    try scene.put()
    #expect(scene.deliver() == 0)
    let request = try #require(gateway.request())
    #expect(request.contains("\"method\": \"GET\""))
    #expect(
      request.contains(
        "\"path\": \"/ok?to=41791234567&text=\(DeliveryScene.text)&user=pikett&pass=secret%20word\""))
    #expect(try scene.messages(.waiting).isEmpty)
    let sent = try #require(try scene.messages(.sent).first)
    #expect(sent.retry.provider == "first")
    #expect(sent.text == DeliveryScene.text)
    #expect(scene.notes.all == [.sent(id: "1234-sms", user: "732", provider: "first")])
    #expect(!(try scene.everythingSaid()).contains("secret"))
    let file = joined(scene.spool.directory, "sent/1234-sms.txt")
    #expect(try scene.disk.status(file)?.mode == 0o600)
    #expect(try scene.disk.status(scene.spool.directory)?.mode == 0o700)
    #expect(scene.deliver() == 0, "a second pass finds nothing to do")
    #expect(scene.notes.all.count == 1)
  }

  @Test("POST with a JSON body and headers")
  func post() throws {
    let gateway = try Gateway()
    let scene = try DeliveryScene()
    try scene.provider(
      "first",
      [
        "URL": "http://127.0.0.1:\(gateway.port)/ok", "Method": "POST", "ContentType": "application/json",
        "Body": "{\"to\":\"{number}\",\"text\":\"{text}\"}", "Header1": "Authorization: Basic {basic}",
        "Header2": "X-Api-Key: k1",
      ])
    try scene.put(text: "a \"quoted\" text")
    #expect(scene.deliver() == 0)
    let request = try #require(gateway.request())
    #expect(request.contains("\"method\": \"POST\""))
    #expect(request.contains(#""body": "{\"to\":\"41791234567\",\"text\":\"a \\\"quoted\\\" text\"}""#))
    #expect(request.contains("\"type\": \"application/json\""))
    #expect(request.contains("\"auth\": \"Basic cGlrZXR0OnNlY3JldCB3b3Jk\""))
    #expect(request.contains("\"x\": \"k1\""))
    #expect(request.contains("\"agent\": \"Pikett\""))
  }

  @Test("an error of the provider is tried again in ten seconds")
  func serverError() throws {
    let gateway = try Gateway()
    let scene = try DeliveryScene()
    try scene.provider("first", ["URL": url(gateway, "error")])
    try scene.put()
    let before = currentWallTime()
    #expect(scene.deliver() == 69)
    let waiting = try #require(try scene.messages(.waiting).first)
    #expect(waiting.retry.attempts == 1)
    #expect(waiting.retry.reason == "first answered 500 “database down”; expected 2xx")
    #expect(waiting.retry.due >= before + .seconds(10) && waiting.retry.due <= currentWallTime() + .seconds(10))
    #expect(gateway.request() != nil)
    #expect(scene.deliver() == 0, "not due yet: nothing is asked")
    #expect(scene.notes.all.count == 1)
  }

  @Test("a provider that does not answer costs its timeout, and is tried again")
  func timeout() throws {
    let gateway = try Gateway()
    let scene = try DeliveryScene()
    try scene.provider("first", ["URL": url(gateway, "hang"), "Timeout": "1"])
    try scene.put()
    #expect(scene.deliver() == 69)
    #expect(try scene.messages(.waiting).first?.retry.reason == "first: Timeout was reached")
  }

  @Test("nobody listens; no TLS where TLS is asked for")
  func unreachable() throws {
    let gateway = try Gateway()
    let scene = try DeliveryScene()
    try scene.provider("first", ["URL": "https://127.0.0.1:\(gateway.port)/ok?pass={password}"])
    try scene.put()
    #expect(scene.deliver() == 69)
    #expect(try scene.messages(.waiting).first?.retry.reason == "first: SSL connect error")
    try scene.provider("first", ["URL": "http://127.0.0.1:1/ok?pass={password}"])
    #expect(try scene.spool.request(.retry, for: "1234-sms"))
    #expect(scene.deliver() == 69)
    #expect(try scene.messages(.waiting).first?.retry.reason == "first: Couldn't connect to server")
    #expect(!(try scene.everythingSaid()).contains("secret"))
  }

  @Test("an answer that is no success goes to the next provider at once")
  func wrongBody() throws {
    let gateway = try Gateway()
    let scene = try DeliveryScene(providers: "first, second")
    try scene.provider("first", ["URL": url(gateway, "wrong"), "Success": "200 0: Accepted"])
    try scene.provider("second", ["URL": url(gateway, "ok"), "Success": "200 0: Accepted"])
    try scene.put()
    #expect(scene.deliver() == 69)
    #expect(try scene.messages(.sent).first?.retry.provider == "second")
    #expect(
      scene.notes.all == [
        .postponed(
          id: "1234-sms", reason: "first answered 200 “1: No credit”; expected 200 0: Accepted", seconds: 0),
        .sent(id: "1234-sms", user: "732", provider: "second"),
      ])
  }

  @Test("a refusal that repeats the credentials does not carry them into spool or log")
  func secrets() throws {
    let gateway = try Gateway()
    let scene = try DeliveryScene()
    try scene.provider("first", ["URL": url(gateway, "refuse")])
    try scene.put()
    #expect(scene.deliver() == 69)
    let said = try scene.everythingSaid()
    #expect(said.contains("first answered 403 “bad login *** / ***”"))
    #expect(!said.contains("secret"))
  }

  @Test("of an endless answer the beginning counts; a redirect is not followed")
  func hugeAndRedirect() throws {
    let gateway = try Gateway()
    let scene = try DeliveryScene()
    try scene.provider("first", ["URL": url(gateway, "huge"), "Success": "200 0: Accepted"])
    try scene.put()
    #expect(scene.deliver() == 0)
    try scene.provider("first", ["URL": url(gateway, "redirect")])
    try scene.put("1235")
    #expect(scene.deliver() == 69)
    #expect(try scene.messages(.failed).first?.retry.reason.hasPrefix("first answered 302") == true)
  }

  @Test("a user without a number, and a provider without a URL, are told in words")
  func incomplete() throws {
    let scene = try DeliveryScene()
    try scene.put("1", user: "733")
    try scene.put("2", user: "732")
    try scene.provider("first", ["Method": "GET"])
    #expect(scene.deliver() == 69)
    #expect(
      try scene.messages(.waiting).map(\.retry.reason) == [
        "user 733 has no SMSNumber.txt, or SMSProvider.txt names no provider",
        "provider first has no URL; write it into sms/first/URL.txt",
      ])
  }

  @Test("two processes do not send the same message")
  func lock() throws {
    let scene = try DeliveryScene()
    try scene.put()
    let held = try scene.spool.lock()
    #expect(scene.deliver() == 0)
    held.release()
    #expect(scene.notes.all.isEmpty)
    #expect(try scene.messages(.waiting).first?.retry.attempts == 0)
  }

  @Test("the helper program: one pass, exit codes, no secret on its output")
  func program() throws {
    let program = try #require(Installation().helper("pikett-delivery"))
    let gateway = try Gateway()
    let scene = try DeliveryScene()
    try scene.provider("first", ["URL": url(gateway, "refuse")])
    try scene.put()
    let first = try ChildProcess([program, "--site", scene.folder.path], mergingErrors: true)
    let line = try #require(first.line())
    #expect(line.hasPrefix("pikett-delivery: 1234-sms: failed for good: first answered 403 “bad login *** / ***”"))
    #expect(first.finish() == 69)
    try scene.provider("first", ["URL": url(gateway, "ok")])
    #expect(try scene.spool.request(.retry, for: "1234-sms"))
    let second = try ChildProcess([program, "--site", scene.folder.path], mergingErrors: true)
    #expect(second.line() == "pikett-delivery: 1234-sms: SMS for user 732 taken by first")
    #expect(second.finish() == 0)
    let third = try ChildProcess([program, "--site", "/dev/null"], mergingErrors: true)
    #expect(third.line()?.hasPrefix("pikett-delivery: /dev/null/spool/sms: cannot be created: Not a directory") == true)
    #expect(third.finish() == 73)
  }
}
