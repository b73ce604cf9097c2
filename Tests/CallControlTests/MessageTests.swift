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
}
