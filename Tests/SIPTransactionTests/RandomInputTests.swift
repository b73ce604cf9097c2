import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// Random messages, answers, cancels, failures and pauses, from small sets so that they hit each other's transactions:
/// what may never happen, whatever comes.
@Suite struct RandomInputTests {
  /// What the TU has heard of one transaction.
  private struct Story {
    var finals = 0
    var isLostTooLate = false
    var successes = 0
    var isLost = false
    var isTerminated = false
  }

  private struct World {
    var layer: TransactionLayer
    var generator: SeededGenerator
    var now = Sample.moment(0)
    var sent: [Request] = []
    var clients: [ClientTransactionID: Story] = [:]
    var servers: [ServerTransactionID: Bool] = [:]
    var pending: [(ServerTransactionID, Request)] = []
    var faults: [String] = []

    init(seed: UInt64) {
      layer = Sample.layer(seed: seed, limit: 30)
      generator = SeededGenerator(seed: seed)
    }

    mutating func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }

    mutating func request() -> Request {
      let branch: String? = pick(["z9hG4bK1", "z9hG4bK2", "z9hG4bK3", "z9hG4bK", "7", nil])
      var request = Sample.incoming(
        pick([.invite, .invite, .ack, .ack, .cancel, .bye, .options, Method("FOO")]), branch: branch,
        via: pick(["198.51.100.7", "10.0.0.1:5070", "phone.example.com"]),
        parameters: pick(["", ";rport", ";maddr=192.0.2.99"]),
        callID: pick(["a", "b"]), number: UInt32(pick([1, 2])), toTag: pick([nil, "t", "x"]))
      switch generator.next() % 40 {
      case 0: request.headers["CSeq"] = pick(["", "1", "x INVITE", "1 INVITE", "99999999999 INVITE"])
      case 1: request.headers["Via"] = pick(["", "SIP/2.0/UDP", ",", "SIP/2.0/UDP a;branch=z9hG4bK1, nonsense"])
      case 2: request.headers["From"] = pick(["", "<sip:", ";tag=1"])
      case 3: request.headers[pick(["To", "From", "Call-ID", "CSeq", "Via"])] = nil
      default: break
      }
      return request
    }

    mutating func note(_ actions: [TransactionAction]) {
      for action in actions {
        switch action {
        case .transmit(.request(let request), _):
          sent.append(request)
        case .transmit, .ack, .strayResponse:
          break
        case .request(let request, let id, _):
          if servers.updateValue(true, forKey: id) != nil { faults.append("\(id) twice") }
          if [.ack, .cancel].contains(request.method) { faults.append("\(request.method) as a request") }
          pending.append((id, request))
        case .cancelled(let id, _):
          if servers[id] != true { faults.append("cancelled \(id), which is gone") }
        case .ackMissing(let id), .responseFailed(let id):
          if servers[id] == false { faults.append("word of \(id), which is gone") }
        case .serverTerminated(let id):
          if servers[id] == false { faults.append("\(id) terminated twice") }
          servers[id] = false
        case .response(let response, let id):
          update(id) { story in
            if response.isFinal { story.finals += 1 }
            if response.isSuccess { story.successes += 1 }
          }
        case .timedOut(let id), .transportError(let id):
          // A 2xx may still come after it, but not before.
          update(id) { story in
            story.isLostTooLate = story.successes > 0
            story.isLost = true
          }
        case .clientTerminated(let id):
          update(id) { $0.isTerminated = true }
        }
      }
    }

    mutating func update(_ id: ClientTransactionID, _ change: (inout Story) -> Void) {
      guard var story = clients[id], !story.isTerminated else { return faults.append("word of \(id), which is gone") }
      change(&story)
      clients[id] = story
      if story.finals > 1, story.successes < story.finals { faults.append("\(id): two final responses") }
      if story.isLostTooLate { faults.append("\(id): lost after a 2xx") }
    }

    mutating func step() {
      let flow = Sample.flow(pick([.udp, .udp, .tcp]))
      switch generator.next() % 16 {
      case 0...6:
        note(layer.receive(.request(request()), on: flow, at: now))
      case 7, 8:
        guard let index = pending.indices.randomElement(using: &generator) else { return }
        let (id, request) = pending[index]
        note(layer.respond(request.response(pick([100, 180, 200, 302, 404, 487]), toTag: "x"), to: id, at: now))
      case 9:
        let method: Method = pick([.invite, .bye, .message])
        let (id, actions) = layer.send(Sample.bare(method), on: flow, at: now)
        clients[id] = Story()
        note(actions)
      case 10, 11:
        guard let request = sent.randomElement(using: &generator), request.method != .ack else { return }
        note(
          layer.receive(
            .response(request.response(pick([100, 180, 200, 302, 404, 487]), toTag: pick(["x", "y"]))), on: flow,
            at: now))
      case 12:
        guard let id = clients.keys.sorted().randomElement(using: &generator) else { return }
        note(layer.cancel(id, reason: nil, at: now))
      case 13:
        if generator.next() % 8 == 0 { note(layer.transportFailed(flow, at: now)) }
        guard let (id, request) = pending.randomElement(using: &generator) else { return }
        if generator.next() % 2 == 0 {
          note(layer.forget(id))
        } else {
          note(layer.respondStatelessly(request.response(401, toTag: layer.statelessTag(request)), to: id))
        }
      default:
        now = now + .milliseconds(Int64(generator.next() % 4000))
        note(layer.timersDue(at: now))
      }
      if let next = layer.nextDeadline, next <= now.instant, generator.next() % 2 == 0 {
        note(layer.timersDue(at: now))
      }
    }
  }

  @Test func noOrderOfThingsBreaksTheRules() {
    for seed in UInt64(1)...60 {
      var world = World(seed: seed)
      for _ in 0..<1500 { world.step() }
      #expect(world.faults.isEmpty, "seed \(seed)")
      // What is still open: INVITEs whose user has not answered, and INVITEs of ours that ring. All else dies away.
      for (id, _) in world.pending { world.note(world.layer.forget(id)) }
      for id in world.clients.keys.sorted() { world.note(world.layer.cancel(id, reason: nil, at: world.now)) }
      world.now = world.now + .seconds(1000)
      while let next = world.layer.nextDeadline, next <= world.now.instant {
        world.note(world.layer.timersDue(at: world.now))
      }
      world.now = world.now + .seconds(1000)
      world.note(world.layer.timersDue(at: world.now))
      #expect(world.layer.count == 0, "seed \(seed)")
      #expect(world.layer.nextDeadline == nil, "seed \(seed)")
      #expect(world.faults.isEmpty, "seed \(seed)")
    }
  }
}
