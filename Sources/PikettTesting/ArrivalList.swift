import Telephony

/// Which packet of a sender arrives when, and which never: a lossy network as a list that follows from its seed.
///
///     sent      0   1   2   3   4   5   6        one every 20 ms of the sender's clock
///     arrives     0     2 1       3       6 5    packet 4 is lost, 2 and 6 overtake
package struct ArrivalList: Sendable {
  package struct Arrival: Hashable, Sendable {
    /// The packet's number, from 0.
    package var packet: Int
    /// When it arrives, in microseconds after packet 0 was sent.
    package var time: Int64
  }

  /// In the order of their times.
  package let arrivals: [Arrival]
  /// The packets that never arrive.
  package let lost: Set<Int>
  /// How many samples of 8000 Hz a packet holds.
  package let samplesPerPacket: Int

  /// - Parameters:
  ///   - seed: the same seed gives the same list.
  ///   - packets: how many are sent.
  ///   - milliseconds: how much sound each packet holds.
  ///   - loss: how probable it is that a packet gets lost, 0 to 1.
  ///   - jitter: packets arrive 0 to so many microseconds after they were sent, each delay as likely as any other.
  ///   - duplicates: how probable it is that a packet comes twice, the second after a delay of its own.
  ///   - drift: by how many millionths the sender's clock is slow.
  package init(
    seed: UInt64, packets: Int, milliseconds: Int = 20, loss: Double = 0.05, jitter: UInt64 = 60_000,
    duplicates: Double = 0, drift: Double = 0
  ) {
    let random = RandomSource.seeded(seed)
    let happens = { (probability: Double) in Double(random.next() >> 11) * 0x1p-53 < probability }
    var arrivals: [Arrival] = []
    var lost: Set<Int> = []
    for packet in 0..<packets {
      let sent = Int64((Double(packet * milliseconds) * 1000 * (1 + drift / 1e6)).rounded())
      let isLost = happens(loss)
      let arrival = Arrival(packet: packet, time: sent + Int64(random.next(in: 0...jitter)))
      if isLost { lost.insert(packet) } else { arrivals.append(arrival) }
      if happens(duplicates), !isLost {
        arrivals.append(Arrival(packet: packet, time: sent + Int64(random.next(in: 0...jitter))))
      }
    }
    self.arrivals = arrivals.sorted { ($0.time, $0.packet) < ($1.time, $1.packet) }
    self.lost = lost
    samplesPerPacket = milliseconds * 8
  }
}
