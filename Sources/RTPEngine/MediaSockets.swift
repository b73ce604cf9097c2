import Glibc

/// A bound pair of UDP sockets: RTP on an even port, RTCP on the next (RFC 3550 §11).
///
/// Whoever holds it must close it, until `MediaEngine.openLeg` has taken it.
package struct MediaSockets: Hashable, Sendable {
  /// The RTP port, even.
  package let port: UInt16
  let isIPv6: Bool
  let rtp: Int32
  let rtcp: Int32

  /// Closes both; only for sockets that no leg has taken. The port goes back by `MediaPorts.release`.
  package func close() {
    _ = Glibc.close(rtp)
    _ = Glibc.close(rtcp)
  }
}
