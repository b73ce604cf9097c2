import SIPMessage
import SIPTransaction
import Telephony

/// Who may offer a new session description in an established dialog (RFC 3261 §14, RFC 3311 §5, RFC 3264 §4).
///
///     stable ──our offer──▶ offering ──2xx, refusal──▶ stable
///        │                     └──491──▶ stable, and again after a pause
///        └──their offer──▶ answering ──refusal, answer to UPDATE──▶ stable
///                              └──answer to INVITE──▶ accepted ──ACK──▶ stable
///                                                         └──64*T1──▶ over (BYE)
struct OfferState: Hashable, Sendable {
  enum State: Hashable, Sendable {
    case stable
    /// Our re-INVITE is on its way.
    /// `isRefresh`: with the session description that holds already, only for the session timer.
    case offering(sdp: [UInt8], isRefresh: Bool)
    /// The owner is asked for the answer to this request; `hasOffer` is false for an empty re-INVITE.
    case answering(ServerTransactionID, Request, hasOffer: Bool)
    /// Our 2xx to a re-INVITE waits for its ACK.
    case accepted(PendingAnswer)
    case over
  }

  enum Input: Sendable {
    case offer([UInt8])
    case answer(sdp: [UInt8])
    case refuse(status: Int)
    /// The peer's re-INVITE, or his UPDATE with an offer.
    case peerOffers(ServerTransactionID, Request)
    case cancelled(ServerTransactionID)
    case response(Response)
    /// Our re-INVITE was neither answered nor refused.
    case lost(status: Int)
    case sentAnswer(PendingAnswer)
    case ack(number: UInt32, sdp: [UInt8]?)
    case pauseOver
    case repeatAnswerDue
    /// Refresh the session (RFC 4028 §10) with the session description that holds.
    case refresh(sdp: [UInt8])
    /// The leg is released, or the peer has said BYE.
    case release
  }

  enum Action: Hashable, Sendable {
    case sendInvite(sdp: [UInt8])
    /// `isLater`: with a Retry-After of §14.2's random seconds.
    case refuse(ServerTransactionID, Request, status: Int, isLater: Bool)
    /// Our 2xx with this body; of an INVITE it comes back as `sentAnswer`.
    case accept(ServerTransactionID, Request, sdp: [UInt8], carriesOffer: Bool)
    case repeatAnswer(PendingAnswer)
    case event(LegEvent)
    case setAnswerTimer(Instant)
    case stopAnswerTimer
    /// Offer again after §14.1's pause: 2.1 to 4 s for the owner of the Call-ID, else up to 2 s.
    case pause
    case stopPause
    /// The session was not refreshed, for no reason that ends it: again a little later. `after`: the peer's Retry-After.
    case refreshLater(after: Int?)
    /// The peer's answer to a refresh; nothing was changed by our side.
    case refreshed(sdp: [UInt8]?)
    /// The peer does not know the dialog any more, or never answered: end it by BYE.
    case dialogLost(Cause)
  }

  private(set) var state = State.stable
  /// Our newest offer that waits for its turn.
  private var queued: [UInt8]?
  private var isPausing = false
  /// Glare with one offer; a peer that answers 491 for ever is left alone.
  private var glares = 0

  private static let maxGlares = 10

  mutating func handle(_ input: Input, at now: Moment) -> [Action] {
    switch (state, input) {
    case (.over, _):
      return []

    case (.stable, .offer(let sdp)):
      guard !isPausing else {
        queued = sdp
        return []
      }
      return send(sdp)
    case (_, .offer(let sdp)):
      queued = sdp
      return []

    case (.stable, .refresh(let sdp)):
      guard !isPausing else { return [.refreshLater(after: nil)] }
      state = .offering(sdp: sdp, isRefresh: true)
      return [.sendInvite(sdp: sdp)]
    case (_, .refresh):
      return [.refreshLater(after: nil)]

    case (.stable, .peerOffers(let transaction, let request)):
      state = .answering(transaction, request, hasOffer: request.sdp != nil)
      return [.event(.offered(request.sdp))]
    case (.offering, .peerOffers(let transaction, let request)):
      // "A UAS that receives an INVITE on a dialog while an INVITE it had sent on that dialog is in progress MUST
      // return a 491" (§14.2)
      return [.refuse(transaction, request, status: 491, isLater: false)]
    case (.answering, .peerOffers(let transaction, let request)),
      (.accepted, .peerOffers(let transaction, let request)):
      // "MUST return a 500 (Server Internal Error) response to the second INVITE and MUST include a Retry-After header
      // field with a randomly chosen value of between 0 and 10 seconds" (§14.2)
      return [.refuse(transaction, request, status: 500, isLater: true)]

    case (.answering(let transaction, let request, let hasOffer), .answer(let sdp)):
      // An UPDATE ends with its 2xx; an INVITE goes on to `accepted` by `sentAnswer`.
      state = .stable
      let accept = Action.accept(transaction, request, sdp: sdp, carriesOffer: !hasOffer)
      return request.method == .invite ? [accept] : [accept] + next()
    case (.answering(let transaction, let request, _), .refuse(let status)):
      state = .stable
      return [.refuse(transaction, request, status: status, isLater: false)] + next()
    case (.answering(let transaction, let request, _), .cancelled(let cancelled)):
      guard cancelled == transaction else { return [] }
      state = .stable
      return [.refuse(transaction, request, status: 487, isLater: false)] + next()
    case (.answering(let transaction, let request, _), .release):
      state = .over
      return [.refuse(transaction, request, status: 487, isLater: false), .stopPause]
    case (_, .answer), (_, .refuse), (_, .cancelled):
      return []

    case (.stable, .sentAnswer(let answer)):
      state = .accepted(answer)
      return [.setAnswerTimer(answer.firstRepeat)]
    case (.accepted(var answer), .repeatAnswerDue):
      switch answer.timerDue(at: now.instant) {
      case .repeat(let next):
        state = .accepted(answer)
        return [.repeatAnswer(answer), .setAnswerTimer(next)]
      case .givenUp:
        state = .over
        return [.stopPause, .dialogLost(.recoveryOnTimerExpiry)]
      }
    case (.accepted(let answer), .ack(let number, let sdp)):
      guard number == answer.number else { return [] }
      state = .stable
      let answered: [Action] = answer.carriesOffer ? [.event(.offerAnswered(sdp ?? []))] : []
      return [.stopAnswerTimer] + answered + next()
    case (_, .sentAnswer), (_, .repeatAnswerDue), (_, .ack):
      return []

    case (.offering(_, isRefresh: true), .response(let response)):
      return takeRefresh(response)
    case (.offering(let sdp, isRefresh: false), .response(let response)):
      return take(response, to: sdp)
    case (.offering(_, isRefresh: true), .lost(let status)) where status != 408:
      // It did not leave: a proxy that starts anew. The next one will show.
      state = .stable
      return [.refreshLater(after: nil)] + next()
    case (.offering, .lost(let status)):
      state = .over
      return [.stopPause, .dialogLost(Cause(sipStatus: status))]
    case (_, .response), (_, .lost):
      return []

    case (.stable, .pauseOver):
      isPausing = false
      return next()
    case (_, .pauseOver):
      isPausing = false
      return []

    case (_, .release):
      state = .over
      return [.stopAnswerTimer, .stopPause]
    }
  }

  private mutating func take(_ response: Response, to sdp: [UInt8]) -> [Action] {
    switch response.status {
    case ..<200:
      return []
    case 200..<300:
      state = .stable
      glares = 0
      return [.event(.offerAnswered(response.sdp ?? []))] + next()
    case 491 where glares < Self.maxGlares:
      state = .stable
      glares += 1
      // A newer offer of ours takes the place of the one that met the peer's.
      queued = queued ?? sdp
      isPausing = true
      return [.pause]
    case 408, 481:
      // "If the response for a request within a dialog is a 481 […] or a 408 […], the UAC SHOULD terminate the dialog"
      // (§12.2.1.2)
      state = .over
      return [.stopPause, .dialogLost(response.headers.reasonCause ?? Cause(sipStatus: response.status))]
    default:
      // "the session parameters MUST remain unchanged, as if no re-INVITE had been issued" (§14.1)
      state = .stable
      glares = 0
      return [.event(.offerRefused(status: response.status))] + next()
    }
  }

  /// A talk is never ended because a refresh meets an overload or another request.
  private mutating func takeRefresh(_ response: Response) -> [Action] {
    switch response.status {
    case ..<200:
      return []
    case 200..<300:
      state = .stable
      return [.refreshed(sdp: response.sdp)] + next()
    case 408, 481:
      state = .over
      return [.stopPause, .dialogLost(response.headers.reasonCause ?? Cause(sipStatus: response.status))]
    default:
      state = .stable
      return [.refreshLater(after: response.headers.retryAfter)] + next()
    }
  }

  private mutating func send(_ sdp: [UInt8]) -> [Action] {
    state = .offering(sdp: sdp, isRefresh: false)
    return [.sendInvite(sdp: sdp)]
  }

  private mutating func next() -> [Action] {
    guard case .stable = state, !isPausing, let sdp = queued else { return [] }
    queued = nil
    return send(sdp)
  }
}
