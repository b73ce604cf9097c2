import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// How many transactions may live, and what costs none.
@Suite struct LimitTests {
  let now = Sample.moment(0)

  private func request(_ index: Int, _ method: Method = .options, toTag: String? = nil) -> Request {
    Sample.incoming(method, branch: "z9hG4bK\(index)", callID: "call\(index)", toTag: toTag)
  }

  @Test func beyondTheLimitNewRequestsGet503AndLeaveNothing() throws {
    var layer = Sample.layer(limit: 3)
    for index in 0..<3 {
      #expect(layer.receive(.request(request(index)), on: Sample.flow(), at: now).serverID != nil)
    }
    let refused = layer.receive(.request(request(3)), on: Sample.flow(), at: now)
    #expect(brief(refused) == ["transmit 503"])
    #expect(layer.count == 3)
    // A stateless answer is the same each time (§8.2.7).
    #expect(layer.receive(.request(request(3)), on: Sample.flow(), at: now) == refused)
    #expect(refused.firstResponse?.headers["Via"]?.contains("rport=5060") == true)
  }

  @Test func callsInProgressGoOnBeyondTheLimit() throws {
    var layer = Sample.layer(limit: 2)
    let invite = request(0, .invite)
    let id = try #require(layer.receive(.request(invite), on: Sample.flow(), at: now).serverID)
    _ = layer.receive(.request(request(1)), on: Sample.flow(), at: now)
    // Full: a CANCEL, a retransmission, a BYE and our own requests still go.
    #expect(
      brief(
        layer.receive(
          .request(Sample.incoming(.cancel, branch: "z9hG4bK0", callID: "call0")), on: Sample.flow(), at: now))
        == ["transmit 200", "cancelled \(id)"])
    #expect(brief(layer.respond(invite.response(487, toTag: "x"), to: id, at: now)) == ["transmit 487"])
    #expect(layer.receive(.request(request(4, .bye, toTag: "dialog")), on: Sample.flow(), at: now).serverID != nil)
    #expect(brief(layer.send(Sample.bare(.bye), on: Sample.flow(), at: now).actions) == ["transmit BYE"])
    // Twice the limit: an ACK and a CANCEL still do their work without a transaction.
    #expect(layer.count >= 4)
    #expect(
      brief(layer.receive(.request(request(5, .bye, toTag: "d")), on: Sample.flow(), at: now)) == ["transmit 503"])
    #expect(brief(layer.receive(.request(request(6, .cancel)), on: Sample.flow(), at: now)) == ["transmit 481"])
    #expect(
      layer.receive(
        .request(Sample.incoming(.ack, branch: "z9hG4bK0", callID: "call0", toTag: "x")), on: Sample.flow(), at: now
      ).isEmpty)
  }

  @Test func aStatelessAnswerCostsNothing() throws {
    var layer = Sample.layer()
    let invite = request(0, .invite)
    var answers: [Response] = []
    for _ in 0..<3 {
      let arrival = layer.receive(.request(invite), on: Sample.flow(), at: now)
      guard case .request(let seen, let id, _) = try #require(arrival.first) else { return }
      let refusal = seen.response(401, toTag: layer.statelessTag(seen))
      let actions = layer.respondStatelessly(refusal, to: id)
      #expect(brief(actions) == ["transmit 401", "terminated \(id)"])
      answers.append(try #require(actions.firstResponse))
      #expect(layer.count == 0)
      #expect(layer.nextDeadline == nil)
    }
    #expect(Set(answers).count == 1)
  }

  @Test func theStatelessTagIsOursAlone() {
    let tag = Sample.layer(seed: 1).statelessTag(request(0))
    #expect(tag == Sample.layer(seed: 1).statelessTag(request(0)))
    #expect(tag != Sample.layer(seed: 2).statelessTag(request(0)))
    #expect(tag != Sample.layer(seed: 1).statelessTag(request(1)))
  }

  @Test func aForgottenRequestGetsNoAnswer() throws {
    var layer = Sample.layer()
    let id = try #require(layer.receive(.request(request(0, .invite)), on: Sample.flow(), at: now).serverID)
    #expect(brief(layer.forget(id)) == ["terminated \(id)"])
    #expect(layer.forget(id).isEmpty)
    #expect(layer.respond(request(0).response(200, toTag: "x"), to: id, at: now).isEmpty)
    #expect(layer.nextDeadline == nil)
  }

  @Test func aLateAnswerDoesNotReachTheNextTransactionOfTheSameKey() throws {
    var layer = Sample.layer()
    let first = try #require(layer.receive(.request(request(0)), on: Sample.flow(), at: now).serverID)
    _ = layer.forget(first)
    let second = try #require(layer.receive(.request(request(0)), on: Sample.flow(), at: now).serverID)
    #expect(first != second)
    #expect(layer.respond(request(0).response(200, toTag: "x"), to: first, at: now).isEmpty)
    #expect(brief(layer.respond(request(0).response(404, toTag: "x"), to: second, at: now)) == ["transmit 404"])
  }

  @Test func aFloodLeavesNothingBehind() throws {
    var layer = Sample.layer(limit: 100)
    for index in 0..<10_000 {
      let seconds = Double(index) / 100
      _ = layer.timersDue(at: Sample.moment(seconds))
      let method: Method = index % 3 == 0 ? .invite : index % 3 == 1 ? .options : .cancel
      let actions = layer.receive(.request(request(index, method)), on: Sample.flow(), at: Sample.moment(seconds))
      if let id = actions.serverID {
        _ = layer.respond(request(index, method).response(404, toTag: "x"), to: id, at: Sample.moment(seconds))
      }
      #expect(layer.count <= 200)
    }
    _ = layer.timersDue(at: Sample.moment(1000))
    #expect(layer.count == 0)
    #expect(layer.nextDeadline == nil)
  }
}
