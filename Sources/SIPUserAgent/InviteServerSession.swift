import SIPMessage
import SIPTransaction
import Telephony

/// The called side of an INVITE until it is acknowledged or refused (RFC 3261 §13.3).
///
///     proceeding ──answer──▶ accepted ──ACK──▶ over (the dialog is established)
///         │                     ├──release──▶ leaving ──ACK, 64*T1──▶ over (BYE)
///         │                     └──64*T1──▶ over (BYE)
///         └──release, CANCEL, BYE──▶ over (refused)
///
/// Where the peer requires it, the provisional responses are reliable (RFC 3262 §3), and an answer waits for the PRACK of
/// one that holds a session description.
struct InviteServerSession: Hashable, Sendable {
  enum State: Hashable, Sendable {
    /// No final answer yet; `last` is what is repeated every minute.
    case proceeding(last: Progress?)
    case accepted(PendingAnswer)
    /// Released before the ACK: "the callee's UA MUST NOT send a BYE on a confirmed dialog until it has received an
    /// ACK for its 2xx response or until the server transaction times out" (§15).
    case leaving(PendingAnswer, Cause)
    case over
  }

  struct Progress: Hashable, Sendable {
    var status: Int
    var body: [UInt8]?
  }

  enum Input: Hashable, Sendable {
    case progress(Progress)
    case answer(PendingAnswer)
    case release(Cause, status: Int)
    /// The peer's CANCEL.
    case cancelled(Cause)
    /// The peer's BYE, already answered.
    case bye(Cause)
    case ack(number: UInt32, sdp: [UInt8]?)
    case repeatProgressDue
    case repeatAnswerDue
    /// The owner answers with this while `holdsAnswer`.
    case holdAnswer(sdp: [UInt8])
    case prack(ServerTransactionID, Request)
    case repeatReliableDue
  }

  enum Action: Hashable, Sendable {
    case respond(Progress)
    /// With Require: 100rel and this RSeq.
    case respondReliably(ReliableProvisionals.Pending)
    case setReliableTimer(Instant)
    case stopReliableTimer
    /// 200 to the PRACK of this response, or an answer to the offer in it.
    case acceptPRACK(ServerTransactionID, Request, ReliableProvisionals.Pending)
    /// 481: it acknowledges nothing that waits for it.
    case refusePRACK(ServerTransactionID, Request)
    /// What `holdAnswer` has put off.
    case answerNow(sdp: [UInt8])
    /// A final refusal; `cause` goes into its Reason header.
    case refuse(status: Int, Cause)
    case sendAnswer(PendingAnswer)
    case setProgressTimer(Instant)
    case stopProgressTimer
    case setAnswerTimer(Instant)
    case stopAnswerTimer
    case event(LegEvent)
    /// The dialog is established and belongs to the offer machine from now on.
    case established
    /// End the dialog by BYE.
    case bye(Cause)
    /// The leg is over.
    case end
    case log(UserAgentNote)
  }

  private(set) var state = State.proceeding(last: nil)
  let leg: LegID
  /// Where the peer requires reliable provisional responses.
  private(set) var provisionals: ReliableProvisionals?
  /// The number and method of the INVITE, which a PRACK must name.
  private let invite: CSeq
  private var heldAnswer: [UInt8]?

  /// "the UAS MUST send a non-100 provisional response at every minute" (§13.3.1.1)
  static let progressInterval = Duration.seconds(60)

  init(leg: LegID, invite: CSeq = CSeq(1, .invite), provisionals: ReliableProvisionals? = nil) {
    self.leg = leg
    self.invite = invite
    self.provisionals = provisionals
  }

  /// True if a 2xx must wait for a PRACK.
  var holdsAnswer: Bool { provisionals?.holdsAnswer == true }

  mutating func handle(_ input: Input, at now: Moment) -> [Action] {
    if case .prack(let transaction, let request) = input { return handlePRACK(transaction, request, at: now) }
    return switch state {
    case .proceeding(let last): handleProceeding(input, last: last, at: now)
    case .accepted(let answer): handleAccepted(input, answer, at: now)
    case .leaving(let answer, let cause): handleLeaving(input, answer, cause, at: now)
    case .over: []
    }
  }

  private mutating func handleProceeding(_ input: Input, last: Progress?, at now: Moment) -> [Action] {
    switch input {
    case .progress(let progress):
      state = .proceeding(last: progress)
      return send(progress, at: now) + [.setProgressTimer(now.instant + Self.progressInterval)]
    case .repeatProgressDue:
      guard let last else { return [] }
      return send(last, at: now) + [.setProgressTimer(now.instant + Self.progressInterval)]
    case .repeatReliableDue:
      guard let next = provisionals?.repeatDue(at: now.instant), let pending = provisionals?.pending else {
        // "If a reliable provisional response is retransmitted for 64*T1 seconds without reception of a corresponding
        // PRACK, the UAS SHOULD reject the original request with a 5xx response." (RFC 3262 §3)
        guard provisionals?.pending != nil else { return [] }
        return [.log(.neverAcknowledged(leg))] + refuse(504, .recoveryOnTimerExpiry)
      }
      return [.respondReliably(pending), .setReliableTimer(next)]
    case .holdAnswer(let sdp):
      heldAnswer = sdp
      return []
    case .answer(let answer):
      state = .accepted(answer)
      provisionals?.finish()
      return [.stopProgressTimer] + stopReliableTimer
        + [.sendAnswer(answer), .setAnswerTimer(answer.firstRepeat)]
    case .release(let cause, let status):
      return refuse(status, cause)
    case .cancelled(let cause), .bye(let cause):
      // The INVITE "SHOULD immediately" get its 487 (§9.2); a BYE in its place has the same effect (§15.1.2).
      return refuse(487, cause)
    case .ack, .repeatAnswerDue, .prack:
      return []
    }
  }

  /// "the UAS […] MUST be prepared to process PRACK requests for those unacknowledged responses" after the final one too
  /// (RFC 3262 §3).
  private mutating func handlePRACK(_ transaction: ServerTransactionID, _ request: Request, at now: Moment) -> [Action]
  {
    guard let rack = RAck(request.headers), let pending = provisionals?.acknowledge(rack, of: invite) else {
      return [.refusePRACK(transaction, request)]
    }
    let accept: [Action] = [.stopReliableTimer, .acceptPRACK(transaction, request, pending)]
    guard case .proceeding = state else { return accept }
    if let sdp = heldAnswer, !holdsAnswer {
      heldAnswer = nil
      return accept + [.answerNow(sdp: sdp)]
    }
    return accept + (provisionals?.next().map { send($0, at: now) } ?? [])
  }

  private mutating func send(_ progress: Progress, at now: Moment) -> [Action] {
    guard provisionals != nil else { return [.respond(progress)] }
    guard let pending = provisionals?.send(progress, at: now.instant) else { return [] }
    return [.respondReliably(pending), .setReliableTimer(now.instant + pending.interval)]
  }

  private var stopReliableTimer: [Action] { provisionals == nil ? [] : [.stopReliableTimer] }

  private mutating func handleAccepted(_ input: Input, _ answer: PendingAnswer, at now: Moment) -> [Action] {
    var answer = answer
    switch input {
    case .ack(answer.number, let sdp):
      state = .over
      let answered: [Action] = answer.carriesOffer ? [.event(.offerAnswered(sdp ?? []))] : []
      return [.stopAnswerTimer] + answered + [.event(.established), .established]
    case .repeatAnswerDue:
      switch answer.timerDue(at: now.instant) {
      case .repeat(let next):
        state = .accepted(answer)
        return [.sendAnswer(answer), .setAnswerTimer(next)]
      case .givenUp:
        // "If the server retransmits the 2xx response for 64*T1 seconds without receiving an ACK, the dialog is
        // confirmed, but the session SHOULD be terminated. This is accomplished with a BYE"
        state = .over
        return [
          .log(.neverAcknowledged(leg)), .bye(.recoveryOnTimerExpiry), .event(.ended(.recoveryOnTimerExpiry)), .end,
        ]
      }
    case .release(let cause, _):
      state = .leaving(answer, cause)
      return []
    case .bye(let cause):
      state = .over
      return [.stopAnswerTimer, .event(.ended(cause)), .end]
    case .progress, .answer, .cancelled, .ack, .repeatProgressDue, .holdAnswer, .prack, .repeatReliableDue:
      return []
    }
  }

  private mutating func handleLeaving(_ input: Input, _ answer: PendingAnswer, _ cause: Cause, at now: Moment)
    -> [Action]
  {
    var answer = answer
    switch input {
    case .ack(answer.number, _):
      state = .over
      return [.stopAnswerTimer, .bye(cause), .event(.ended(cause)), .end]
    case .repeatAnswerDue:
      switch answer.timerDue(at: now.instant) {
      case .repeat(let next):
        state = .leaving(answer, cause)
        return [.sendAnswer(answer), .setAnswerTimer(next)]
      case .givenUp:
        state = .over
        return [.bye(cause), .event(.ended(cause)), .end]
      }
    case .bye:
      state = .over
      return [.stopAnswerTimer, .event(.ended(cause)), .end]
    case .progress, .answer, .release, .cancelled, .ack, .repeatProgressDue, .holdAnswer, .prack, .repeatReliableDue:
      return []
    }
  }

  private mutating func refuse(_ status: Int, _ cause: Cause) -> [Action] {
    state = .over
    return [.stopProgressTimer] + stopReliableTimer + [.refuse(status: status, cause), .event(.ended(cause)), .end]
  }
}
