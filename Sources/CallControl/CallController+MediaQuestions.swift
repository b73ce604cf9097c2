package import Hunting
package import SIPMessage
package import SIPUserAgent
import Telephony

/// What the owner of the media asks.
extension CallController {
  /// The call a leg belongs to.
  package func call(of leg: LegID) -> CallID? { legs[leg]?.call }

  /// The way by which the leg's peer signals at present; nil once the leg is gone.
  package func flow(of leg: LegID) -> Flow? { userAgent.flow(of: leg) }

  /// The ticket of the call's hop that runs, or ran last; nil once the call is forgotten, or if it never had one.
  package func ticket(of call: CallID) -> TicketNumber? { calls[call]?.ticket }

  /// The addresses from which the sound of a leg on this way may come besides the one in its SDP: where its signalling
  /// comes from, and all of the trunk's to which that belongs (`Host.txt`, `Addresses.txt`).
  package func mediaSources(_ flow: Flow) -> [Network] {
    let remote = flow.remote.address
    let trunks = userAgent.settings.trunks.filter { $0.addresses.contains { $0.contains(remote) } }
    return [Network(remote)] + trunks.flatMap(\.addresses)
  }
}
