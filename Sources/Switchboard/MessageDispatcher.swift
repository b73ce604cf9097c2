import CallControl
import Disk
import Logging
import NIOCore
import Records
import Spool
import Telephony

/// Sees to it that spooled messages go out: starts the delivery program for the SMS, sends the IM through the core.
///
/// Belongs to the event loop; the spool's files are touched on the disk thread only.
final class MessageDispatcher {
  private let loop: any EventLoop
  private let disk: DiskWorker
  private let logger: Logger
  private let spool: SpoolSink
  private let site: String
  private let program: String?
  /// Hands an instant message to the core.
  private let send: (InstantMessage) -> Void

  private var isDelivering = false
  private var mustDeliverAgain = false
  private var smsTimer: Scheduled<Void>?
  private var imTimer: Scheduled<Void>?
  /// The instant messages that are on their way.
  private var underWay: [String: SpooledMessage] = [:]
  /// Those of them whose user's phones have changed since: they may have gone to where he was before.
  private var outrun: Set<String> = []
  private var isStopped = false
  /// How long the disk is left alone after it has refused.
  private static let patience = Duration.seconds(60)

  init(
    loop: any EventLoop, disk: DiskWorker, logger: Logger, spool: SpoolSink, site: String, program: String?,
    send: @escaping (InstantMessage) -> Void
  ) {
    self.loop = loop
    self.disk = disk
    self.logger = logger
    self.spool = spool
    self.site = site
    self.program = program
    self.send = send
  }

  /// Looks what a former run has left.
  func start() {
    onDisk { spool, _ in
      try? spool.sms.prepare()
      try? spool.im.prepare()
      return (try? spool.sms.nextDue(), try? spool.im.nextDue())
    } then: { dispatcher, due in
      dispatcher.schedule(sms: due.0, im: due.1)
      dispatcher.lookForRequests()
    }
  }

  /// Sees whether a command has asked for something, such as to try a message again; every few seconds.
  func lookForRequests() {
    onDisk { spool, _ in
      ((try? spool.sms.hasRequests()) ?? false, (try? spool.im.hasRequests()) ?? false)
    } then: { dispatcher, requests in
      if requests.0 { dispatcher.deliver() }
      if requests.1 { dispatcher.sendDue() }
    }
  }

  /// What waits stays in the spool.
  func stop() {
    isStopped = true
    smsTimer?.cancel()
    imTimer?.cancel()
  }

  /// A message has been put into the spool.
  func spooled(_ channel: MessageChannel) {
    switch channel {
    case .sms: deliver()
    case .im: sendDue()
    }
  }

  /// A phone has come back: what waits for its user is tried at once.
  func phonesChanged(of user: String) {
    for message in underWay.values where message.user == user { outrun.insert(message.id) }
    onDisk { spool, now in
      for var message in (try? spool.im.messages(.waiting)) ?? [] where message.user == user {
        message.retry.hasten(at: now)
        try? spool.im.postpone(message)
      }
    } then: { dispatcher, _ in
      dispatcher.sendDue()
    }
  }

  // MARK: SMS

  private func deliver() {
    guard let program, !isStopped else { return }
    guard !isDelivering else {
      mustDeliverAgain = true
      return
    }
    isDelivering = true
    let owner = NIOLoopBound(self, eventLoop: loop)
    let isStarted = ChildProcess.start(program, ["--site", site]) { [loop] code in
      loop.execute { owner.value.delivered(code) }
    }
    if !isStarted {
      logger.error("the delivery program cannot be started", metadata: ["program": "\(program)"])
      delivered(73)
    }
  }

  private func delivered(_ code: Int32) {
    isDelivering = false
    // 69: something could not be sent now, which the program has told itself; it waits in the spool.
    if code != 0, code != 69 {
      logger.error("the delivery program failed", metadata: ["exit": "\(code)"])
      // What keeps it from its work would keep it again at once: a full or read-only disk.
      mustDeliverAgain = false
      return schedule(sms: currentWallTime() + Self.patience, im: nil)
    }
    if mustDeliverAgain {
      mustDeliverAgain = false
      return deliver()
    }
    onDisk { spool, now in
      // What is due still could not be taken at all: somebody else holds the spool's lock.
      (try? spool.sms.nextDue()).map { max($0, now + .seconds(1)) }
    } then: { dispatcher, due in
      dispatcher.schedule(sms: due, im: nil)
    }
  }

  // MARK: IM

  private func sendDue() {
    guard !isStopped else { return }
    onDisk { spool, now in
      do {
        _ = try? spool.im.takeRequests(at: now)
        let due = try spool.im.due(at: now)
        if !due.isEmpty { try spool.im.requireWritable() }
        return Result<[SpooledMessage], any Error>.success(due)
      } catch {
        return .failure(error)
      }
    } then: { dispatcher, result in
      switch result {
      case .success(let due):
        for message in due where dispatcher.underWay[message.id] == nil {
          dispatcher.underWay[message.id] = message
          dispatcher.send(
            InstantMessage(name: message.id, user: message.user, caller: message.caller, text: message.text))
        }
        dispatcher.scheduleNextIM()
      case .failure(let fault):
        dispatcher.cannotWrite("\(fault)")
        dispatcher.schedule(sms: nil, im: currentWallTime() + Self.patience)
      }
    }
  }

  /// The phone has answered.
  func done(_ name: String, status: Int) {
    guard let message = underWay[name] else { return }
    logger.info(
      (200..<300).contains(status) ? "instant message delivered" : "instant message not delivered",
      metadata: ["message": "\(name)", "user": "\(message.user)", "status": "\(status)"])
    settle(message, status)
  }

  /// Writes what became of an instant message. Until that is done it counts as under way: the disk thread may have read
  /// it as waiting a moment ago.
  private func settle(_ message: SpooledMessage, _ status: Int) {
    let isOutrun = outrun.remove(message.id) != nil
    let isTaken = onDisk { spool, now in
      var message = message
      let reason = "SIP status \(status)"
      let failure: RetryState.Failure = InstantMessage.isRefused(status) ? .refused(reason) : .passing(reason)
      do {
        if (200..<300).contains(status) {
          try spool.im.finish(message, as: .sent)
        } else if message.retry.failed(failure, with: "phone", of: ["phone"], at: now) {
          if isOutrun { message.retry.hasten(at: now) }
          try spool.im.postpone(message)
        } else {
          try spool.im.finish(message, as: .failed)
        }
        return Optional<String>.none
      } catch {
        return "\(error)"
      }
    } then: { dispatcher, fault in
      guard let fault else {
        dispatcher.underWay[message.id] = nil
        return dispatcher.scheduleNextIM()
      }
      dispatcher.cannotWrite(fault)
      dispatcher.settleLater(message, status)
    }
    if !isTaken { settleLater(message, status) }
  }

  private func settleLater(_ message: SpooledMessage, _ status: Int) {
    guard !isStopped else { return }
    let owner = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .nanoseconds(Self.patience.nanoseconds)) { owner.value.settle(message, status) }
  }

  private func cannotWrite(_ fault: String) {
    logger.error("the spool cannot be written", metadata: ["fault": "\(fault)"])
  }

  private func scheduleNextIM() {
    let busy = Set(underWay.keys)
    onDisk { spool, _ in
      ((try? spool.im.messages(.waiting)) ?? []).filter { !busy.contains($0.id) }.map(\.retry.due).min()
    } then: { dispatcher, due in
      dispatcher.schedule(sms: nil, im: due)
    }
  }

  // MARK: Helpers

  private func schedule(sms: WallTime?, im: WallTime?) {
    guard !isStopped else { return }
    let now = currentWallTime()
    let owner = NIOLoopBound(self, eventLoop: loop)
    let delay: (WallTime) -> TimeAmount = { .nanoseconds(max(($0 - now).nanoseconds, 0) + 50_000_000) }
    if let sms {
      smsTimer?.cancel()
      smsTimer = loop.scheduleTask(in: delay(sms)) { owner.value.deliver() }
    }
    if let im {
      imTimer?.cancel()
      imTimer = loop.scheduleTask(in: delay(im)) { owner.value.sendDue() }
    }
  }

  /// Does `work` on the disk thread and hands its result back to the loop. A full queue costs the attempt only: the
  /// next message or timer makes another.
  /// - Returns: false if the queue was full.
  @discardableResult private func onDisk<Value: Sendable>(
    _ work: @escaping @Sendable (SpoolSink, WallTime) -> Value,
    then finish: @escaping @Sendable (MessageDispatcher, Value) -> Void
  ) -> Bool {
    let owner = NIOLoopBound(self, eventLoop: loop)
    return disk.enqueue { [spool, loop] in
      let result = work(spool, currentWallTime())
      loop.execute { finish(owner.value, result) }
    }
  }
}
