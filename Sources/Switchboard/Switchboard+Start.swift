import CallControl
import Disk
import Hunting
package import Logging
import Media
package import NIOCore
import NetworkIO
import RTPEngine
import Records
import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// Start and end of a daemon.
extension Switchboard {
  /// Reads the site, takes its lock, makes good what a crash has left open, and opens the sockets.
  ///
  /// - Parameter loop: the one event loop; everything that lives belongs to it.
  /// - Throws: ``StartError`` with the exit code and a line for the owner.
  package static func start(
    _ settings: SwitchboardSettings, logger: Logger, on loop: any EventLoop
  ) async throws -> Switchboard {
    let reading = SiteLoader(site: settings.site, data: settings.data).load()
    let site = reading.snapshot
    if let zone = site.timeZone, !isKnownTimeZone(zone) {
      // A typing error must not cost the line: the texts have the system's time until it is mended.
      logger.error(
        "the system's time zone counts instead",
        metadata: [
          "file": "TimeZone.txt", "problem": "“\(zone)” is no time zone that this machine knows",
          "expected": "an IANA name such as Europe/Zurich",
        ])
    }
    let calendar = glibcCalendar(zone: site.timeZone.flatMap { isKnownTimeZone($0) ? $0 : nil })
    var sounds: SoundLibrary
    do {
      sounds = SoundLibrary(try BuiltInPrompts(dataDirectory: settings.data, language: site.language))
    } catch {
      throw StartError(69, "\(error)")
    }
    var tls = TLSLibrary()
    let fileFaults = sounds.load(reading) + tls.load(reading, at: settings.site, now: currentWallTime())
    if let directory = site.recordingDirectory {
      do throws(DiskError) {
        try RealFilesystem().makeDirectory(path(directory, in: settings.site), isPrivate: true)
      } catch {
        // A disk that fails does not hinder the start: emergency calls go on, unrecorded.
        logger.error("no recordings can be made", metadata: ["fault": "\(error)"])
      }
    }

    let board = LateBound<Switchboard>()
    let onLoop: @Sendable (@escaping @Sendable (isolated Switchboard) -> Void) -> Void = { body in
      loop.execute { board.value?.assumeIsolated(body) }
    }
    let spool = SpoolSink(site: settings.site)
    let keeper: RecordKeeper
    do throws(DiskError) {
      keeper = try RecordKeeper(
        settings: RecordsSettings(
          site: settings.site, state: path(site.stateDirectory, in: settings.site),
          recording: site.recordingDirectory.map { path($0, in: settings.site) }, calendar: calendar,
          clock: { currentWallTime() }, channels: { site.channels(of: $0) }),
        disk: RealFilesystem(), sink: spool,
        note: { note in onLoop { $0.recordsSaid(note) } })
    } catch {
      throw StartError(69, "another Pikett works on this site: \(error)")
    }
    let engine = MediaEngine { event in onLoop { $0.engineSaid(event) } }
    do {
      try engine.start()
    } catch {
      throw StartError(69, "\(error)")
    }
    let disk: DiskWorker
    do throws(DiskError) { disk = try DiskWorker() } catch { throw StartError(69, "\(error)") }
    let upkeep = RecordingUpkeep(logger: logger, waveProgram: settings.waveProgram)
    let records = Records(keeper, queue: disk) { completion in loop.execute(completion) }

    let registrationsPath = joined(path(site.stateDirectory, in: settings.site), RegistrationStore.fileName)
    let registrations = RegistrationStore.read(registrationsPath, logger)

    let addressesPath = joined(path(site.stateDirectory, in: settings.site), AddressStore.fileName)

    let parts = Parts(
      loop: loop, logger: logger, settings: settings, engine: engine, calendar: calendar, disk: disk, upkeep: upkeep,
      records: records,
      sounds: sounds, tls: tls, site: site, spool: spool, registrationsPath: registrationsPath,
      contactKey: ContactKey.load(path(site.stateDirectory, in: settings.site)), addressesPath: addressesPath,
      knownHosts: AddressStore.read(addressesPath, logger))
    let made = try await loop.submit {
      let made = Switchboard(parts, board)
      board.value = made
      return made
    }.get()
    do {
      try await made.open(reading.faults + fileFaults, restoring: registrations)
    } catch {
      await made.stop()
      throw error
    }
    return made
  }

  /// What a switchboard is made of.
  struct Parts {
    var loop: any EventLoop
    var logger: Logger
    var settings: SwitchboardSettings
    var engine: MediaEngine
    var calendar: LocalCalendar
    var disk: DiskWorker
    var upkeep: RecordingUpkeep
    var records: Records
    var sounds: SoundLibrary
    var tls: TLSLibrary
    var site: SiteSnapshot
    var spool: SpoolSink
    var registrationsPath: String
    var contactKey: [UInt8]
    var addressesPath: String
    var knownHosts: KnownHosts
  }

  private func open(_ faults: [SiteFault], restoring registrations: [StoredRegistration]) async throws {
    tell(faults)
    refreshTLS()
    try await listen(restoring: registrations)
    hosts.follow(control.site, families)
    scheduleTicks()
    messages.start()
    lookForRecentCallers()
    lookForRecordings()
    take(.start)
    watchSite()
    logger.info("ready", metadata: ["site": "\(settings.site)", "users": "\(control.site.users.count)"])
  }

  /// Ends cleanly: new calls are refused, those in progress end with BYE, their tickets are closed, everything is
  /// written. A hung disk does not hold it for more than some seconds.
  package func stop() async {
    watch?.stop()
    watch = nil
    take(.shutdown)
    messages.stop()
    // The BYEs are answered within milliseconds by peers that live; the records follow in any case.
    let written = loop.makePromise(of: Void.self)
    records.stop { written.succeed() }
    let limit = loop.scheduleTask(in: .seconds(3)) { written.succeed() }
    let patience = loop.scheduleTask(in: .milliseconds(300)) {}
    _ = try? await patience.futureResult.get()
    for call in recordings.keys.sorted() { stopRecording(call) }
    for leg in media.keys.sorted() { closeMedia(leg) }
    _ = try? await written.futureResult.get()
    limit.cancel()
    registrations.stop()
    // Waits for the engine's threads, so not on the loop.
    let engine = engine
    let disk = disk
    await withCheckedContinuation { continuation in
      DetachedThread.run {
        engine.shutdown()
        disk.stop(patience: .seconds(1))
        continuation.resume()
      }
    }
    // The last recordings have been closed meanwhile, and were queued for their checksums.
    _ = try? await loop.submit {}.get()
    let upkeep = upkeep
    await withCheckedContinuation { continuation in
      DetachedThread.run {
        upkeep.stop()
        continuation.resume()
      }
    }
    _ = try? await sockets.close().get()
    logger.info("ended")
  }

  private static func path(_ path: String, in site: String) -> String {
    path.hasPrefix("/") ? path : joined(site, path)
  }
}
