import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

/// Whatever arrives, nothing traps, nothing grows, and what must end ends.
@Suite struct MutationTests {
  private static let methods = [
    "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "REGISTER", "MESSAGE", "NOTIFY", "FOO",
  ]

  /// A message that fits the bed's dialogs often enough to get far.
  private func message(_ random: RandomSource, to: String, ours: Request) -> [UInt8] {
    let pick = { (count: Int) in Int(random.next(in: 0...UInt64(count - 1))) }
    let method = Self.methods[pick(Self.methods.count)]
    let withBody = pick(2) == 0
    var lines: [String]
    if pick(3) == 0 {
      let status = [100, 180, 183, 200, 200, 302, 401, 407, 408, 481, 486, 487, 491, 500][pick(14)]
      let response = TestBed.response(status, to: ours, tag: "t\(pick(3))")
      lines = String(decoding: response.serialized(), as: UTF8.self).split(separator: "\r\n").map(String.init)
      lines.removeAll { $0.hasPrefix("Content-Length") }
    } else {
      lines = TestBed.request(
        method, branch: "m\(pick(40))", to: pick(3) == 0 ? "<sip:799@192.0.2.1>" : to,
        callID: pick(8) == 0 ? "other" : "call1", cseq: pick(12)
      ).split(separator: "\n").map(String.init)
    }
    if pick(6) == 0 {
      lines.append(
        [
          "Require: 100rel", "Reason: Q.850;cause=999", "Record-Route: <sip:x>", "Contact: *", "Expires: 4294967296",
          "Max-Forwards: 999", "WWW-Authenticate: Digest realm=\"r\", nonce=\"\", qop=\"auth\"", "RAck: 1 1 INVITE",
          "Authorization: Digest username=\"731\", realm=\"pikett\", nonce=\"0\", uri=\"sip:799@192.0.2.1\", response=\"\"",
        ][pick(9)])
    }
    if withBody { lines.append("Content-Type: application/sdp") }
    var bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (withBody ? sdp : [])
    for _ in 0..<pick(4) where !bytes.isEmpty {
      switch pick(3) {
      case 0: bytes[pick(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes.remove(at: pick(bytes.count))
      default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: pick(bytes.count))
      }
    }
    return bytes
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func `mutated messages in and around dialogs`(seed: UInt64) throws {
    let random = RandomSource.seeded(seed)
    var bed = TestBed(seed: seed)
    let (incoming, to) = try bed.establishedIncoming()
    let credentials = Credentials(user: "731", password: Redacted("geheim"))
    var (outgoing, ours) = try bed.outgoing(credentials: credentials)
    var parsed = 0
    for round in 0..<400 {
      if let message = try? parseMessage(message(random, to: to, ours: ours)) {
        parsed += 1
        for action in bed.receive(message, on: round.isMultiple(of: 17) ? bed.phone : nil) {
          switch action {
          case .transmit(let message, _):
            // What we say must be readable, whatever it was made from.
            #expect(throws: Never.self) { try parseMessage(message.serialized()) }
            if case .request(let request) = message, request.method != .ack, random.next(in: 0...3) == 0 {
              ours = request
            }
          case .leg(let leg, .incoming): _ = bed.handle(.answer(leg, sdp: otherSDP))
          case .leg(let leg, .offered): _ = bed.handle(.answerOffer(leg, sdp: otherSDP))
          case .leg, .messageDone, .registrationDone, .probeDone, .registrationsChanged, .log: break
          }
        }
      }
      switch random.next(in: 0...30) {
      case 0: _ = bed.handle(.offer(incoming, sdp: otherSDP))
      case 1: _ = bed.handle(.ask(incoming))
      case 2: _ = bed.pass(.milliseconds(Int64(random.next(in: 0...20_000))))
      case 3: if bed.agent.legs[outgoing] == nil { (outgoing, ours) = try bed.outgoing(credentials: credentials) }
      default: break
      }
    }
    #expect(parsed > 100)
    for leg in bed.agent.legs.keys.sorted() { _ = bed.handle(.release(leg, .normalClearing)) }
    bed.expectClean()
  }
}
