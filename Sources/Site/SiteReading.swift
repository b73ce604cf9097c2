import Hunting
package import Telephony

/// A sound of the site, still as the file has it: whoever decodes it reports what it finds to the owner.
package struct AudioFile: Hashable, Sendable {
  /// The path as it is spelled, as in `Queue.announcement` and `Queue.hold`.
  package var path: String
  package var bytes: [UInt8]
}

/// A file of certificates or a key, in PEM: whoever uses it reports what it finds in it to the owner.
package struct PEMFile: Hashable, Sendable {
  /// The path as it is spelled, as in ``TLSFiles`` and `Trunk.authorities`.
  package var path: String
  /// A key is a secret.
  package var bytes: Redacted<[UInt8]>
}

/// The result of reading a site: what counts now, and what its owner must be told.
package struct SiteReading: Sendable {
  package var snapshot: SiteSnapshot
  /// Errors and warnings, in the order of reading.
  package var faults: [SiteFault]
  /// The sounds that look like WAV files. One that is missing here but has a path in its queue could not be read: the one
  /// decoded before, else the built-in one, goes on to sound.
  package var audioFiles: [AudioFile]
  /// Certificates and keys that could be read.
  package var pemFiles: [PEMFile]
  /// Every place at which a file was looked for.
  var places: Set<String>

  /// Reads a whole site.
  ///
  /// - Parameters:
  ///   - files: path relative to the site → content. A path that ends in `/` is a directory, which so can be empty. Files
  ///     that mean nothing here are left alone; of value files more than 64 KB need not be handed over, 64 KB and a byte
  ///     are enough to be refused.
  ///   - unreadable: path → why the file could not be read ("permission denied").
  ///   - builtInProviders: `kannel/URL.txt` → content, of `data/sms`.
  ///   - previous: the snapshot before; a file that cannot be understood keeps the value it has there.
  package init(
    files: [String: [UInt8]], unreadable: [String: String] = [:], builtInProviders: [String: [UInt8]] = [:],
    previous: SiteSnapshot? = nil
  ) {
    var all = files
    for (path, bytes) in builtInProviders { all["\(SiteReader.builtIn)/\(path)"] = bytes }
    var reader = SiteReader(
      SiteListing(files: all, unreadable: unreadable), previous: previous?.lastGood ?? [:])
    var snapshot = reader.readSite()
    snapshot.lastGood = reader.good
    reader.check(snapshot)
    self.snapshot = snapshot
    faults = reader.faults
    audioFiles = reader.audioFiles
    pemFiles = reader.pemFiles
    places = reader.places
  }

  /// True if nothing is wrong, warnings aside.
  package var isSound: Bool { !faults.contains { $0.severity == .error } }
}

extension SiteReader {
  fileprivate mutating func readSite() -> SiteSnapshot {
    let xmlNumber = setting("XMLnumber.txt", "the number of the ticketing object, such as 799") { PhoneNumber($0) }
      .value
    var names = SiteNames(xmlNumber: xmlNumber ?? SiteReader.standardXMLNumber, userNumbers: userNumbers)
    names.trunks = objects(in: "trunks").map { readTrunk($0) }
    names.smsPrefix =
      setting("SMSprefix.txt", "digits without + or 00, such as 39", canBeOff: true) {
        $0.isDigits && !$0.hasPrefix("0") ? $0 : nil
      }.or("39") ?? ""
    names.smsProviders = self.names("SMSProvider.txt", "names of providers, comma-separated").or(["CODEMA"]) ?? []
    let onlyTrunk = names.trunks.count == 1 ? names.trunks.map(\.name) : []
    names.internalTrunks = trunkNames("InternalTrunk.txt", names, default: onlyTrunk)
    let externalTrunks = trunkNames("ExternalTrunk.txt", names, default: onlyTrunk)
    var site = SiteSnapshot(
      xmlNumber: names.xmlNumber, smsProviders: names.smsProviders, smsPrefix: names.smsPrefix,
      internalTrunks: names.internalTrunks, externalTrunks: externalTrunks, limits: readLimits())
    readSettings(into: &site)
    site.trunks = names.trunks
    site.users = names.userNumbers.map { readUser($0, names: names) }
    site.queues = objects(in: "queues").map { readQueue($0) }
    site.forwards = objects(in: "forwards").map { readForward($0, names: names) }
    return site
  }

  private mutating func readSettings(into site: inout SiteSnapshot) {
    let ticket = setting("TickeNR.TXT", "the next ticket's number, 1 or more") { TicketNumber($0) }.value
    site.nextTicket = ticket ?? TicketNumber(rawValue: 1)
    site.cfuName = setting("CFU.txt", "the name of an object under forwards/", canBeOff: true) { $0 }.or("TED_CFU")
    let listen = setting("Listen.txt", "udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT, comma-separated") {
      Values.list($0, of: Values.listenAddress)
    }
    if let listen = listen.value { site.listen = listen }
    site.tls = readTLSFiles()
    site.address = setting("Address.txt", "an address or a name", canBeOff: true, parse: Values.host).value
    site.rtpPorts =
      setting("RTPPorts.txt", "a range of ports such as 30000-30999, from 1024 on", parse: Values.ports).value
      ?? site.rtpPorts
    site.recordingDirectory = setting("Recording.txt", "a directory, or none", canBeOff: true) { $0 }.or("recording")
    site.retentionDays =
      setting("Retention.txt", "days, 0 (for ever) to 36500", canBeOff: true) { Values.number($0, in: 0...36_500) }.or(
        0)
      ?? 0
    site.makesWaves = yesNo("AutoWave.txt", default: false)
    site.stateDirectory = setting("State.txt", "a directory", parse: Values.directory).value ?? site.stateDirectory
    site.ringback =
      setting("Ringback.txt", "a country in two letters, such as it", parse: Values.country).value ?? site.ringback
    site.timeZone = text("TimeZone.txt", "an IANA name such as Europe/Rome")
    site.language =
      setting("Language.txt", "en, de, it or fr") { SiteSnapshot.Language(rawValue: $0.asciiLowercased) }.value ?? .en
    site.answer =
      setting("Answer.txt", "hunt or user") { SiteSnapshot.AnswerPolicy(rawValue: $0.asciiLowercased) }.value ?? .hunt
    site.digest =
      setting("Digest.txt", "md5 or sha256") { SiteSnapshot.DigestChoice(rawValue: $0.asciiLowercased) }.value ?? .md5
    site.maxCalls = count("MaxCalls.txt", 1...10_000).value ?? site.maxCalls
    site.maxRounds = count("MaxRounds.txt", 1...1_000_000, canBeOff: true).value
    site.maxDuration = seconds("MaxDuration.txt", 1...10_000_000, default: 7200, canBeOff: true)
    site.mediaTimeout = seconds("MediaTimeout.txt", 1...86_400, default: 60, canBeOff: true)
  }
}

extension SiteSnapshot {
  /// A site in which every other file is missing.
  fileprivate init(
    xmlNumber: PhoneNumber, smsProviders: [String], smsPrefix: String, internalTrunks: [String],
    externalTrunks: [String], limits: SiteLimits
  ) {
    let anyAddress = IPAddress("0.0.0.0").map { Endpoint($0, 5060) }
    let listen = anyAddress.map { endpoint in
      [SignallingTransport.udp, .tcp].map { ListenAddress(transport: $0, endpoint: endpoint) }
    }
    self.init(
      xmlNumber: xmlNumber, nextTicket: TicketNumber(rawValue: 1), smsProviders: smsProviders, smsPrefix: smsPrefix,
      cfuName: nil, internalTrunks: internalTrunks, externalTrunks: externalTrunks, listen: listen ?? [],
      tls: TLSFiles(),
      address: nil, rtpPorts: 30_000...30_999, recordingDirectory: nil, retentionDays: 0,
      makesWaves: false, stateDirectory: "state", ringback: "it", timeZone: nil, language: .en, answer: .hunt,
      digest: .md5, maxCalls: 50, maxRounds: nil, maxDuration: nil, mediaTimeout: nil,
      limits: limits,
      users: [],
      queues: [], forwards: [], trunks: [], lastGood: [:])
  }
}
