/// How much SIP connections may cost us.
package struct ConnectionLimits: Hashable, Sendable {
  /// Connections that peers have opened; one more takes the place of one of whom has the most, or is closed at once.
  package var incoming = 1000
  /// Of these, from one address. A PBX or a NAT may carry all phones of a company.
  package var perSource = 200
  /// Connections of our own.
  package var outgoing = 500
  /// How long a connection of ours may take to open.
  package var connecting = Duration.seconds(4)
  /// How long a peer's connection may live without a message that can be read, and how long a message may take to come.
  package var patience = Duration.seconds(30)
  /// A connection on which nothing has come for so long is closed: longer than any registration lives.
  package var idle = Duration.seconds(4000)
  /// How many bytes may wait to be sent. A peer that lets more pile up does not read.
  package var unsent = 256 * 1024

  /// How long a TLS handshake may take.
  package var handshake = Duration.seconds(10)
  /// How many peers may be in the middle of one; one more takes the place of one of whom has the most.
  package var handshakes = 200
  /// Of these, from one address.
  package var handshakesPerSource = 50
  /// How many may begin within a second: each asks a millisecond of work of us, and two calls must not wait for it.
  package var handshakesPerSecond = 300
  /// Of these, from one address.
  package var handshakesPerSecondAndSource = 50

  package init() {}
}
