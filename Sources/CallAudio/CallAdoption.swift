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

  private let signalling: Signalling
  private let streams: [MediaStream]
  private let silent: [Int]
  private let legsOfGroup: [Int: [Int]]
  private var dialogsOfGroup: [Int: [Int]] = [:]
  private var groupsOfPort: [UInt16: Set<Int>] = [:]
  private var groupsOfHost: [FrameAddress: Set<Int>] = [:]

  /// SIP and the first or last packets may be apart by so much, in nanoseconds.
  private static let tolerance: Int64 = 10_000_000_000

  /// - Parameters:
  ///   - silent: the groups of dialogs for which there is no sound yet.
  init(_ signalling: Signalling, _ streams: [MediaStream], silent: [Int], legsOfGroup: [Int: [Int]]) {
    self.signalling = signalling
    self.streams = streams
    self.legsOfGroup = legsOfGroup
    self.silent = silent
    for dialog in signalling.dialogs.indices {
      dialogsOfGroup[signalling.group(of: dialog), default: []].append(dialog)
    }
    for group in self.silent {
      for dialog in dialogsOfGroup[group] ?? [] {
        groupsOfHost[signalling.dialogs[dialog].callerHost, default: []].insert(group)
        groupsOfHost[signalling.dialogs[dialog].calledHost, default: []].insert(group)
      }
      for leg in legsOfGroup[group] ?? [] {
        for declaration in signalling.legs[leg].declarations {
          groupsOfPort[declaration.media.endpoint.port, default: []].insert(group)
        }
        groupsOfHost[signalling.legs[leg].hop.low.host, default: []].insert(group)
        groupsOfHost[signalling.legs[leg].hop.high.host, default: []].insert(group)
      }
    }
  }

  /// One for each, in their order.
  func adoptions(of found: [StreamPairing.Found]) -> [Adoption] {
    var groups = found.map { group(for: $0, isOnly: found.count == 1) }
    // Two calls at one time cannot both be what one dialog is about; the surer one is, else neither.
    for (index, one) in groups.enumerated() {
      guard let one else { continue }
      let rivals = groups.indices.filter { other in
        other != index && groups[other]?.group == one.group && found[other].first <= found[index].last
          && found[index].first <= found[other].last
      }
      if rivals.contains(where: { (groups[$0]?.evidence ?? .onlyOne) >= one.evidence }) { groups[index] = nil }
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
    let byPort = Set(keys.flatMap { [$0.source.port, $0.target.port] }.flatMap { groupsOfPort[$0] ?? [] })
    let byHost = keys.first.map { key in
      (groupsOfHost[key.source.host] ?? []).intersection(groupsOfHost[key.target.host] ?? [])
    }
    let choices: [(Evidence, Set<Int>)] = [
      (.port, byPort), (.hosts, byHost ?? []), (.onlyOne, isOnly && silent.count == 1 ? Set(silent) : []),
    ]
    for (evidence, groups) in choices {
      let fitting = groups.filter { isAtTheTime(of: found, $0) }
      if fitting.count == 1, let group = fitting.first { return (group, evidence) }
      if fitting.count > 1 { return nil }
    }
    return nil
  }

  private func isAtTheTime(of found: StreamPairing.Found, _ group: Int) -> Bool {
    let dialogs = (dialogsOfGroup[group] ?? []).map { signalling.dialogs[$0] }
    guard let earliest = dialogs.min(by: { $0.firstTime < $1.firstTime }) else { return false }
    let begin = earliest.firstTime
    let end = dialogs.map { $0.endTime ?? .max }.max() ?? .max
    if earliest.isSeenFromItsBeginning, found.first < begin &- Self.tolerance { return false }
    return found.last >= begin &- Self.tolerance && (end == .max || found.first <= end &+ Self.tolerance)
  }

  private func adoption(of found: StreamPairing.Found, by group: Int?) -> Adoption {
    let legs = group.flatMap { legsOfGroup[$0] } ?? []
    let isSwapped =
      legs.lazy.compactMap { isOffererRight(found, signalling.legs[$0]) }.first
      ?? group.flatMap { isRight(signalling.dialogs[$0].callerHost, in: found) } ?? false
    let parts = found.left.map { ($0, isSwapped ? 1 : 0) } + found.right.map { ($0, isSwapped ? 0 : 1) }
    return Adoption(
      group: group, leg: legs.first, parts: parts.map { (stream: $0.0, channel: $0.1) })
  }

  /// True if the leg's offerer is the party that is right in `found`; nil if nothing tells.
  private func isOffererRight(_ found: StreamPairing.Found, _ leg: SignalledLeg) -> Bool? {
    if let offerer = leg.offerer, let answer = isRight(offerer, in: found) { return answer }
    for (streams, isRight) in [(found.left, false), (found.right, true)] {
      for index in streams {
        let key = self.streams[index].key
        for isOfferer in [true, false] {
          let ports = Set(leg.declarations.filter { $0.isOfferer == isOfferer }.map(\.media.endpoint.port))
          if ports.contains(key.target.port) != ports.contains(key.source.port) {
            return ports.contains(key.source.port) == (isRight == isOfferer)
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

extension FrameAddress {
  /// The address without the port.
  var host: FrameAddress {
    var host = self
    host.port = 0
    return host
  }
}
