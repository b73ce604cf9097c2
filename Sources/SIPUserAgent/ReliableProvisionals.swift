import SIPMessage
import Telephony

/// Which provisional response a PRACK acknowledges (RFC 3262 §7.2): `RAck: 776656 1 INVITE`.
struct RAck: Hashable, Sendable {
  /// The response's RSeq.
  var number: UInt32
  var cseq: CSeq

  /// - Returns: nil if there is no RAck that can be read.
  init?(_ headers: Headers) {
    guard let parts = headers["RAck"]?.split(whereSeparator: { $0 == " " || $0 == "\t" }), parts.count == 3,
      parts[0].isDigits, let number = UInt32(parts[0]), let cseq = try? CSeq("\(parts[1]) \(parts[2])")
    else { return nil }
    self.init(number: number, cseq: cseq)
  }

  init(number: UInt32, cseq: CSeq) {
    self.number = number
    self.cseq = cseq
  }

  var description: String { "\(number) \(cseq)" }
}

extension Headers {
  /// A response's RSeq: 1 to 2^32-1 (RFC 3262 §7.1); nil if there is none that can be read.
  var reliableNumber: UInt32? {
    guard let text = self["RSeq"]?.trimmed, text.isDigits, let number = UInt32(text), number > 0 else { return nil }
    return number
  }

  /// True if the list holds the option tag.
  func lists(_ tag: String, in name: HeaderName) -> Bool { tokens(name).contains { $0.equalsIgnoringCase(tag) } }
}

/// Our provisional responses to one INVITE where the peer requires them to be reliable (RFC 3262 §3): one is under way at
/// a time, repeated after T1, 2*T1, 4*T1 and so on until its PRACK, for 64*T1.
struct ReliableProvisionals: Hashable, Sendable {
  typealias Progress = InviteServerSession.Progress

  /// One that waits for its PRACK.
  struct Pending: Hashable, Sendable {
    var progress: Progress
    /// Its RSeq.
    var number: UInt32
    fileprivate(set) var interval: Duration
    fileprivate let giveUpAt: Instant
  }

  private(set) var pending: Pending?
  /// True once a session description of ours has gone out, and so must not again in the 2xx.
  private(set) var hasDescribed = false
  /// True once the peer has that session description for certain.
  private(set) var isDescriptionAcknowledged = false
  private var waiting: [Progress] = []
  private var lastNumber: UInt32
  private let t1: Duration

  /// More than these wait for nobody.
  private static let maxWaiting = 8

  /// - Parameter first: the first RSeq, "chosen uniformly between 1 and 2**31 - 1".
  init(first: UInt32, t1: Duration) {
    lastNumber = first &- 1
    self.t1 = t1
  }

  /// True if a 2xx must not be sent yet: an unacknowledged response holds a session description (§3).
  var holdsAnswer: Bool { pending?.progress.body != nil }

  /// - Returns: what is to be sent now; nil if it waits for the PRACK of another.
  mutating func send(_ progress: Progress, at now: Instant) -> Pending? {
    guard pending == nil else {
      if waiting.count < Self.maxWaiting, waiting.last != progress { waiting.append(progress) }
      return nil
    }
    var progress = progress
    // Offer and answer are exchanged once; a repetition would be a new offer (§5).
    if hasDescribed { progress.body = nil }
    if progress.body != nil { hasDescribed = true }
    lastNumber &+= 1
    let next = Pending(progress: progress, number: lastNumber, interval: t1, giveUpAt: now + t1 * 64)
    pending = next
    return next
  }

  /// The repetition is due.
  /// - Returns: when the next one is; nil if 64*T1 have passed.
  mutating func repeatDue(at now: Instant) -> Instant? {
    guard var sent = pending, now < sent.giveUpAt else { return nil }
    sent.interval *= 2
    pending = sent
    return min(now + sent.interval, sent.giveUpAt)
  }

  /// A PRACK has come.
  /// - Returns: the response that it acknowledges; nil if it matches none that is unacknowledged.
  mutating func acknowledge(_ rack: RAck, of invite: CSeq) -> Pending? {
    guard let sent = pending, sent.number == rack.number, rack.cseq == invite else { return nil }
    pending = nil
    if sent.progress.body != nil { isDescriptionAcknowledged = true }
    return sent
  }

  /// What was waiting for the PRACK.
  mutating func next() -> Progress? { waiting.isEmpty ? nil : waiting.removeFirst() }

  /// The INVITE has its final response: nothing more waits.
  mutating func finish() { waiting = [] }
}
