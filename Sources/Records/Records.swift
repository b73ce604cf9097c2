package import Disk
package import Hunting
import Synchronization

/// The records of a site as the event loop uses them: nothing here waits for the disk.
package final class Records: Sendable {
  private let keeper: Mutex<RecordKeeper>
  private let numbers: TicketNumbers
  private let queue: any DiskQueue
  private let deliver: @Sendable (@escaping @Sendable () -> Void) -> Void
  private let isTicking = Atomic<Bool>(false)

  /// - Parameters:
  ///   - keeper: opened at the start, before the event loop runs.
  ///   - queue: the disk thread; other blocking work may go there too.
  ///   - deliver: brings a completion from the disk thread to the caller's (the event loop's `execute`).
  package init(
    _ keeper: RecordKeeper, queue: any DiskQueue,
    deliver: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
  ) {
    numbers = keeper.numbers
    self.keeper = Mutex(keeper)
    self.queue = queue
    self.deliver = deliver
    // The disk thread lives as long as the process; it must not keep the records alive.
    queue.afterJournal { [weak self] in self?.finishBatch() }
  }

  /// The number the next ticket will get, if the owner does not write another one.
  package var nextNumber: TicketNumber { numbers.next }

  /// False while the disk thread is too far behind: a new call is refused with 503.
  package var hasRoom: Bool { queue.hasRoom }

  /// A hop begins: draws its number and makes its record durable, together with the end of the hop before.
  ///
  /// Records are never refused and never dropped. `completion` is called once, by `deliver`.
  /// - Returns: the draw, for `decide` when the disk is slow.
  @discardableResult package func openHop(
    _ opening: HopOpening, completion: @escaping @Sendable (HopResult) -> Void
  ) -> TicketDraw {
    let draw = TicketDraw()
    queue.journal { [self] in
      use { $0.openHop(opening, draw: draw) { [deliver] result in deliver { completion(result) } } }
    }
    return draw
  }

  /// The number of a draw that can wait no longer: what the disk thread has drawn, else the next one from memory.
  package func decide(_ draw: TicketDraw) -> TicketNumber { draw.number ?? numbers.decide(draw).number }

  /// A call ends: its last hop's ticket, its messages and its CDR line.
  package func endCall(_ end: CallEnd) {
    queue.journal { [self] in use { $0.endCall(end) } }
  }

  /// To be called every few seconds: tries again what the disk refused, and makes the files durable that follow from
  /// the journal.
  package func tick() {
    // A hung disk must not gather ticks.
    guard !isTicking.exchange(true, ordering: .relaxed) else { return }
    let isTaken = queue.enqueue { [self] in finishTick() }
    if !isTaken { isTicking.store(false, ordering: .relaxed) }
  }

  /// Ends cleanly: the last thing the disk thread is given. `completion` is called by `deliver`.
  package func stop(completion: @escaping @Sendable () -> Void) {
    let stop: @Sendable () -> Void = { [self] in
      use { $0.stop() }
      deliver(completion)
    }
    if !queue.enqueue(stop) { queue.journal(stop) }
  }

  // MARK: On the disk thread

  private func use(_ body: (inout RecordKeeper) -> Void) { keeper.withLock { body(&$0) } }

  private func finishTick() {
    use { $0.tick() }
    isTicking.store(false, ordering: .relaxed)
  }

  private func finishBatch() {
    let hasDuties = keeper.withLock { keeper in
      keeper.commit()
      return !keeper.isIdle
    }
    // What follows is an ordinary job, so that the next hop's journal record goes before it. If the queue is full, the
    // next batch or tick does it.
    if hasDuties { queue.enqueue { [self] in use { $0.follow() } } }
  }
}
