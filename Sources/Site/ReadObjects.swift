import Telephony

extension SiteReader {
  /// The objects in `directory` by name; two whose names differ in case only are one, and a fault.
  mutating func objects(in directory: String) -> [String] {
    var names: [String] = []
    for name in listing.directories(in: directory) {
      if let twin = names.first(where: { $0.equalsIgnoringCase(name) }) {
        report("\(directory)/\(name)", "stands there twice, as \(twin) and \(name)", expected: "one of them")
      } else {
        names.append(name)
      }
    }
    return names
  }

  /// Comma-separated names of trunks; those that do not exist are reported and left away.
  mutating func trunkNames(_ path: String, _ names: SiteNames, default standard: [String]) -> [String] {
    let known = names.trunks.map(\.name).joined(separator: ", ")
    let expected = "names of trunks, comma-separated" + (known.isEmpty ? "" : " (\(known))")
    guard let wanted = self.names(path, expected).or(standard) else { return [] }
    var found: [String] = []
    for name in wanted {
      if let trunk = names.trunk(name) {
        found.append(trunk)
      } else {
        report(path, "there is no trunk “\(name)”", expected: expected)
      }
    }
    return found
  }

  // MARK: - Queues

  mutating func readQueue(_ name: String) -> Queue {
    let directory = "queues/\(name)"
    var queue = Queue(name: name)
    let numbers = setting("\(directory)/Number.txt", "the queue's numbers, comma-separated") {
      Values.list($0) { PhoneNumber($0) }
    }
    queue.numbers = numbers.value ?? []
    queue.announcement = audioPath("\(directory)/Announcement.wav")
    queue.hold = audioPath("\(directory)/Hold.wav")
    for (key, file) in SiteReader.keyFiles {
      let destination = phoneNumber("\(directory)/Map\(file).txt", "a dialable number such as 799*731, or none")
      if let destination { queue.maps.append(Queue.KeyMap(key: key, destination: destination)) }
    }
    queue.timeout = seconds("\(directory)/Timeout.txt", 1...300, default: 10) ?? .seconds(10)
    queue.repeats = count("\(directory)/Repeat.txt", 0...100, canBeOff: true).or(3) ?? 0
    queue.onSilence =
      setting("\(directory)/OnSilence.txt", "hangup, proceed, or a number") { text -> Queue.OnSilence? in
        switch text.asciiLowercased {
        case "hangup": .hangup
        case "proceed": .proceed
        default: PhoneNumber(text).map { .destination($0) }
        }
      }.value ?? .hangup
    return queue
  }

  private static let keyFiles: [(Character, String)] =
    "1234567890".map { ($0, String($0)) } + [("*", "Star"), ("#", "Hash")]

  /// The path of a sound as it is spelled; nil if there is no such file.
  private mutating func audioPath(_ path: String) -> String? {
    let expected = "a WAV file: PCM, A-law or mu-law"
    guard let entry = file(path, expected) else { return nil }
    switch entry.content {
    case .unreadable(let reason):
      report(path, "cannot be read: \(reason)", expected: expected)
    case .bytes(let bytes) where isWave(bytes):
      audioFiles.append(AudioFile(path: entry.path, bytes: bytes))
    case .bytes(let bytes):
      report(path, bytes.isEmpty ? "is empty" : "is no WAV file", expected: expected)
    }
    return entry.path
  }

  /// `RIFF`, the length, `WAVE`.
  private func isWave(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 12 && bytes.starts(with: "RIFF".utf8) && bytes[8..<12].elementsEqual("WAVE".utf8)
  }

  // MARK: - Forwards

  mutating func readForward(_ name: String, names: SiteNames) -> Forward {
    // The original's CF card may hold the target under the name that the object's forwarding has.
    let target = "forwards/\(name)/Target.txt"
    let cfu = "forwards/\(name)/CFU.txt"
    let path = listing[target] == nil && listing[cfu] != nil ? cfu : target
    let expected = "the number of the user on duty, or nothing"
    return Forward(
      name: name, target: phoneNumber(path, expected).map { names.userNumber($0) },
      path: listing[path]?.path ?? path)
  }

  // MARK: - Trunks

  mutating func readTrunk(_ name: String) -> Trunk {
    let directory = "trunks/\(name)"
    var trunk = Trunk(name: name)
    trunk.hosts =
      setting("\(directory)/Host.txt", "host or host:port, comma-separated", canBeOff: true) {
        Values.list($0, of: Values.host)
      }.value ?? []
    trunk.addresses =
      setting("\(directory)/Addresses.txt", "addresses such as 192.0.2.0/24, comma-separated", canBeOff: true) {
        Values.list($0, of: Values.addressRange)
      }.value ?? []
    trunk.transport = setting("\(directory)/Transport.txt", "udp, tcp or tls", parse: Values.transport).or(.udp) ?? .udp
    trunk.secure = mediaEncryption(directory)
    trunk.authorities = pemPath("\(directory)/CA.pem", "certificates in PEM")
    trunk.login = setting("\(directory)/Login.txt", "the login, without blanks", canBeOff: true, parse: word).value
    trunk.authUser = text("\(directory)/AuthUser.txt", "the digest user name") ?? trunk.login
    trunk.password = password("\(directory)/Password.txt")
    let domain = setting("\(directory)/Domain.txt", "a host name", canBeOff: true, parse: word).value
    trunk.domain = domain ?? trunk.hosts.first?.host
    trunk.proxy = setting("\(directory)/Proxy.txt", "host or host:port", canBeOff: true, parse: Values.host).value
    let registersByDefault = trunk.login != nil && !trunk.hosts.isEmpty
    trunk.registers = yesNo("\(directory)/Register.txt", default: registersByDefault)
    trunk.expires = seconds("\(directory)/Expires.txt", 30...86_400, default: 300) ?? .seconds(300)
    trunk.from = setting("\(directory)/From.txt", "a number or a name", canBeOff: true, parse: word).or(
      trunk.login ?? "")
    if trunk.from == "" { trunk.from = nil }
    let callerID = setting("\(directory)/CallerID.txt", "from, pai, rpid or own") {
      Trunk.CallerID(rawValue: $0.asciiLowercased)
    }
    trunk.callerID = callerID.value ?? (trunk.login == nil ? .from : .pai)
    trunk.prefix =
      setting("\(directory)/Prefix.txt", "digits", canBeOff: true, parse: Values.prefix).value ?? ""
    trunk.international =
      setting("\(directory)/International.txt", "digits, or none", canBeOff: true, parse: Values.prefix).or("00") ?? "+"
    trunk.called =
      setting("\(directory)/Called.txt", "uri, to or p-called-party-id") {
        Trunk.CalledNumber(rawValue: $0.asciiLowercased)
      }.value ?? .uri
    trunk.defaultDestination = phoneNumber("\(directory)/Default.txt", "a number of the site such as 799*731, or none")
    trunk.qualify = seconds("\(directory)/Qualify.txt", 1...3600, default: 25, canBeOff: true)
    trunk.automaticHangup = yesNo("\(directory)/AutomaticHangup.txt", default: true)
    return trunk
  }

  private func word(_ text: String) -> String? { text.utf8.contains { $0 <= 0x20 } ? nil : text }
}
