package import Disk
package import Hunting
package import Telephony

/// A hop that begins: its ticket is to be drawn.
package struct HopOpening: Hashable, Sendable {
  /// The call's Uniqueid.
  package var call: String
  package var hop: HopID
  package var user: String
  package var caller: CallerName
  package var start: WallTime
  /// The hop before, which ends in the same step; nil for the first.
  package var closing: ClosedTicket?
  /// PBX_ID, Exten and UnixTimeRing of the CDR line, should the daemon end before the call does.
  package var origin: String
  package var dialled: String
  package var ring: WallTime

  package init(
    call: String, hop: HopID, user: String, caller: CallerName, start: WallTime, closing: ClosedTicket? = nil,
    origin: String = "", dialled: String = "", ring: WallTime? = nil
  ) {
    self.call = call
    self.hop = hop
    self.user = user
    self.caller = caller
    self.start = start
    self.closing = closing
    self.origin = origin
    self.dialled = dialled
    self.ring = ring ?? start
  }
}

/// What became of a hop's record. The number is decided either way.
package enum HopResult: Hashable, Sendable {
  /// The record is on the disk.
  case durable(TicketNumber)
  /// The disk has refused; the record is kept and follows when the disk takes it.
  case failed(TicketNumber, DiskError)

  package var number: TicketNumber {
    switch self {
    case .durable(let number), .failed(let number, _): number
    }
  }
}

/// A call that has ended: its last ticket, its messages, its CDR line.
package struct CallEnd: Hashable, Sendable {
  package var call: String
  package var caller: CallerName
  /// The last hop's ticket; nil for a call that was never confirmed.
  package var closing: ClosedTicket?
  /// The ticket whose user gets the messages; nil if nobody does.
  package var dispatch: ClosedTicket?
  /// By which channels that user gets the message.
  package var channels: [MessageChannel]
  package var cdr: CDRLine
  /// What the message says of the recording; nil: nothing is wrong with it, or there is to be none.
  package var flaw: RecordingFlaw?

  package init(
    call: String, caller: CallerName, closing: ClosedTicket?, dispatch: ClosedTicket?, channels: [MessageChannel],
    cdr: CDRLine, flaw: RecordingFlaw? = nil
  ) {
    self.call = call
    self.caller = caller
    self.closing = closing
    self.dispatch = dispatch
    self.channels = channels
    self.cdr = cdr
    self.flaw = flaw
  }
}
