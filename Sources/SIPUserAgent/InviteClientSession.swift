import SIPMessage
import Telephony

/// The calling side of an INVITE until its final response (RFC 3261 §13.2).
///
///     calling ──2xx──▶ over (the dialog is established)
///        ├──300-699, silence──▶ over (refused)
///        └──release──▶ cancelling ──2xx──▶ over (ACK, BYE)
///                          └──300-699, silence──▶ over
struct InviteClientSession: Hashable, Sendable {
  enum State: Hashable, Sendable {
    case calling
    /// CANCEL was asked for; the INVITE still ends with a response of its own.
    case cancelling(Cause)
    case over
  }

  enum Input: Hashable, Sendable {
    case response(Response)
    case timedOut
    case transportError
    case release(Cause)
  }

  enum Action: Hashable, Sendable {
    case event(LegEvent)
    /// Cancel the INVITE's transaction with this Reason.
    case cancel(reason: String)
    /// Send the INVITE again with an answer to the challenge.
    case authorize(Response)
    /// Send the INVITE again with the session interval that this 422 demands (RFC 4028 §7.4).
    case lengthen(Response)
    /// A 2xx: acknowledge it; the dialog it opens is the leg's.
    case accept(Response)
    /// A 2xx that nobody wants any more: acknowledge it and end its dialog by BYE.
    case acceptAndEnd(Response, Cause)
    /// The leg is over.
    case end
    case log(UserAgentNote)
  }

  private(set) var state = State.calling
  let leg: LegID

  init(leg: LegID) { self.leg = leg }

  mutating func handle(_ input: Input) -> [Action] {
    switch state {
    case .calling: handleCalling(input)
    case .cancelling(let cause): handleCancelling(input, cause)
    case .over: []
    }
  }

  /// The challenge has no answer, or the demand cannot be met: the refusal stands.
  mutating func cannotSendAgain(_ response: Response) -> [Action] {
    switch state {
    case .calling: refused(response)
    case .cancelling, .over: []
    }
  }

  private mutating func handleCalling(_ input: Input) -> [Action] {
    switch input {
    case .response(let response) where response.isProvisional:
      return [.event(.provisional(status: response.status, body: response.sdp))]
    case .response(let response) where response.isSuccess:
      state = .over
      return [.accept(response), .event(.answered(body: response.sdp))]
    case .response(let response) where response.status == 401 || response.status == 407:
      return [.authorize(response)]
    case .response(let response) where response.status == 422:
      return [.lengthen(response)]
    case .response(let response):
      return refused(response)
    case .timedOut:
      return refused(408)
    case .transportError:
      return refused(503)
    case .release(let cause):
      state = .cancelling(cause)
      return [.cancel(reason: cause.releaseReason)]
    }
  }

  private mutating func handleCancelling(_ input: Input, _ cause: Cause) -> [Action] {
    switch input {
    case .response(let response) where response.isProvisional:
      return []
    case .response(let response) where response.isSuccess:
      // The answer crossed our CANCEL: "a UAC canceling a request cannot rely on receiving a 487" (§9.1)
      state = .over
      return [.log(.extraAnswer(leg)), .acceptAndEnd(response, cause), .event(.ended(cause)), .end]
    case .response, .timedOut, .transportError:
      state = .over
      return [.event(.ended(cause)), .end]
    case .release:
      return []
    }
  }

  private mutating func refused(_ response: Response) -> [Action] {
    state = .over
    let contacts = response.status < 400 ? (try? response.headers.contacts()) ?? [] : []
    let cause = response.headers.reasonCause ?? Cause(sipStatus: response.status)
    return [.event(.refused(status: response.status, cause: cause, contacts: contacts)), .end]
  }

  private mutating func refused(_ status: Int) -> [Action] {
    state = .over
    return [.event(.refused(status: status, cause: Cause(sipStatus: status), contacts: [])), .end]
  }
}
