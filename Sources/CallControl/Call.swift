import Hunting
import Media
import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// One call that came in, with everything that belongs to it.
struct Call: Sendable {
  let id: CallID
  /// The site as it stood when the call came.
  let site: SiteSnapshot
  let origin: PeerIdentity
  /// As `Caller_` shows it.
  let caller: CallerName
  let dialled: String
  let arrived: Moment
  /// Of the branches: the caller's less one.
  let maxForwards: Int
  /// The SIP Call-ID of the caller's leg.
  let callerCallID: String
  /// Of the caller's dialog, then of the branches', oldest first.
  var callIDs: [String] = []
  let session: SessionID
  /// The caller's leg, until it is over.
  var callerLeg: LegID?
  var stage: Stage
  /// The queue the caller came through, for its hold sound.
  var queue: String?
  /// Each phone that is rung or has answered.
  var branches: [BranchID: BranchCall] = [:]
  /// The phone the caller speaks with.
  var connected: BranchID?
  var answeredAt: WallTime?
  /// When the call was last seen on hold: silence counts from then on.
  var onHoldUntil: Instant?
  /// The ticket of the hop that runs, or ran last.
  var ticket: TicketNumber?
  /// The user of the hop that runs, or ran last.
  var user: String?
  var recording = Recording.waiting([])
  /// Our SDP in the 183 of a caller who is answered when a user answers; nil once he is.
  var promisedAnswer: [UInt8]?
  /// The queues to which silence has led the caller.
  var queuesBySilence: [String] = []
  /// What the end of the call is to write; filled while the last step is worked through.
  var closing: ClosedTicket?
  var dispatch: ClosedTicket?
  /// Why the call ended, once it is known.
  var cause: Cause?

  enum Stage: Sendable {
    /// The RTP ports are being opened; then the call goes where it was dialled. Without an offer ours goes with the 200.
    case opening(offer: [UInt8]?, Entry)
    case queue(WaitingQueue)
    case hunt(Hunt)
    /// A plain number is called, without ticket or recording; `ringsUntil` is nil once it has been answered.
    case plain(ringsUntil: Instant?)
    /// Its legs are released; what is still on the wire goes into the recording until then.
    case ended(forgetAt: Instant)
  }

  /// Where a call goes when its sound is ready.
  enum Entry: Hashable, Sendable {
    case queue(String)
    case hunt(HuntEntry)
    /// A number that is neither: called as it is, without ticket or recording.
    case plain(PhoneNumber)
    /// The caller of a ticket, called back by a user.
    case callback(PhoneNumber)

    var isQueue: Bool {
      if case .queue = self { true } else { false }
    }
  }

  /// The SIP since the INVITE is kept until the recording begins and written first.
  enum Recording: Sendable {
    case waiting([SIPFrame])
    case running
    case stopped
  }

  /// When the call has something to do by itself.
  var nextDeadline: Instant? {
    branches.values.reduce(stageDeadline) { soonest, branch in
      guard let deadline = branch.attempts.nextDeadline else { return soonest }
      return soonest.map { min($0, deadline) } ?? deadline
    }
  }

  /// The legs of the phones, in the order of the branches.
  var branchLegs: [LegID] { branches.sorted { $0.key < $1.key }.flatMap { $0.value.legs.map(\.leg) } }

  /// When its stage has something to do.
  var stageDeadline: Instant? {
    switch stage {
    case .queue(let queue): queue.nextDeadline
    case .hunt(let hunt): hunt.nextDeadline
    case .plain(let ringsUntil): ringsUntil
    case .ended(let forgetAt): forgetAt
    case .opening: nil
    }
  }

  var isOver: Bool {
    if case .ended = stage { true } else { false }
  }

  /// The caller is past the queue: his call counts as an emergency.
  var isConfirmed: Bool {
    switch stage {
    case .hunt, .plain: true
    case .opening(_, let entry): !entry.isQueue
    case .queue, .ended: false
    }
  }
}

/// One leg of a call, and its sound.
struct CallLeg: Sendable {
  let call: CallID
  var part: Part
  var audio: LegAudio?
  /// True from the 200 to the end.
  var isAnswered = false
  /// Its key presses, on their way to the other side.
  var digits = DigitRelay()
  /// True once the peer has refused a key press by INFO.
  var refusesInfo = false
  /// True while tones are listened for in the talk.
  var listensForDoubles = false

  enum Part: Hashable, Sendable {
    case caller
    /// The call that is made once the leg's ports are open.
    case branch(BranchID, BranchTarget)
    /// A caller whose call is over and who hears the busy tone.
    case parting
  }
}
