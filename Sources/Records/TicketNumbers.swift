package import Hunting
import Synchronization

/// The drawing of one hop's ticket number: decided once, by whoever is first.
///
/// The disk thread draws the number when it gets to it. If the disk is slow, the event loop waits for half a
/// second at most and decides from memory; the disk thread then takes what was decided.
package final class TicketDraw: Sendable {
  private let decided = Atomic<UInt64>(0)

  package init() {}

  /// The number, once it is decided.
  package var number: TicketNumber? {
    let value = decided.load(ordering: .acquiring)
    return value == 0 ? nil : TicketNumber(rawValue: value)
  }

  /// Proposes a number.
  /// - Returns: what is decided: `number`, or what was decided before.
  func decide(_ number: TicketNumber) -> TicketNumber {
    let (isFirst, earlier) = decided.compareExchange(
      expected: 0, desired: number.rawValue, ordering: .acquiringAndReleasing)
    return isFirst ? number : TicketNumber(rawValue: earlier)
  }
}

/// The counter in memory: what the next ticket's number is, shared by the disk thread and the event loop.
///
/// Its lock is held for a few instructions only, never during a call to the disk.
final class TicketNumbers: Sendable {
  private let upcoming: Mutex<TicketNumber>

  init(next: TicketNumber) { upcoming = Mutex(next) }

  /// The number that the next draw will get, if the owner does not write another one.
  var next: TicketNumber { upcoming.withLock { $0 } }

  /// Sets the counter (at the start).
  func reset(to number: TicketNumber) { upcoming.withLock { $0 = number } }

  /// Decides a draw.
  /// - Parameter ownersNumber: what the owner has written into TickeNR.TXT since Pikett wrote there; it counts, even
  ///   if it is lower.
  /// - Returns: the number decided, and the number after it, which belongs into TickeNR.TXT.
  func decide(
    _ draw: TicketDraw, ownersNumber: TicketNumber? = nil
  ) -> (number: TicketNumber, next: TicketNumber) {
    upcoming.withLock { upcoming in
      if let ownersNumber { upcoming = ownersNumber }
      let number = draw.decide(upcoming)
      if number == upcoming { upcoming = number.following }
      return (number, ownersNumber == nil ? number.following : upcoming)
    }
  }
}

extension TicketNumber {
  /// The number after this one; after the highest comes 1.
  var following: TicketNumber {
    rawValue >= TicketNumber.highest ? TicketNumber(rawValue: 1) : TicketNumber(rawValue: rawValue + 1)
  }
}
