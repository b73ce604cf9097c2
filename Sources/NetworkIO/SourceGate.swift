package import SIPMessage
package import Telephony

/// Whom the SIP sockets listen to: asked before anything of a message is read, so that a flood costs little.
///
/// Everything in it is called on the sockets' event loop.
package struct SourceGate {
  /// False: a datagram of this source is thrown away; a connection on which it comes is closed.
  package var admits: (Endpoint, Transport) -> Bool
  /// False: a peer's connection is closed at once.
  package var admitsConnection: (Endpoint, Transport) -> Bool
  /// False: bytes of this source that are no message get no answer.
  package var answersGarbage: (Endpoint, Transport) -> Bool
  /// True for peers who must find room where all connections are taken.
  package var isKnown: (Endpoint) -> Bool

  package init(
    admits: @escaping (Endpoint, Transport) -> Bool, admitsConnection: @escaping (Endpoint, Transport) -> Bool,
    answersGarbage: @escaping (Endpoint, Transport) -> Bool, isKnown: @escaping (Endpoint) -> Bool
  ) {
    self.admits = admits
    self.admitsConnection = admitsConnection
    self.answersGarbage = answersGarbage
    self.isKnown = isKnown
  }

  /// Listens to everybody, and knows nobody.
  package static var open: SourceGate {
    SourceGate(
      admits: { _, _ in true }, admitsConnection: { _, _ in true }, answersGarbage: { _, _ in true },
      isKnown: { _ in false })
  }
}
