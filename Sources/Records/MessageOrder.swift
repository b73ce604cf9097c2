package import Disk
package import Hunting
package import Telephony

/// How a message reaches a technician.
package enum MessageChannel: String, Hashable, Sendable, CaseIterable {
  /// A text message to the mobile phone, by pikett-delivery.
  case sms
  /// A SIP MESSAGE to the desk phone, by the daemon.
  case im
}

/// One message that is to be sent: what the spool is given. Where to and with which secrets is read when it is sent.
package struct MessageOrder: Hashable, Sendable {
  package var channel: MessageChannel
  /// Which call and hop it tells of: with the channel, this makes the message one of its kind, also where a number
  /// comes twice because the owner has set the counter back.
  package var call: String
  package var hop: HopID
  package var ticket: TicketNumber
  /// The internal number of the user who gets it.
  package var user: String
  /// Shown as the sender of an IM, so that lifting the receiver calls back.
  package var caller: CallerName
  /// `12.10.2012_14.00_…_Called_732`.
  package var text: String
  /// When the call ended.
  package var created: WallTime

  package init(
    channel: MessageChannel, call: String, hop: HopID, ticket: TicketNumber, user: String, caller: CallerName,
    text: String, created: WallTime
  ) {
    self.channel = channel
    self.call = call
    self.hop = hop
    self.ticket = ticket
    self.user = user
    self.caller = caller
    self.text = text
    self.created = created
  }
}

/// Where messages go: the spool, which this module does not know. Called on the disk thread.
package protocol MessageSink: Sendable {
  /// Puts a message into the spool, unless it is or was there already.
  func put(_ order: MessageOrder) throws(DiskError)
  /// Makes everything put so far durable.
  func settle() throws(DiskError)
}
