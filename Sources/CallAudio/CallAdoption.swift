import Frames

/// Gives calls found by their RTP alone to the SIP that may have set them up, where SDP names other addresses than the
/// packets bear: NAT, a recorder's own addresses, or a message that the capture has missed.
struct CallAdoption {
  /// A call found by its RTP, and what SIP tells of it, if that is certain enough.
  struct Adoption {
    var group: Int?
    var leg: Int?
    var parts: [(stream: Int, channel: Int)]
  }

  /// How much speaks for a group of dialogs.
  private enum Evidence: Int, Comparable {
    /// It is the only call told of, and this the only one heard.
    case onlyOne
    /// Its messages went between the same hosts as the sound.
    case hosts
    /// Its SDP names a port of the sound.
    case port

    static func < (a: Evidence, b: Evidence) -> Bool { a.rawValue < b.rawValue }
  }

  /// A group of dialogs without sound, and when it was.
  private struct Candidate {
    var group: Int
    /// When it was first spoken of, and when the last of its dialogs ended.
    var begin: Int64
    var end: Int64
    var isSeenFromItsBeginning: Bool
    /// When it last named an endpoint, else first said anything.
    var lastDeclared: Int64
    /// Hosts of its messages, and those it names in SDP.
    var hosts: Set<FrameAddress>
    var ports: Set<UInt16>

    func isAtTheTime(of found: StreamPairing.Found) -> Bool {
      if isSeenFromItsBeginning, found.first < begin &- tolerance { return false }
      return found.last >= begin &- tolerance && (end == .max || found.first <= end &+ tolerance)
    }

    /// True if a port it names is not only by chance that of a stream.
    func isCertain(of keys: [StreamKey]) -> Bool {
      keys.contains { key in
        hosts.contains(key.source.host) || hosts.contains(key.target.host)
          || ports.contains(key.source.port) && ports.contains(key.target.port)
      }
    }
  }

  /// The hosts between which messages or sound go, in order.
  private struct Hosts: Hashable {
    var low: FrameAddress
    var high: FrameAddress

    init(_ a: FrameAddress, _ b: FrameAddress) {
      let isOrdered = (a.high, a.low) <= (b.high, b.low)
      low = isOrdered ? a.host : b.host
      high = isOrdered ? b.host : a.host
    }
  }

  private let signalling: Signalling
  private let streams: [MediaStream]
  private let legsOfGroup: [Int: [Int]]
  private var candidates: [Candidate] = []
  /// Of candidates, by their places.
  private var candidatesOfPort: [UInt16: [Int]] = [:]
  private var candidatesOfHosts: [Hosts: [Int]] = [:]

  private let silentCount: Int
  /// A group of more hosts than real calls have is not known by all pairs of them.
  private static let mostHosts = 32

  /// - Parameters:
  ///   - silent: the groups of dialogs for which there is no sound yet.
  init(_ signalling: Signalling, _ streams: [MediaStream], silent: [Int], legsOfGroup: [Int: [Int]]) {
    self.signalling = signalling
    self.streams = streams
    self.legsOfGroup = legsOfGroup
    silentCount = silent.count
    var dialogsOfGroup: [Int: [SignalledDialog]] = [:]
    for (index, dialog) in signalling.dialogs.enumerated() {
      dialogsOfGroup[signalling.group(of: index), default: []].append(dialog)
    }
    for group in silent {
      let dialogs = dialogsOfGroup[group] ?? []
      let legs = (legsOfGroup[group] ?? []).map { signalling.legs[$0] }
      add(group, dialogs, legs)
    }
  }

  /// Notes what a group may be known by; not of a call that was refused before its called party had named an endpoint:
  /// what sounds after that is another's.
  private mutating func add(_ group: Int, _ dialogs: [SignalledDialog], _ legs: [SignalledLeg]) {
    let isRefused = dialogs.allSatisfy { $0.isRefused && !$0.isAnswered }
    let declarations = legs.flatMap(\.declarations)
    guard let earliest = dialogs.min(by: { $0.firstTime < $1.firstTime }),
      !isRefused || declarations.contains(where: { !$0.isCaller })
    else { return }
    var hosts = Set(dialogs.flatMap { [$0.callerHost, $0.calledHost] })
    for leg in legs { hosts.formUnion([leg.hop.low.host, leg.hop.high.host]) }
    let place = candidates.count
    for (index, one) in hosts.enumerated() {
      for other in hosts.dropFirst(index).prefix(Self.mostHosts) {
        candidatesOfHosts[Hosts(one, other), default: []].append(place)
      }
    }
    let ports = Set(declarations.map(\.media.endpoint.port))
    for port in ports { candidatesOfPort[port, default: []].append(place) }
    candidates.append(
      Candidate(
        group: group, begin: earliest.firstTime, end: dialogs.map { $0.endTime ?? .max }.max() ?? .max,
        isSeenFromItsBeginning: earliest.isSeenFromItsBeginning,
        lastDeclared: declarations.map(\.time).max() ?? earliest.firstTime,
        hosts: hosts.union(declarations.map(\.media.endpoint.host)), ports: ports))
  }

  /// One for each, in their order.
  func adoptions(of found: [StreamPairing.Found]) -> [Adoption] {
    var groups = found.map { group(for: $0, isOnly: found.count == 1) }
    // Two calls at one time cannot both be what one dialog is about; the surer one is, else neither.
    let rivalry = Dictionary(grouping: groups.indices.filter { groups[$0] != nil }) { groups[$0]?.group ?? 0 }
    let evidence = groups.map(\.?.evidence)
    for index in groups.indices {
      guard let one = groups[index] else { continue }
      let hasRival = (rivalry[one.group] ?? []).contains { other in
        other != index && (evidence[other] ?? .onlyOne) >= one.evidence && found[other].first <= found[index].last
          && found[index].first <= found[other].last
      }
      if hasRival { groups[index] = nil }
    }
    var adoptions: [Adoption] = []
    var placeOfGroup: [Int: Int] = [:]
    for (one, group) in zip(found, groups) {
      let adoption = adoption(of: one, by: group?.group)
      if let group = group?.group, let place = placeOfGroup[group] {
        adoptions[place].parts += adoption.parts
        continue
      }
      if let group = group?.group { placeOfGroup[group] = adoptions.count }
      adoptions.append(adoption)
    }
    return adoptions
  }

  /// The group of dialogs for which most speaks, if there is just one.
  private func group(for found: StreamPairing.Found, isOnly: Bool) -> (group: Int, evidence: Evidence)? {
    let keys = found.streams.map { streams[$0].key }
    let ports = Set(keys.flatMap { [$0.source.port, $0.target.port] })
    let isOnly = isOnly && silentCount == 1
    for evidence in [Evidence.port, .hosts, .onlyOne] {
      var fitting: Int?
      let lists: [[Int]] =
        switch evidence {
        case .port: ports.map { candidatesOfPort[$0] ?? [] }
        case .hosts: keys.prefix(1).map { candidatesOfHosts[Hosts($0.source, $0.target)] ?? [] }
        case .onlyOne: isOnly ? [Array(candidates.indices)] : []
        }
      for place in lists.joined() where place != fitting && fits(candidates[place], found, keys, evidence) {
        if fitting != nil { return nil }
        fitting = place
      }
      if let fitting { return (candidates[fitting].group, evidence) }
    }
    return nil
  }

  private func fits(
    _ candidate: Candidate, _ found: StreamPairing.Found, _ keys: [StreamKey], _ evidence: Evidence
  ) -> Bool {
    guard candidate.isAtTheTime(of: found) else { return false }
    return switch evidence {
    case .port: candidate.isCertain(of: keys)
    case .hosts: true
    // Whose endpoint was named long before is not the one that is heard now.
    case .onlyOne: found.first <= candidate.lastDeclared &+ tolerance
    }
  }

  private func adoption(of found: StreamPairing.Found, by group: Int?) -> Adoption {
    let legs = group.flatMap { legsOfGroup[$0] } ?? []
    let isSwapped =
      legs.lazy.compactMap { isCallerRight(found, signalling.legs[$0]) }.first
      ?? group.flatMap { isRight(signalling.dialogs[$0].callerHost, in: found) } ?? false
    let parts = found.left.map { ($0, isSwapped ? 1 : 0) } + found.right.map { ($0, isSwapped ? 0 : 1) }
    return Adoption(
      group: group, leg: legs.first, parts: parts.map { (stream: $0.0, channel: $0.1) })
  }

  /// True if the leg's caller is the party that is right in `found`; nil if nothing tells.
  private func isCallerRight(_ found: StreamPairing.Found, _ leg: SignalledLeg) -> Bool? {
    if let host = leg.callerHost, let answer = isRight(host, in: found) { return answer }
    for (streams, isRight) in [(found.left, false), (found.right, true)] {
      for index in streams {
        let key = self.streams[index].key
        for isCaller in [true, false] {
          let ports = Set(leg.declarations.filter { $0.isCaller == isCaller }.map(\.media.endpoint.port))
          if ports.contains(key.target.port) != ports.contains(key.source.port) {
            return ports.contains(key.source.port) == (isRight == isCaller)
          }
        }
      }
    }
    return nil
  }

  /// True if `host` is the party that is right; nil if it is neither or both.
  private func isRight(_ host: FrameAddress, in found: StreamPairing.Found) -> Bool? {
    for (streams, isRight) in [(found.left, false), (found.right, true)] {
      for key in streams.lazy.map({ self.streams[$0].key }) where key.source.host != key.target.host {
        if key.source.host == host { return isRight }
        if key.target.host == host { return !isRight }
      }
    }
    return nil
  }
}

/// SIP and the first or last packets may be apart by so much, in nanoseconds.
private let tolerance: Int64 = 10_000_000_000

extension FrameAddress {
  /// The address without the port.
  var host: FrameAddress {
    var host = self
    host.port = 0
    return host
  }
}
