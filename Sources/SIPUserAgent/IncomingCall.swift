package import SIPMessage

/// A call that an identified peer makes to us.
package struct IncomingCall: Hashable, Sendable {
  package var identity: PeerIdentity
  /// The INVITE as it came, with its credentials taken out.
  package var request: Request
  package var flow: Flow
  /// The SDP offer; nil if the INVITE brings none, so that the answer must carry an offer (RFC 3261 §13.2.1).
  package var offer: [UInt8]?

  package init(identity: PeerIdentity, request: Request, flow: Flow, offer: [UInt8]?) {
    self.identity = identity
    self.request = request
    self.flow = flow
    self.offer = offer
  }
}
