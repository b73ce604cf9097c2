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
    // One after the other: each falls back on the values of the one before.
    guard !isRereading else {
      mustReread = true
      return
    }
    let loader = SiteLoader(site: settings.site, data: settings.data)
    let (previous, sounds, tls) = (control.site, sounds, tls)
    let isTaken = disk.enqueue { [weak self, loop] in
      let reading = loader.load(previous: previous)
      var (sounds, tls) = (sounds, tls)
      var faults = reading.faults
      switch loader.prompts(reading.snapshot.language, unless: sounds.language) {
      case .success(let prompts): sounds.speak(prompts)
      case .failure(let error):
        faults.append(
          SiteFault(
            "Language.txt", "\(error.path): \(error.problem)", expected: "a language whose prompts are installed"))
      case nil: break
      }
      faults += sounds.load(reading)
      faults += tls.load(reading, at: loader.site, now: currentWallTime())
      loop.execute { [weak self, sounds, tls, faults] in
        self?.assumeIsolated { $0.adopt(reading, sounds, tls, faults) }
      }
    }
    isRereading = isTaken
    if !isTaken { logger.error("the disk is too far behind to reread the site") }
  }

  private func adopt(_ reading: SiteReading, _ sounds: SoundLibrary, _ tls: TLSLibrary, _ faults: [SiteFault]) {
    let previous = control.site
    let site = reading.snapshot
    self.sounds = sounds
    self.tls = tls
    tell(faults)
    take(.siteChanged(site))
    refreshTLS()
    addressBook.update(site, hosts: hosts.known)
    hosts.follow(site, families)
    if site.recordingDirectory != previous.recordingDirectory { prepareRecordings(site) }
    if (site.recordingDirectory, site.retentionDays, site.makesWaves)
      != (previous.recordingDirectory, previous.retentionDays, previous.makesWaves)
    {
      keepUpRecordings()
    }
    if site.ownDirectories != previous.ownDirectories { watchSite() }
    for note in RestartNote.notes(running: started, before: previous, now: site) {
      logger.warning(
        "takes effect after a restart",
        metadata: ["file": "\(note.file)", "value": "\(note.value)", "now": "\(note.running)"])
    }
    logger.info("site read")
    isRereading = false
    if mustReread {
      mustReread = false
      reread()
    }
  }

  /// Logs what is wrong in the site. Errors are told each time; a warning that was told the last time is not told again.
  func tell(_ faults: [SiteFault]) {
    for fault in faults where fault.severity == .error || !toldFaults.contains(fault) {
      logger.log(
        level: fault.severity == .error ? .error : .warning, "site",
        metadata: ["file": "\(fault.path)", "problem": "\(fault.problem)", "expected": "\(fault.expected)"])
    }
    toldFaults = Set(faults)
  }

  /// Makes the directory of the recordings.
  private func prepareRecordings(_ site: SiteSnapshot) {
    guard let directory = site.recordingDirectory.map({ sitePath($0) }) else { return }
    disk.enqueue { [logger] in
      do throws(DiskError) { try RealFilesystem().makeDirectory(directory, isPrivate: true) } catch {
        logger.error("no recordings can be made", metadata: ["fault": "\(error)"])
      }
    }
  }

  /// Watches for edits, anew when what does not count has changed.
  func watchSite() {
    watch?.stop()
    watch = nil
    do throws(DiskError) {
      watch = try SiteWatch(root: settings.site, skipping: control.site.ownDirectories) { [weak self, loop] in
        loop.execute { [weak self] in self?.assumeIsolated { $0.reread() } }
      }
    } catch {
      logger.error("edits are not noticed; send SIGHUP after each", metadata: ["fault": "\(error)"])
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
    heap.giveBack()
    loop.scheduleRepeatedTask(initialDelay: .seconds(5), delay: .seconds(5)) { [weak self] _ in
      self?.assumeIsolated {
        $0.records.tick()
        $0.messages.lookForRequests()
        $0.lookForCertificates()
        $0.tendRecordings()
        $0.heap.giveBack()
      }
    }
    loop.scheduleRepeatedTask(initialDelay: .hours(1), delay: .hours(1)) { [weak self] _ in
      self?.assumeIsolated { $0.keepUpRecordings() }
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
