import Hunting
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// Instant messages to the technicians' phones.
@Suite struct MessageTests {
  private func send(_ scene: Scene, to user: String, name: String = "m1") {
    scene.shell.take(
      .sendMessage(InstantMessage(name: name, user: user, caller: "03472619287", text: "Ticket_1234_Called_\(user)")))
  }

  @Test func `a message goes to every phone of the user, from the caller's number`() throws {
    let scene = try Scene()
    scene.second.register("732", password: "secret732")
    scene.at(.seconds(1)) { send($0, to: "732") }
    try scene.run(until: .seconds(5))
    #expect(scene[732].texts == ["Ticket_1234_Called_732"])
    #expect(scene.second.texts == ["Ticket_1234_Called_732"])
    #expect(scene.shell.messagesDone == ["m1": [200]])
    let message = try #require(scene.shell.steps.flatMap(\.commands).requests(.message).first)
    #expect(try message.headers.from().uri.user == "03472619287")
    #expect(message.headers.contentType == "text/plain")
    try scene.expectClean()
  }

  @Test func `one phone of two is dead: delivered all the same, once`() throws {
    let scene = try Scene()
    scene.second.register("732", password: "secret732")
    scene.at(.seconds(1)) { scene in
      scene.second.isDead = true
      send(scene, to: "732")
    }
    try scene.run(until: .seconds(40))
    #expect(scene.shell.messagesDone == ["m1": [200]])
  }

  @Test func `no phone: told at once`() throws {
    let scene = try Scene(registers: false)
    scene.at(.seconds(1)) { send($0, to: "731") }
    scene.at(.seconds(2)) { send($0, to: "999", name: "m2") }
    try scene.run(until: .seconds(5))
    #expect(scene.shell.messagesDone == ["m1": [480], "m2": [480]])
    try scene.expectClean()
  }

  @Test func `a dead phone: told after Timer F`() throws {
    let scene = try Scene()
    scene[731].isDead = true
    scene.at(.seconds(1)) { send($0, to: "731") }
    try scene.run(until: .seconds(40))
    #expect(scene.shell.messagesDone == ["m1": [408]])
    try scene.expectClean()
  }

  @Test func `one phone knows no messages, the other is away: there is hope`() throws {
    for (first, second) in [(405, 480), (480, 405)] {
      let scene = try Scene()
      scene.second.register("732", password: "secret732")
      scene[732].textStatus = first
      scene.second.textStatus = second
      scene.at(.seconds(1)) { send($0, to: "732") }
      try scene.run(until: .seconds(5))
      #expect(scene.shell.messagesDone == ["m1": [480]])
    }
  }

  // MARK: By trunk

  /// 732 is reached by the trunk PBX with two hosts, then by GW14.
  private func scene(_ changes: [String: String?] = [:]) throws -> (scene: Scene, second: Phone) {
    var all: [String: String?] = [
      "732/Password.txt": nil, "732/Trunk.txt": "PBX,GW14", "trunks/PBX/Host.txt": "192.0.2.5,192.0.2.6",
    ]
    for (path, text) in changes { all[path] = text }
    let scene = try Scene(all)
    let second = Phone("PBX b", at: endpoint("192.0.2.6:5060"), on: scene.network, seed: 406)
    scene.shell.names[second.address] = second.name
    return (scene, second)
  }

  private func texts(_ phones: Phone...) -> [Int] { phones.map(\.texts.count) }

  @Test func `a host that cannot now: the next at once`() throws {
    let (scene, second) = try scene()
    scene.pbx.textStatus = 503
    scene.at(.seconds(1)) { send($0, to: "732") }
    try scene.run(until: .seconds(2))
    #expect(texts(scene.pbx, second, scene.caller) == [0, 1, 0])
    #expect(scene.shell.messagesDone == ["m1": [200]])
    try scene.expectClean()
  }

  @Test func `a trunk that cannot: the next trunk, the same message once`() throws {
    let (scene, second) = try scene()
    scene.pbx.textStatus = 500
    scene.at(.seconds(1)) { send($0, to: "732") }
    try scene.run(until: .seconds(2))
    #expect(texts(scene.pbx, second, scene.caller) == [0, 0, 1])
    #expect(scene.shell.messagesDone == ["m1": [200]])
    try scene.expectClean()
  }

  @Test func `silence is waited out, since a message cannot be cancelled`() throws {
    let (scene, second) = try scene()
    scene.pbx.isDead = true
    scene.at(.seconds(1)) { send($0, to: "732") }
    try scene.run(until: .seconds(32))
    #expect(texts(second) == [0])
    try scene.run(until: .seconds(40))
    #expect(texts(second) == [1])
    #expect(scene.shell.messagesDone == ["m1": [200]])
    try scene.expectClean()
  }

  @Test func `a phone that is not there: told at once, to be tried later`() throws {
    let (scene, second) = try scene()
    scene.pbx.textStatus = 480
    scene.at(.seconds(1)) { send($0, to: "732") }
    try scene.run(until: .seconds(2))
    #expect(texts(scene.pbx, second, scene.caller) == [0, 0, 0])
    #expect(scene.shell.messagesDone == ["m1": [480]])
    // The same message later, when the phone is back.
    scene.pbx.textStatus = 200
    scene.at(.seconds(3)) { send($0, to: "732") }
    try scene.run(until: .seconds(4))
    #expect(scene.shell.messagesDone == ["m1": [480, 200]])
    try scene.expectClean()
  }

  @Test func `a PBX that knows callers by their account only gets the message from the account, then another does`()
    throws
  {
    let (scene, second) = try scene(["trunks/PBX/Login.txt": "line"])
    scene.pbx.textStatus = 403
    scene.at(.seconds(1)) { send($0, to: "732") }
    try scene.run(until: .seconds(2))
    let messages = scene.shell.steps.flatMap(\.commands).requests(.message)
    #expect(try messages.map { try $0.headers.from().uri.user } == ["03472619287", "line", "03472619287"])
    #expect(texts(scene.pbx, second, scene.caller) == [0, 0, 1])
    #expect(scene.shell.messagesDone == ["m1": [200]])
    try scene.expectClean()
  }

  @Test func `no trunk takes it: told once`() throws {
    let (scene, second) = try scene()
    for phone in [scene.pbx, second, scene.caller] { phone.textStatus = 503 }
    scene.at(.seconds(1)) { scene in
      send(scene, to: "732")
      // A message that is under way is not sent a second time.
      send(scene, to: "732")
    }
    try scene.run(until: .seconds(2))
    #expect(scene.shell.messagesDone == ["m1": [503]])
    try scene.expectClean()
  }
}
