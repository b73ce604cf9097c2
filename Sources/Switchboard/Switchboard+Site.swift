import CallControl
import Disk
import Logging
import NIOCore
import Records
import Site
import Telephony

/// The site while the daemon runs: edits, names, and what is due from time to time.
extension Switchboard {
  /// A path of the site's files, relative to the site unless it is absolute.
  func sitePath(_ path: String) -> String { path.hasPrefix("/") ? path : joined(settings.site, path) }

  /// Reads the site anew; what counts for the next call changes as a whole or not at all.
  package func reread() {
    let loader = SiteLoader(site: settings.site, data: settings.data)
    let previous = control.site
    let spoken = sounds.language
    let isTaken = disk.enqueue { [weak self, loop] in
      let reading = loader.load(previous: previous)
      let prompts = loader.prompts(reading.snapshot.language, unless: spoken)
      loop.execute { [weak self] in self?.assumeIsolated { $0.adopt(reading, prompts) } }
    }
    if !isTaken { logger.error("the disk is too far behind to reread the site") }
  }

  private func adopt(_ reading: SiteReading, _ prompts: Result<BuiltInPrompts, BuiltInPrompts.PromptError>?) {
    switch prompts {
    case .success(let prompts): sounds.speak(prompts)
    case .failure(let error): logger.error("the prompts stay as they are", metadata: ["fault": "\(error)"])
    case nil: break
    }
    tell(reading.faults + sounds.load(reading))
    take(.siteChanged(reading.snapshot))
    addressBook.update(reading.snapshot, hosts: hosts.addresses)
    hosts.refresh(reading.snapshot)
    logger.info("site read")
  }

  func tell(_ faults: [SiteFault]) {
    for fault in faults {
      logger.log(
        level: fault.severity == .error ? .error : .warning, "site",
        metadata: ["file": "\(fault.path)", "problem": "\(fault.problem)", "expected": "\(fault.expected)"])
    }
  }

  /// Whom users may call back, from the ticket log: what is older than the memory of them is not even read.
  func lookForRecentCallers() {
    let now = currentWallTime()
    guard let today = LocalMinute(calendar.local(now)) else { return }
    let earliest = today.midnight(daysBefore: Int(RecentCallers.memory.components.seconds / 86_400))
    let site = settings.site
    disk.enqueue { [weak self, loop, logger] in
      do throws(DiskError) {
        let callers = try ticketCallers(site: site, since: earliest, on: RealFilesystem()).map { number, end in
          RecentCaller(number: number, at: now + .seconds(-60 * today.minutes(since: end)))
        }
        loop.execute { [weak self] in self?.assumeIsolated { $0.take(.recentCallers(callers)) } }
      } catch {
        logger.error("the callers of earlier tickets are not known", metadata: ["fault": "\(error)"])
      }
    }
  }

  /// Every few seconds: what the disk refused is tried again, and what commands have asked for is done.
  func scheduleTicks() {
    loop.scheduleRepeatedTask(initialDelay: .seconds(5), delay: .seconds(5)) { [weak self] _ in
      self?.assumeIsolated {
        $0.records.tick()
        $0.messages.lookForRequests()
      }
    }
    loop.scheduleRepeatedTask(initialDelay: .seconds(60), delay: .seconds(60)) { [weak self] _ in
      self?.assumeIsolated { $0.hosts.refresh($0.control.site) }
    }
  }
}

extension SiteSnapshot {
  /// By which channels a user gets the message of a call.
  func channels(of number: String) -> [MessageChannel] {
    guard let user = user(number) else { return [] }
    return (user.smsRoutes.isEmpty ? [] : [.sms]) + (user.wantsIM && user.deskPhone != .none ? [.im] : [])
  }
}
