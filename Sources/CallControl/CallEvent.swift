package import Hunting
package import SDP
package import SIPUserAgent
import Telephony

/// What happens, for all who want to know it: the log, the narration, later console and alerts.
package enum CallEvent: Hashable, Sendable {
  /// A call has come and is taken: who calls, which number, and from where.
  case arrived(CallID, caller: CallerName, dialled: String, origin: PeerIdentity)
  /// It had been for another number, and was passed on to us from there.
  case cameThrough(CallID, calledFirst: CallerName, reason: String?)
  /// A call has come and is refused.
  case refused(caller: CallerName, dialled: String, origin: PeerIdentity, status: Int, reason: RefusalReason)
  /// The caller hears the queue's announcement.
  case queueEntered(CallID, queue: String)
  /// The caller pressed a key that leads nowhere.
  case wrongKey(CallID, Character)
  /// The key's map, or silence, leads to this number.
  case chosen(CallID, key: Character?, destination: String)
  /// What the hunt has to say.
  case hunt(CallID, HuntNote)
  /// A hop's ticket is opened.
  case ticketOpened(CallID, TicketNumber, user: String)
  /// A hop is over.
  case ticketClosed(CallID, ClosedTicket)
  /// The messages of the last ticket are ordered.
  case dispatched(CallID, ClosedTicket)
  /// One of a user's phones is called.
  case branchCalled(CallID, BranchID, target: String)
  /// A host has not answered the INVITE for 2 s: the next one, if there is one, is tried beside it.
  case branchSilent(CallID, BranchID, target: String)
  /// A trunk has said 100 and nothing more for 8 s: the next trunk is tried beside it.
  case branchStuck(CallID, BranchID, target: String)
  /// A host cannot or will not take the call: another way to the phone is tried, if its status leaves one.
  case branchWayFailed(CallID, BranchID, target: String, status: Int)
  /// No way leads to this user's phone: it is not registered, or no trunk can be used.
  case branchHasNoWay(CallID, BranchID, user: String, isRegistrationMissing: Bool)
  /// A phone cannot be called for want of an RTP port.
  case branchHasNoPort(CallID, BranchID)
  /// A branch's or caller's SDP cannot be used.
  case mediaFault(CallID, LegID, SDPError)
  /// Nothing has come from a leg for longer than `MaxDuration.txt` says: it is released.
  case deadLeg(CallID, LegID, silence: Duration)
  /// This side holds the call: the other one, once there is one, hears the hold sound.
  case held(CallID, by: LegID)
  /// This side has taken the call up again.
  case resumed(CallID, by: LegID)
  /// The call is over, but the caller hears the busy tone before he is released (`AutomaticHangup.txt no`).
  case busyTone(CallID, LegID)
  /// The call is over.
  case ended(CallID, CallDetail)
  /// Nobody is left to tell: a message to a user without a phone.
  case messageUndeliverable(name: String, user: String)
  /// What a trunk has to say.
  case trunk(String, TrunkNote)
  /// What the SIP user agent has to say.
  case userAgent(UserAgentNote)

  /// Why a call was refused.
  package enum RefusalReason: Hashable, Sendable, CustomStringConvertible {
    case unknownNumber
    case incompleteNumber
    case reservedNumber
    case tooManyCalls
    case unusableOffer(SDPError)
    case noMediaPort
    case noUsers
    case shuttingDown
    case diskTooFarBehind
    /// Max-Forwards is used up: it goes in a circle.
    case tooManyHops
    /// It is our own branch to this user, sent back by the PBX.
    case sentBack(user: String)

    /// Somebody wanted something and was turned away: a call for the CDR. The others are none: more digits may follow, it
    /// is our own call, or the end of the daemon or of the disk leaves nothing to write with.
    package var isCallLost: Bool {
      switch self {
      case .unknownNumber, .reservedNumber, .tooManyCalls, .unusableOffer, .noMediaPort, .noUsers: true
      case .incompleteNumber, .shuttingDown, .diskTooFarBehind, .tooManyHops, .sentBack: false
      }
    }

    /// In words, for the log.
    package var description: String {
      switch self {
      case .unknownNumber: "no such number"
      case .incompleteNumber: "only the beginning of a number"
      case .reservedNumber: "a feature code that does nothing yet"
      case .tooManyCalls: "too many calls (MaxCalls.txt)"
      case .unusableOffer(let error): "\(error)"
      case .noMediaPort: "no RTP port is free (RTPPorts.txt)"
      case .noUsers: "the site has no users"
      case .shuttingDown: "the program ends"
      case .diskTooFarBehind: "the disk is too far behind"
      case .tooManyHops: "too many hops: the call goes in a circle"
      case .sentBack(let user): "our own call comes back: clear CFNR of \(user) in the PBX"
      }
    }
  }
}
