import Frames

/// Finds calls in RTP alone: streams in opposite directions between the same endpoints, or whose ports are swapped,
/// are one call while they last, and so are the streams that follow them there. Left is who was heard first.
///
///     a:4000 → b:5000, b:5000 → a:4000        symmetric RTP
///     a:16386 → b:16388, a:16388 → b:16386    both parties behind one recorder
///     a:4000 → b:5002, b:5000 → a:4002        each its own way: one call if there is no other choice
enum StreamPairing {
  struct Found {
    var left: [Int] = []
    var right: [Int] = []
    /// When the first packet came, and the last one; nanoseconds.
    var first: Int64
    var last: Int64
    /// When the last packet of each side came.
    fileprivate var lastLeft = Int64.min
    fileprivate var lastRight = Int64.min

    var streams: [Int] { left + right }

    fileprivate init(_ stream: MediaStream) {
      first = stream.firstTime
      last = stream.lastTime
    }

    fileprivate mutating func add(_ index: Int, _ stream: MediaStream, isLeft: Bool) {
      if isLeft { left.append(index) } else { right.append(index) }
      if isLeft { lastLeft = max(lastLeft, stream.lastTime) } else { lastRight = max(lastRight, stream.lastTime) }
      first = min(first, stream.firstTime)
      last = max(last, stream.lastTime)
    }
  }

  /// The two ends of a flow, whichever sends.
  private struct Flow: Hashable {
    var low: FrameAddress
    var high: FrameAddress

    init(_ key: StreamKey) {
      var ends = [key.source, key.target]
      let ports = [key.source.port, key.target.port].sorted()
      ends.sort { ($0.high, $0.low) < ($1.high, $1.low) }
      ends[0].port = ports[0]
      ends[1].port = ports[1]
      low = ends[0]
      high = ends[1]
    }
  }

  /// After so long a silence another call begins between the same endpoints.
  private static let longestPause: Int64 = 60_000_000_000
  /// Streams of one side may overlap by as much.
  private static let overlap: Int64 = 100_000_000
  /// More lone streams than this between two hosts are not paired by their addresses alone.
  private static let mostLone = 200

  /// - Parameters:
  ///   - chosen: which of the streams are looked at.
  /// - Returns: the calls in order of their first packets.
  static func calls(_ streams: [MediaStream], _ chosen: [Int]) -> [Found] {
    var flows: [Flow: [Int]] = [:]
    for index in chosen { flows[Flow(streams[index].key), default: []].append(index) }
    // In the order of their first streams, so that the result does not depend on the dictionary's.
    var calls: [Found] = []
    for flow in flows.values.sorted(by: { $0[0] < $1[0] }) {
      calls += self.calls(streams, inFlow: flow.sorted { streams[$0].firstTime < streams[$1].firstTime })
    }
    return joinLone(calls, streams).sorted { $0.first < $1.first }
  }

  private static func calls(_ streams: [MediaStream], inFlow flow: [Int]) -> [Found] {
    var calls: [Found] = []
    var leftmost: [StreamKey] = []
    for index in flow {
      let stream = streams[index]
      let place = calls.indices.suffix(8).first { at in
        let call = calls[at]
        let isLeft = isSameSide(stream.key, leftmost[at])
        return stream.firstTime &- call.last <= longestPause
          && stream.firstTime >= (isLeft ? call.lastLeft : call.lastRight).subtractingOrMin(overlap)
      }
      if let place {
        calls[place].add(index, stream, isLeft: isSameSide(stream.key, leftmost[place]))
      } else {
        var call = Found(stream)
        call.add(index, stream, isLeft: true)
        calls.append(call)
        leftmost.append(stream.key)
      }
    }
    return calls
  }

  /// True if both come from the same party.
  private static func isSameSide(_ a: StreamKey, _ b: StreamKey) -> Bool {
    if (a.source.high, a.source.low) != (a.target.high, a.target.low), a.source.port == a.target.port {
      return (a.source.high, a.source.low) == (b.source.high, b.source.low)
    }
    if (a.source.high, a.source.low) != (b.source.high, b.source.low) { return false }
    return a.source.port == b.source.port
  }

  /// Joins calls of one direction whose streams go between the same hosts the other way at the same time, if each is the
  /// only one for the other.
  private static func joinLone(_ calls: [Found], _ streams: [MediaStream]) -> [Found] {
    var lone: [Flow: [Int]] = [:]
    for (index, call) in calls.enumerated() where call.right.isEmpty {
      var key = streams[call.left[0]].key
      (key.source.port, key.target.port) = (0, 0)
      guard key.source != key.target else { continue }
      lone[Flow(key), default: []].append(index)
    }
    var partner: [Int: Int] = [:]
    for group in lone.values where group.count <= mostLone {
      for a in group {
        let others = group.filter { b in
          let (one, other) = (streams[calls[a].left[0]].key, streams[calls[b].left[0]].key)
          return (one.source.high, one.source.low) == (other.target.high, other.target.low)
            && min(calls[a].last, calls[b].last) &- max(calls[a].first, calls[b].first) > overlap
        }
        if others.count == 1 { partner[a] = others[0] }
      }
    }
    var joined: [Found] = []
    for (index, call) in calls.enumerated() {
      guard let other = partner[index], partner[other] == index else {
        joined.append(call)
        continue
      }
      let isFirst = (call.first, index) < (calls[other].first, other)
      guard isFirst else { continue }
      var both = call
      for stream in calls[other].left { both.add(stream, streams[stream], isLeft: false) }
      joined.append(both)
    }
    return joined
  }
}

extension Int64 {
  /// The difference; of what has no place, the least.
  fileprivate func subtractingOrMin(_ other: Int64) -> Int64 {
    let (value, overflow) = subtractingReportingOverflow(other)
    return overflow ? .min : value
  }
}
