import Frames

/// Which calls name which endpoint in their SDP, and so to which call a stream belongs.
struct EndpointClaims {
  /// A declaration of an endpoint, and how long it holds.
  private struct Claim {
    var group: Int
    /// When it was made, and when its dialog ended; nanoseconds since 1970.
    var time: Int64
    var endTime: Int64
  }

  /// An endpoint; or an endpoint as named in messages that went to or from a host.
  private struct Place: Hashable {
    var endpoint: FrameAddress
    var host: FrameAddress?
  }

  private struct Name: Hashable {
    var group: Int
    var endpoint: FrameAddress
  }

  /// How well a call fits the stream of which it names one end.
  private enum Fit: Int, Comparable {
    case oneEnd
    /// The other end's host is one between which its messages went: an address behind a NAT was declared.
    case otherHost
    case bothEnds

    static func < (a: Fit, b: Fit) -> Bool { a.rawValue < b.rawValue }
  }

  /// In order of their times.
  private var claims: [Place: [Claim]] = [:]
  private var names: Set<Name> = []

  /// SDP and RTP overtake each other by as much, at a call's beginning and end; in nanoseconds.
  private static let tolerance: Int64 = 2_000_000_000
  /// Of more claims to one endpoint only the latest count, lest time grow with the square of them.
  private static let mostClaims = 100

  init(_ signalling: Signalling) {
    for leg in signalling.legs {
      let dialog = signalling.dialogs[leg.dialog]
      let group = signalling.group(of: leg.dialog)
      let hosts = Set([leg.hop.low.host, leg.hop.high.host])
      for declaration in leg.declarations {
        let endpoint = declaration.media.endpoint
        let claim = Claim(group: group, time: declaration.time, endTime: dialog.endTime ?? .max)
        claims[Place(endpoint: endpoint), default: []].append(claim)
        for host in hosts { claims[Place(endpoint: endpoint, host: host), default: []].append(claim) }
        names.insert(Name(group: group, endpoint: endpoint))
      }
    }
    for place in claims.keys { claims[place]?.sort { $0.time < $1.time } }
  }

  /// The session in whose time the stream falls, of those that declare one of its ends; sooner one that knows the other
  /// end as well, since calls may share a port. Of several (one that was never seen to end, or two legs that name the
  /// same address) the last to declare it.
  func group(of stream: MediaStream) -> Int? {
    var candidates: [(claim: Claim, fit: Fit, time: Int64)] = []
    for (endpoint, other) in [(stream.key.target, stream.key.source), (stream.key.source, stream.key.target)] {
      for (host, fit) in [(nil, .oneEnd), (other.host, .otherHost)] as [(FrameAddress?, Fit)] {
        for claim in latest(Place(endpoint: endpoint, host: host), until: stream.lastTime) {
          let isOfBoth = names.contains(Name(group: claim.group, endpoint: other))
          candidates.append((claim, isOfBoth ? .bothEnds : fit, sharedTime(stream, claim)))
        }
      }
    }
    guard let longest = candidates.map(\.time).max() else { return nil }
    // Without a common time: SDP and RTP overtake each other by a little at a call's beginning and end.
    let least = longest > 0 ? longest / 2 : -Self.tolerance
    candidates.removeAll { $0.time < least }
    guard let best = candidates.map(\.fit).max() else { return nil }
    candidates.removeAll { $0.fit < best }
    let most = candidates.map(\.time).max() ?? 0
    candidates.removeAll { most > 0 && $0.time < most / 5 * 4 }
    var chosen: Claim?
    for one in candidates where chosen.map({ one.claim.time > $0.time }) ?? true { chosen = one.claim }
    return chosen?.group
  }

  /// The last claims made until then, or soon after.
  private func latest(_ place: Place, until time: Int64) -> ArraySlice<Claim> {
    guard let all = claims[place] else { return [] }
    var low = 0
    var high = all.count
    while low < high {
      let middle = (low + high) / 2
      if all[middle].time.subtractingReportingOverflow(Self.tolerance).partialValue <= time {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return all[..<low].suffix(Self.mostClaims)
  }

  /// How long both the stream lived and the claim, in nanoseconds; less than 1 is the distance between them.
  private func sharedTime(_ stream: MediaStream, _ claim: Claim) -> Int64 {
    let begin = max(stream.firstTime, claim.time)
    let end = min(stream.lastTime, claim.endTime)
    let (shared, overflow) = end.subtractingReportingOverflow(begin)
    return overflow ? .min : shared &+ 1
  }
}
