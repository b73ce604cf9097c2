import Disk
import Logging
import NIOCore
import SIPUserAgent
import Telephony

/// Keeps the registrations in `state/registrations`, so that a phone can be rung after a restart though it registers
/// anew only in an hour.
///
/// Belongs to the event loop; the file is written on the disk thread. Not synced: after a power cut the phones start
/// anew too, and a file that is damaged costs what cannot be read of it.
final class RegistrationStore {
  static let fileName = "registrations"
  /// Ten thousand contacts of some length.
  static let limit = 16 << 20

  private let loop: any EventLoop
  private let disk: DiskWorker
  private let logger: Logger
  private let path: String
  private let current: () -> [StoredRegistration]
  private var isDirty = false
  /// True from the beginning of a write until a moment after its end: what changes meanwhile is written together.
  private var isBusy = false
  private var isStopped = false
  private var hasFailed = false

  /// - Parameter current: every living contact.
  init(
    loop: any EventLoop, disk: DiskWorker, logger: Logger, path: String, current: @escaping () -> [StoredRegistration]
  ) {
    self.loop = loop
    self.disk = disk
    self.logger = logger
    self.path = path
    self.current = current
  }

  /// What a former run has kept. Nothing that is wrong with it hinders the start. Blocks.
  static func read(_ path: String, _ logger: Logger) -> [StoredRegistration] {
    do throws(DiskError) {
      guard try RealFilesystem().status(path) != nil else { return [] }
      let (registrations, faults) = RegistrationText.read(try RealFilesystem().read(path, limit: limit))
      for fault in faults {
        logger.warning("a registration is lost", metadata: ["file": "\(path)", "fault": "\(fault)"])
      }
      return registrations
    } catch {
      logger.error("the registrations cannot be read; phones must register anew", metadata: ["fault": "\(error)"])
      return []
    }
  }

  /// Writes soon.
  func changed() {
    isDirty = true
    write()
  }

  /// Writes what is still unwritten, and no more after that; called before the disk thread ends.
  func stop() {
    isBusy = false
    write()
    isStopped = true
  }

  private func write() {
    guard isDirty, !isBusy, !isStopped else { return }
    isDirty = false
    isBusy = true
    let bytes = RegistrationText.bytes(current())
    let owner = NIOLoopBound(self, eventLoop: loop)
    let isTaken = disk.enqueue { [loop, path] in
      var fault: DiskError?
      do throws(DiskError) { try RealFilesystem().replace(path, bytes, sync: false) } catch { fault = error }
      let outcome = fault
      loop.execute { owner.value.written(outcome.map { "\($0)" }) }
    }
    if !isTaken { written("the disk is too far behind") }
  }

  private func written(_ fault: String?) {
    if let fault {
      if !hasFailed { logger.error("the registrations cannot be kept", metadata: ["fault": "\(fault)"]) }
      isDirty = true
    }
    hasFailed = fault != nil
    let owner = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: fault == nil ? .milliseconds(100) : .seconds(30)) {
      owner.value.isBusy = false
      owner.value.write()
    }
  }
}
