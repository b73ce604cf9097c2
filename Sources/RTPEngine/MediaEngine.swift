import CLinux
import Glibc
import Synchronization
import Telephony

/// The media engine: relays, plays, listens and records on its own two threads.
///
/// All calls come from one thread, the event loop; none of them waits for the engine, `shutdown` excepted.
package final class MediaEngine: Sendable {
  package struct Configuration: Sendable {
    /// Legs at once; memory for them is reserved, not touched.
    package var maxLegs = 1024
    /// Recordings at once.
    package var maxRecordings = 256
    /// The recorder's ring. It is touched only as far as the disk falls behind.
    package var recorderBytes = 16 * 1024 * 1024
    /// How often reports are sent (RFC 3550 §6.2).
    package var reportInterval: Duration = .seconds(5)
    /// Whether recordings are put on disk (not only handed to the kernel) each time they are written out.
    package var syncsRecordings = true

    package init() {}
  }

  /// Why a leg could not be opened; its sockets remain with the caller.
  package enum Refusal: Error, Hashable, Sendable {
    case tooManyLegs
    case notRunning
  }

  /// Why the engine could not be started: memory or descriptors are missing.
  package struct StartFault: Error, Hashable, Sendable, CustomStringConvertible {
    package let errno: Int32
    package var description: String { "cannot start the media engine: \(String(cString: strerror(errno)))" }
  }

  private let configuration: Configuration
  private let onEvent: @Sendable (EngineEvent) -> Void
  private let running = Mutex<Running?>(nil)

  private struct Running {
    var exchange: CommandExchange
    var rtp: EngineThread
    var recorder: EngineThread
  }

  /// - Parameter onEvent: called on the engine's threads; must not block (it hands on to the event loop).
  package init(configuration: Configuration = Configuration(), onEvent: @escaping @Sendable (EngineEvent) -> Void) {
    self.configuration = configuration
    self.onEvent = onEvent
  }

  /// Starts the two threads. Nothing happens if they run already.
  package func start() throws(StartFault) {
    let fault: StartFault? = running.withLock { running in
      guard running == nil else { return nil }
      guard let exchange = CommandExchange(maxLegs: configuration.maxLegs),
        let ring = RecorderRing(bytes: configuration.recorderBytes)
      else { return StartFault(errno: linux_errno()) }
      guard let loop = MediaLoop(configuration, exchange: exchange, ring: ring, onEvent: onEvent) else {
        return StartFault(errno: linux_errno())
      }
      let recorder = Recorder(
        ring: ring, slots: configuration.maxRecordings, syncs: configuration.syncsRecordings, onEvent: onEvent)
      guard let recorderThread = EngineThread(name: "recorder", { recorder.run() }) else {
        return StartFault(errno: EAGAIN)
      }
      guard
        let rtpThread = EngineThread(
          name: "rtp",
          {
            _ = linux_ask_round_robin(10)
            loop.run()
          })
      else {
        loop.tap.pointee.end()
        recorderThread.join()
        return StartFault(errno: EAGAIN)
      }
      exchange.begin()
      running = Running(exchange: exchange, rtp: rtpThread, recorder: recorderThread)
      return nil
    }
    if let fault { throw fault }
  }

  /// Opens a leg over `sockets`, which are the engine's from now on. It is deaf and mute until described.
  package func openLeg(_ sockets: MediaSockets) throws(Refusal) -> Leg {
    guard let exchange = running.withLock({ $0?.exchange }) else { throw .notRunning }
    return try exchange.open(sockets)
  }

  /// Orders `command`; forgotten if the engine does not run.
  package func send(_ command: EngineCommand) {
    running.withLock { $0?.exchange }?.send(.perform(command))
  }

  /// Closes all legs and recordings, with their events, and ends the threads.
  /// - Parameter limit: how long the recorder may take to write out what it has; a disk that hangs is left alone then.
  /// - Returns: false if the recorder was left alone.
  @discardableResult
  package func shutdown(limit: Duration = .seconds(2)) -> Bool {
    let ended = running.withLock { running in
      let ended = running
      running = nil
      return ended
    }
    guard let ended else { return true }
    ended.exchange.send(.end)
    ended.rtp.join()
    return ended.recorder.join(limit: limit)
  }
}
