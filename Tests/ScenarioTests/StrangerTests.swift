import Demo
import Disk
import Testing

extension ScenarioTests {
  /// On the wire a stranger cannot tell a user from no user nor a number from none, and is silenced when he tries too
  /// often; nobody else notices.
  @Test func strangersLearnNothing() async throws {
    try await Scene.play("strangers") { scene in
      var site = TestSite(scene.path("site"))
      site.files["732/CFNRTimeout.txt"] = "30"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let technician = try await rack.technician("732", daemon)

      let stranger = WireEnd(try Datagrams("127.0.0.66"), daemon)
      var answers: Set<String> = []
      for (index, number) in ["720", "799*731", "731", "732", "739", "0900123456", "a", "799"].enumerated() {
        for method in ["INVITE", "REGISTER"] {
          let callID = "same-\(index)-\(method)"
          let text =
            method == "INVITE"
            ? stranger.invite(number, callID: callID) : stranger.request(method, number, callID: callID)
          stranger.send(Array(text.utf8))
          let answer = try await stranger.socket.answer("SIP/2.0 401", "Call-ID: \(callID)\r\n")
          answers.insert(stable(answer, ["same-\(index)-\(method)", "sip:\(number)@", method]))
        }
      }
      // A wrong password: for a user and for nobody.
      for (index, user) in ["731", "739"].enumerated() {
        let callID = "guess-\(index)"
        stranger.send(Array(guess(stranger, user, callID: callID).utf8))
        let answer = try await stranger.socket.answer("SIP/2.0 401", "Call-ID: \(callID)\r\n")
        answers.insert(stable(answer, [callID, "sip:\(user)@", "REGISTER"]))
      }
      try #require(answers.count == 1, "\(answers.sorted().joined(separator: "\n\n"))")

      // A guesser's last answer, then silence, which is said once; his neighbour and the trunk are answered.
      let guesser = WireEnd(try Datagrams("127.0.0.67"), daemon)
      for index in 0..<40 { guesser.send(Array(guess(guesser, "731", callID: "often-\(index)").utf8)) }
      try await daemon.says("a stranger is silenced", "source=127.0.0.67")
      guesser.send(Array(guesser.request("OPTIONS", "720", callID: "silence").utf8))
      try await stranger.isAnswered("neighbour")
      let trunk = WireEnd(try Datagrams(TestSite.gateway), daemon)
      for index in 0..<100 { trunk.send(Array(guess(trunk, "731", callID: "spoofed-\(index)").utf8)) }
      try await trunk.isAnswered("trunk")
      let heard = await guesser.socket.seen.all
      try #require(heard.count <= 20 && !heard.contains { $0.contains("Call-ID: silence") }, "\(heard.count)")
      let told = await daemon.process.lines.filter { $0.contains("silenced") }
      try #require(told.count == 1, "\(told)")

      let caller = try await rack.caller(daemon)
      let leg = try await caller.talks(to: "799732")
      let ringing = try await technician.rings(from: TestSite.caller)
      try await technician.answer(ringing)
      try await daemon.says("connected", "user=732")
      await technician.hangUp(ringing)
      try await caller.isReleased(leg)
      try await daemon.stop()
    }
  }

  private func guess(_ end: WireEnd, _ user: String, callID: String) -> String {
    let credentials =
      "Authorization: Digest username=\"\(user)\", realm=\"pikett\", nonce=\"00\", uri=\"sip:127.0.0.1\", "
      + "response=\"00000000000000000000000000000000\", algorithm=MD5"
    let request = end.request("REGISTER", user, callID: callID)
    return request.replacing("Max-Forwards: 70", with: "Max-Forwards: 70\r\n\(credentials)")
  }

  /// An answer without what its request brought, and without what differs from one to the next whoever asks.
  private func stable(_ answer: String, _ own: [String]) -> String {
    var text = own.reduce(answer) { $0.replacing($1, with: "?") }
    for mark in ["tag=", "nonce=\"", "branch="] {
      let parts = text.components(split: mark)
      text = parts.enumerated().map { index, part in
        index == 0 ? part : String(part.drop { $0.isLetter || $0.isNumber || $0 == "?" })
      }.joined(separator: mark)
    }
    return text
  }
}

extension String {
  /// What stands between the places of `mark`.
  fileprivate func components(split mark: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let place = rest.firstRange(of: mark) {
      parts.append(String(rest[..<place.lowerBound]))
      rest = rest[place.upperBound...]
    }
    return parts + [String(rest)]
  }
}
