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

  package init() {}
}
