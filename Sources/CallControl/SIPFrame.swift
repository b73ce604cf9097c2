package import SIPMessage
package import Telephony

/// A SIP message as it went over the wire, kept for the recording.
package struct SIPFrame: Hashable, Sendable {
  package var message: Message
  package var from: Endpoint
  package var to: Endpoint
  package var at: WallTime

  package init(_ message: Message, from: Endpoint, to: Endpoint, at: WallTime) {
    self.message = message
    self.from = from
    self.to = to
    self.at = at
  }
}
