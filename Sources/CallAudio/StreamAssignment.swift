import Frames
import SDP
import Telephony

/// Decides which stream is the sound of which call, and in which channel.
struct StreamAssignment {
  private let signalling: Signalling
  private let streams: [MediaStream]
  /// The legs and declarations that name an endpoint.
  private var claims: [FrameAddress: [Claim]] = [:]
  private(set) var silentCallCount = 0
  private(set) var unclaimedCount = 0

  private struct Claim {
    var leg: Int
    var declaration: Int
  }

  /// A stream in a channel of a call.
  private struct Part {
    var stream: Int
    var channel: Int
    var leg: Int
    /// Whether it was found by the offerer's address.
    var isNear: Bool
  }

  /// SDP and RTP overtake each other by as much, at a call's beginning and end; in nanoseconds.
  private static let tolerance: Int64 = 2_000_000_000
  /// Streams of one channel may overlap by as much, in nanoseconds.
  private static let overlap: Int64 = 100_000_000

  init(_ signalling: Signalling, _ streams: [MediaStream]) {
    self.signalling = signalling
    self.streams = streams
    for (leg, one) in signalling.legs.enumerated() {
      for (declaration, each) in one.declarations.enumerated() {
        claims[each.media.endpoint, default: []].append(Claim(leg: leg, declaration: declaration))
      }
    }
  }

  /// The calls with sound, in order of their first messages.
  mutating func calls() -> [RecordedCall] {
    var streamsOfGroup: [Int: [Int]] = [:]
    for index in streams.indices {
      if let group = group(of: streams[index]) {
        streamsOfGroup[group, default: []].append(index)
      } else {
        unclaimedCount += 1
      }
    }
    var legsOfGroup: [Int: [Int]] = [:]
    for leg in signalling.legs.indices {
      legsOfGroup[signalling.group(of: signalling.legs[leg].dialog), default: []].append(leg)
    }
    var calls: [RecordedCall] = []
    for group in signalling.dialogs.indices where signalling.group(of: group) == group {
      if let call = call(group, legs: legsOfGroup[group] ?? [], streamsOfGroup[group] ?? []) {
        calls.append(call)
        calls[calls.count - 1].number = calls.count
      } else {
        silentCallCount += 1
      }
    }
    return calls
  }

  /// The session in whose time the stream falls, of those that declare one of its ends; of several (one that was never
  /// seen to end, or two legs that name the same address) the last to declare it.
  private func group(of stream: MediaStream) -> Int? {
    var most: Int64 = 0
    for endpoint in [stream.key.target, stream.key.source] {
      for claim in claims[endpoint] ?? [] { most = max(most, sharedTime(stream, claim)) }
    }
    // Without a common time: SDP and RTP overtake each other by a little at a call's beginning and end.
    let least = most > 0 ? most / 5 * 4 : -Self.tolerance
    var best: (time: Int64, group: Int)?
    for endpoint in [stream.key.target, stream.key.source] {
      for claim in claims[endpoint] ?? [] where sharedTime(stream, claim) >= least {
        let leg = signalling.legs[claim.leg]
        let time = leg.declarations[claim.declaration].time
        if best.map({ time > $0.time }) ?? true { best = (time, signalling.group(of: leg.dialog)) }
      }
    }
    return best?.group
  }

  /// How long both the stream lived and the claim, in nanoseconds; less than 1 is the distance between them.
  private func sharedTime(_ stream: MediaStream, _ claim: Claim) -> Int64 {
    let leg = signalling.legs[claim.leg]
    let begin = max(stream.firstTime, leg.declarations[claim.declaration].time)
    let end = min(stream.lastTime, signalling.dialogs[leg.dialog].endTime ?? .max)
    let (shared, overflow) = end.subtractingReportingOverflow(begin)
    return overflow ? .min : shared &+ 1
  }

  /// Puts a session's call together; nil if it has no sound.
  private func call(_ group: Int, legs: [Int], _ candidates: [Int]) -> RecordedCall? {
    var parts: [Part] = []
    var spokenLeg: Int?
    for leg in legs {
      // The first leg with sound is the caller's. Another leg of its dialog may add what passed elsewhere, such as
      // after a re-INVITE around a proxy; the legs behind a back-to-back agent repeat what the caller's leg has.
      if let spokenLeg, signalling.legs[leg].dialog != signalling.legs[spokenLeg].dialog { continue }
      for isNear in [true, false] {
        for index in candidates where !parts.contains(where: { $0.stream == index }) {
          guard let channel = channel(of: streams[index].key, in: signalling.legs[leg], isNear: isNear) else {
            continue
          }
          // The same sound again: at another hop, or on the far side of a relay.
          let isRepetition = parts.contains {
            $0.channel == channel && ($0.leg != leg || $0.isNear && !isNear) && overlaps($0.stream, index)
          }
          if isRepetition { continue }
          parts.append(Part(stream: index, channel: channel, leg: leg, isNear: isNear))
          if spokenLeg == nil, !streams[index].timeline.segments.isEmpty { spokenLeg = leg }
        }
      }
    }
    guard spokenLeg != nil else { return nil }
    return build(signalling.dialogs[group], parts)
  }

  /// 0 for what the leg's offerer sent, 1 for what was sent to him; nil for what is not this leg's.
  ///
  /// - Parameter isNear: whether to go by the offerer's own address, or by the answerer's, which serves where the
  ///   offerer's is not what he sends from (NAT).
  private func channel(of key: StreamKey, in leg: SignalledLeg, isNear: Bool) -> Int? {
    let isDeclared = { (endpoint: FrameAddress) in
      leg.declarations.contains { $0.isOfferer == isNear && $0.media.endpoint == endpoint }
    }
    if isDeclared(key.target) { return isNear ? 1 : 0 }
    if isDeclared(key.source) { return isNear ? 0 : 1 }
    return nil
  }

  private func overlaps(_ a: Int, _ b: Int) -> Bool {
    min(streams[a].lastTime, streams[b].lastTime) &- max(streams[a].firstTime, streams[b].firstTime) > Self.overlap
  }

  private func build(_ dialog: SignalledDialog, _ parts: [Part]) -> RecordedCall? {
    let segments = likelySegments(parts)
    let start = segments.map { $0.time &+ $0.lowest &* StreamTimeline.sampleLength }.min()
    let end = segments.map { $0.time &+ $0.highestEnd &* StreamTimeline.sampleLength }.max()
    guard let start, let end, end > start else { return nil }
    var directions = [RecordedCall.Direction(), RecordedCall.Direction()]
    var sounds: [SoundPart] = []
    for part in parts {
      let stream = streams[part.stream]
      let codecs = codecs(of: stream, leg: signalling.legs[part.leg], isToOfferer: part.channel == 1)
      sounds.append(sound(stream, part.channel, codecs, keys(signalling.legs[part.leg], part.channel)))
      directions[part.channel].packetCount += stream.packetCount
      directions[part.channel].lostCount += stream.lostCount
      for (type, _) in stream.payloadTypes.sorted(by: { ($0.count, $1.type) > ($1.count, $0.type) }) {
        guard let codec = codecs[type], codec.isAudio, !directions[part.channel].codecs.contains(codec) else {
          continue
        }
        directions[part.channel].codecs.append(codec)
      }
    }
    return RecordedCall(
      number: 0, callID: dialog.callID, sessionID: dialog.sessionID, caller: dialog.caller, called: dialog.called,
      startTime: start, duration: min(end &- start, RecordedCall.longest),
      left: directions[0], right: directions[1],
      parts: sounds)
  }

  /// The stretches in which something sounds; where they lie too far apart for one call, those of the fullest time: one
  /// damaged time of day must not cost the whole call.
  private func likelySegments(_ parts: [Part]) -> ArraySlice<StreamTimeline.Segment> {
    let segments = parts.flatMap { streams[$0.stream].timeline.segments.filter { $0.highestEnd > $0.lowest } }
      .sorted { $0.time < $1.time }
    let length = RecordedCall.longest
    var best = 0..<0
    var bestSamples: Int64 = 0
    var samples: Int64 = 0
    var first = 0
    for index in segments.indices {
      samples += segments[index].highestEnd - segments[index].lowest
      while segments[index].time.subtractingReportingOverflow(segments[first].time).overflow
        || segments[index].time - segments[first].time > length
      {
        samples -= segments[first].highestEnd - segments[first].lowest
        first += 1
      }
      if samples > bestSamples {
        bestSamples = samples
        best = first..<index + 1
      }
    }
    return segments[best]
  }

  private func sound(
    _ stream: MediaStream, _ channel: Int, _ codecs: [UInt8: PayloadCodec], _ keys: [MediaKey]
  ) -> SoundPart {
    let stretches = stream.timeline.segments.map { segment in
      SoundPart.Stretch(
        firstRecord: segment.firstRecord, timestamp: segment.timestamp, time: segment.time, clockRate: 8000)
    }
    return SoundPart(
      key: stream.key, firstRecord: stream.firstRecord, lastRecord: stream.lastRecord, channel: channel,
      stretches: stretches, codecs: codecs, keys: keys)
  }

  /// The keys that a leg's party has declared for what it sends.
  private func keys(_ leg: SignalledLeg, _ channel: Int) -> [MediaKey] {
    var keys: [MediaKey] = []
    for declaration in leg.declarations where declaration.isOfferer == (channel == 0) {
      for key in declaration.media.keys where !keys.contains(key) { keys.append(key) }
    }
    return keys
  }

  /// What the stream's payload types mean: the receiver's word counts (RFC 3264 §5.1), then the sender's, then RFC 3551.
  private func codecs(of stream: MediaStream, leg: SignalledLeg, isToOfferer: Bool) -> [UInt8: PayloadCodec] {
    var codecs: [UInt8: PayloadCodec] = [:]
    for (type, _) in stream.payloadTypes {
      let said = { (byOfferer: Bool) in
        leg.declarations.last { $0.isOfferer == byOfferer && $0.media.codecs[type] != nil }?.media.codecs[type]
      }
      codecs[type] =
        said(isToOfferer) ?? said(!isToOfferer) ?? PayloadCodec(staticPayloadType: type)
        ?? .other("type \(type)", clockRate: 8000)
    }
    return codecs
  }
}
