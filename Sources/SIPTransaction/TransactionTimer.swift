/// The timers of RFC 3261 §17 and RFC 6026 by their letters, and the four that bear none.
///
/// Timer C is a proxy's (§16.6) and is not here: a user agent decides itself how long it lets a phone ring.
package enum TransactionTimer: String, Hashable, Sendable, CaseIterable {
  /// INVITE request retransmission, unreliable transports only.
  case a = "A"
  /// INVITE transaction time-out while no response has come.
  case b = "B"
  /// Wait time for retransmissions of the final response to an INVITE.
  case d = "D"
  /// Request retransmission other than INVITE, unreliable transports only.
  case e = "E"
  /// Time-out of a transaction other than INVITE.
  case f = "F"
  /// INVITE response retransmission, unreliable transports only.
  case g = "G"
  /// Wait time for the ACK.
  case h = "H"
  /// Wait time for retransmissions of the ACK.
  case i = "I"
  /// Wait time for retransmissions of a request other than INVITE.
  case j = "J"
  /// Wait time for retransmissions of the response to a request other than INVITE.
  case k = "K"
  /// Wait time in the server's Accepted state for retransmissions of the INVITE (RFC 6026 §8.1).
  case l = "L"
  /// Wait time in the client's Accepted state for further 2xx (RFC 6026 §8.4).
  case m = "M"
  /// The 200 ms within which an INVITE gets its 100 (§17.2.1).
  case trying = "100"
  /// The 64*T1 after a CANCEL within which the INVITE should get its final response (§9.1).
  case cancelled = "CANCEL"
  /// The 64*T1 after timer B within which a late provisional response still gets its CANCEL (§9.1).
  case forsaken = "forsaken"
  /// The 64*T1 after which an unanswered request other than INVITE is given up (RFC 4320 §4.2).
  case unanswered = "unanswered"
}

/// The base values from which every timer is computed (RFC 3261 §17.1.1.1 and table 4).
package struct TimerValues: Hashable, Sendable {
  /// Estimate of the round-trip time.
  package var t1: Duration
  /// The longest interval between retransmissions of a request other than INVITE and of a response to an INVITE.
  package var t2: Duration
  /// The longest time a message stays in the network.
  package var t4: Duration
  /// How long the transaction user may think before an INVITE gets a 100 (§17.2.1).
  package var trying: Duration

  /// T1 500 ms, T2 4 s, T4 5 s, 100 after 200 ms.
  package static let rfc3261 = TimerValues()

  package init(
    t1: Duration = .milliseconds(500), t2: Duration = .seconds(4), t4: Duration = .seconds(5),
    trying: Duration = .milliseconds(200)
  ) {
    self.t1 = t1
    self.t2 = t2
    self.t4 = t4
    self.trying = trying
  }

  /// 64*T1, the time after which a silent peer is given up: timers B, F, H, J, L and M, and D on unreliable
  /// transports ("at least 32 seconds", which it is at the default T1).
  package var lifetime: Duration { t1 * 64 }

  /// The interval after `interval` where retransmissions double up to T2 (timers E and G).
  func doubled(_ interval: Duration) -> Duration { min(interval * 2, t2) }
}
