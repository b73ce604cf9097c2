import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// Transactions over a network that loses, doubles, delays and reorders: whatever the seed, each comes to its end, the
/// TU hears each thing once, and nothing stays behind.
@Suite struct LossTests {
  /// Rings, and decides two seconds later.
  private func ring(_ status: Int, on network: @escaping () -> SimulatedNetwork?)
    -> (TransactionAction, TransactionParty, Moment) -> [TransactionAction]
  {
    { action, party, now in
      switch action {
      case .request(let request, let id, _) where request.method == .invite:
        network()?.at((network()?.elapsed ?? .zero) + .seconds(2)) {
          guard let network = network() else { return }
          let actions = party.layer.respond(request.response(status, toTag: "phone"), to: id, at: network.now)
          network.send(party.perform(actions, at: network.now), from: "Phone")
        }
        return party.layer.respond(request.response(180, toTag: "phone"), to: id, at: now)
      case .request(let request, let id, _):
        return party.layer.respond(request.response(status, toTag: "phone"), to: id, at: now)
      case .cancelled(let id, let cancel):
        var response = cancel.response(487, toTag: "phone")
        response.headers["CSeq"] = "1 INVITE"
        return party.layer.respond(response, to: id, at: now)
      default:
        return []
      }
    }
  }

  @Test func aRefusedInviteEndsCleanly() throws {
    var ends: [String: Int] = [:]
    for seed in UInt64(1)...200 {
      var network: SimulatedNetwork?
      let pair = Pair(seed: seed, .rough, phone: ring(486) { network })
      network = pair.network
      pair.send(Sample.bare())
      try pair.network.runUntilQuiet(within: .seconds(200))
      #expect(pair.phone.story.count { $0.hasPrefix("request") } <= 1, "seed \(seed)")
      let reports = pair.pikett.story.filter { $0 == "response 486 c1" || $0 == "timedOut c1" }
      #expect(reports.count == 1, "seed \(seed)\n\(pair.network.ladder)")
      for report in reports { ends[report, default: 0] += 1 }
      #expect(pair.pikett.layer.count + pair.phone.layer.count == 0, "seed \(seed)")
      network = nil
    }
    // Seven INVITEs and as many answers are enough for a network this bad.
    #expect(ends["response 486 c1", default: 0] >= 198)
  }

  @Test func aCancelledInviteEndsCleanly() throws {
    var wins: [String: Int] = [:]
    for seed in UInt64(1)...200 {
      var network: SimulatedNetwork?
      let pair = Pair(seed: seed, .rough, phone: ring(200) { network })
      network = pair.network
      let id = pair.send(Sample.bare())
      // Around the moment of the answer, so that both win at times.
      pair.network.at(.milliseconds(1700 + Int(seed % 50) * 10)) { pair.cancel(id) }
      try pair.network.runUntilQuiet(within: .seconds(200))
      // Once the phone has accepted, a 487 is no longer possible, and the other way round.
      let sent = ["200 OK (INVITE)", "487 Request Terminated (INVITE)"].filter { !pair.times(of: $0).isEmpty }
      #expect(sent.count == 1, "seed \(seed)\n\(pair.network.ladder)")
      for status in sent { wins[status, default: 0] += 1 }
      #expect(pair.phone.story.count { $0.hasPrefix("cancelled") } <= 1, "seed \(seed)")
      #expect(pair.pikett.layer.count + pair.phone.layer.count == 0, "seed \(seed)")
      network = nil
    }
    #expect(wins.values.allSatisfy { $0 > 20 } && wins.count == 2, "both must win at times: \(wins)")
  }

  @Test func messagesAreDeliveredOnceOrReportedLost() throws {
    for seed in UInt64(1)...100 {
      let pair = Pair(seed: seed, .rough, phone: answering(200))
      var ids: [ClientTransactionID] = []
      for index in 0..<20 { ids.append(pair.send(Sample.bare(.message, callID: "m\(index)"))) }
      try pair.network.runUntilQuiet(within: .seconds(200))
      for id in ids {
        let ends = pair.pikett.story.filter { $0 == "response 200 \(id)" || $0 == "timedOut \(id)" }
        #expect(ends.count == 1, "seed \(seed)")
      }
      #expect(pair.phone.story.count { $0.hasPrefix("request") } == 20, "seed \(seed)")
      #expect(pair.phone.layer.count == 0, "seed \(seed)")
    }
  }

  @Test func theSameSeedGivesTheSameLadder() throws {
    func ladder(_ seed: UInt64) throws -> Ladder {
      let pair = Pair(seed: seed, .rough, phone: answering(486))
      for index in 0..<5 { pair.send(Sample.bare(callID: "c\(index)")) }
      try pair.network.runUntilQuiet(within: .seconds(200))
      return pair.network.ladder
    }
    #expect(try ladder(4) == ladder(4))
    #expect(try ladder(4) != ladder(5))
  }
}
