import SIPMessage
import SIPTransaction
import Telephony

/// What the user agent keeps of one leg.
struct Leg: Sendable {
  enum Phase: Sendable {
    case calling(InviteClientSession)
    case called(InviteServerSession)
    case talking(OfferState)
  }

  let id: LegID
  /// True if the INVITE, and so the Call-ID, is ours.
  let isCaller: Bool
  let localTag: String
  /// The user part of our Contact, which no other leg has.
  let contactUser: String
  var phase: Phase
  /// The INVITE's way.
  var flow: Flow
  /// The way of the peer's last request in the dialog.
  var peerFlow: Flow?
  /// The INVITE: the peer's as it came, ours without Via.
  var invite: Request
  var clientTransaction: ClientTransactionID?
  /// True once our INVITE went out again because its connection was dead.
  var isSentAgain = false
  let serverTransaction: ServerTransactionID?
  /// Nil while our call is unanswered.
  var dialog: Dialog?
  /// The dialogs that provisional answers have opened (RFC 3261 §13.2.2.1), at most `maxEarlyDialogs`.
  var earlyDialogs: [EarlyDialog] = []
  /// The peer's offer in an early dialog, while the owner is asked for the answer.
  var earlyOffer: EarlyOffer?
  /// What our last provisional response waited for when the call was answered: its PRACK may still come.
  var latePRACK: RAck?
  /// The session's timer, once it is settled.
  var session: SessionTimer?
  /// The largest Min-SE that a peer has demanded.
  var minSessionExpires: Int?
  /// How many 422 have made us ask for a longer one: a peer that asks for ever more must not make a flood of us.
  var longerSessions = 0
  /// True if the peer's newest Allow lists UPDATE.
  var allowsUpdate = false
  /// True while our UPDATE is under way.
  var isRefreshing = false
  /// Our session description that holds, and the peer's.
  var localSDP: [UInt8]?
  var remoteSDP: [UInt8]?
  var authentication: DigestClient
  var sessionID: String?
  /// Our next offer, which waits for the ACK of our 2xx.
  var offerAfterACK: [UInt8]?
  /// True if the peer's newest Allow lists INFO.
  var allowsInfo = false
  /// The key presses that are to be sent by INFO; the first one is under way.
  var presses: [InfoDigit] = []
  /// True while an OPTIONS of ours is under way in the dialog.
  var isAsking = false
  /// How many questions in a row did not leave.
  var unsentQuestions = 0

  static let maxEarlyDialogs = 8

  /// Takes the number of a request within one of the leg's dialogs.
  /// - Returns: false if it comes out of order.
  mutating func takesNumber(of request: Request, in dialogID: DialogID) -> Bool {
    if dialog?.id == dialogID { return dialog?.takesNumber(of: request) ?? false }
    guard let index = earlyIndex(of: dialogID) else { return false }
    return earlyDialogs[index].dialog.takesNumber(of: request)
  }

  func earlyIndex(of id: DialogID) -> Int? { earlyDialogs.firstIndex { $0.dialog.id == id } }
}

/// Whose a dialog is.
enum DialogOwner: Hashable, Sendable {
  case leg(LegID)
  /// Our BYE is under way: the peer's own BYE may still cross it.
  case departing
}

/// An INVITE of ours, first or further, through the whole life of its transaction: it remembers the ACK of each 2xx, as
/// the ACK "MUST be passed to the client transport every time a retransmission of the 2xx final response that triggered
/// the ACK arrives" (RFC 3261 §13.2.2.4).
struct Invitation: Sendable {
  struct Acknowledgement: Sendable {
    var remoteTag: String
    var ack: Request
    var flow: Flow
    /// True once it went out again because its connection was gone.
    var isSentAgain = false
  }

  let leg: LegID
  /// Without Via.
  let request: Request
  let flow: Flow
  let authentication: DigestClient
  let sessionID: String?
  /// Of a re-INVITE: its dialog.
  let dialog: Dialog?
  var acknowledgements: [Acknowledgement] = []
  /// The dialogs that its provisional responses have opened, with the numbers of what went out in them.
  var earlyDialogs: [Dialog] = []

  /// More answers than this to one INVITE are left alone.
  static let maxAnswers = 16
}

/// A PRACK of ours on its way.
struct Prack: Sendable {
  var dialog: DialogID
  var rack: RAck
  var authentication: DigestClient
}

/// A dialog on its way out: our BYE until its answer.
struct Farewell: Sendable {
  var dialog: Dialog
  var cause: Cause
  var authentication: DigestClient
  var sessionID: String?
}

/// A request of ours outside of any dialog.
struct StandaloneRequest: Sendable {
  enum Kind: Hashable, Sendable {
    case message
    case registration(RegistrationSeries.ID, contactUser: String, expires: Int)
    case probe
  }

  let id: RequestID
  let kind: Kind
  var request: Request
  let flow: Flow
  var authentication: DigestClient
}

/// What a client transaction is for.
enum ClientPurpose: Sendable {
  case invite(LegID)
  case reinvite(LegID)
  /// A PRACK in this early dialog.
  case prack(LegID, Prack)
  /// An UPDATE that refreshes the session.
  case refresh(LegID)
  case bye(Farewell)
  case ask(LegID)
  /// A key press by INFO.
  case press(LegID)
  case standalone(StandaloneRequest)
}

/// The user agent's own timers.
enum UserAgentTimer: Hashable, Sendable {
  /// The provisional answer's repetition.
  case progress(LegID)
  /// Our 2xx's repetition.
  case answer(LegID)
  /// Our reliable provisional response's repetition.
  case reliable(LegID)
  /// Our refresh of the session is due.
  case refresh(LegID)
  /// The peer's refresh has not come.
  case expiry(LegID)
  /// The pause after a 491.
  case pause(LegID)
  /// The user's next contact expires.
  case registration(String)
}
