import Frames
import SDP
import Telephony

/// Decides which stream is the sound of which call, and in which channel.
struct StreamAssignment {
  private let signalling: Signalling
  private let streams: [MediaStream]
  /// Who names which endpoint.
  private let claims: EndpointClaims
  private(set) var silentCallCount = 0
  private(set) var unclaimedCount = 0
  /// Streams of regular RTP that are in no call.
  private(set) var otherStreams: [RecordedStream] = []
  /// What payload types turned out to stand for, where that changes the streams' place in time.
  private(set) var corrections: [(key: StreamKey, type: UInt8, codec: PayloadCodec)] = []

  /// A stream in a channel of a call.
  private struct Part {
    var stream: Int
    var channel: Int
    /// Nil where no SIP tells of it.
    var leg: Int?
    /// Whether it was found by the caller's address.
    var isNear: Bool
  }

  /// Streams of one channel may overlap by as much, in nanoseconds.
  private static let overlap: Int64 = 100_000_000
  /// Senders that have one SSRC for all their calls must not cost time that grows with the square of them.
  private static let mostOfOneSSRC = 100

  init(_ signalling: Signalling, _ streams: [MediaStream]) {
    self.signalling = signalling
    self.streams = streams
    claims = EndpointClaims(signalling)
  }

  /// The calls with sound: those that SIP tells of, in order of their first messages, then those of RTP alone.
  mutating func calls() -> [RecordedCall] {
    var streamsOfGroup: [Int: [Int]] = [:]
    var unclaimed: [Int] = []
    var groupOfFlow: [StreamKey: Int] = [:]
    for index in streams.indices {
      guard let group = claims.group(of: streams[index]) else {
        unclaimed.append(index)
        continue
      }
      streamsOfGroup[group, default: []].append(index)
      groupOfFlow[streams[index].key.flow] = group
    }
    // What comes back to an address that no SDP names, because a NAT lies before it.
    unclaimed.removeAll { index in
      guard let group = groupOfFlow[streams[index].key.reversed.flow] else { return false }
      streamsOfGroup[group, default: []].append(index)
      return true
    }
    var legsOfGroup: [Int: [Int]] = [:]
    for leg in signalling.legs.indices {
      legsOfGroup[signalling.group(of: signalling.legs[leg].dialog), default: []].append(leg)
    }
    var calls: [RecordedCall] = []
    var silent: [Int] = []
    var used: Set<Int> = []
    for group in signalling.dialogs.indices where signalling.group(of: group) == group {
      let parts = self.parts(legs: legsOfGroup[group] ?? [], streamsOfGroup[group] ?? [])
      guard let call = build(signalling.dialogs[group], parts) else {
        silent.append(group)
        continue
      }
      calls.append(call)
      used.formUnion(parts.map(\.stream))
    }
    let least = streams.reduce(0) { $0 &+ $1.packetCount } < 100 ? 4 : 10
    let heard = Dictionary(grouping: used.sorted(), by: { streams[$0].key.ssrc })
    let regular = unclaimed.filter { index in
      streams[index].looksLikeSound(leastPackets: least)
        && !(heard[streams[index].key.ssrc] ?? []).prefix(Self.mostOfOneSSRC).contains {
          streams[index].isCopy(of: streams[$0])
        }
    }
    let found = StreamPairing.calls(streams, regular)
    let adopter = CallAdoption(signalling, streams, silent: silent, legsOfGroup: legsOfGroup)
    var adopted: Set<Int> = []
    var further: [RecordedCall] = []
    for adoption in adopter.adoptions(of: found) {
      let parts = adoption.parts.map { Part(stream: $0.stream, channel: $0.channel, leg: adoption.leg, isNear: true) }
      let dialog = adoption.group.map { signalling.dialogs[$0] }
      guard let call = build(dialog, parts) else { continue }
      used.formUnion(parts.map(\.stream))
      if let group = adoption.group {
        adopted.insert(group)
        calls.append(call)
      } else {
        further.append(call)
      }
    }
    silentCallCount = silent.count - adopted.count
    unclaimedCount = unclaimed.count { !used.contains($0) }
    otherStreams = streams.indices.filter { !used.contains($0) && streams[$0].looksLikeSound(leastPackets: least) }
      .map { recorded(streams[$0], codecs: codecs(of: streams[$0], leg: nil, isToCaller: false)) }
    calls.sort { $0.order < $1.order }
    calls += further
    for index in calls.indices { calls[index].number = index + 1 }
    return calls
  }

  /// What a second reading should take the payload types for; nil if the first one had them right.
  func betterCodecs() -> KnownCodecs? {
    if corrections.isEmpty { return nil }
    var codecs = KnownCodecs()
    for correction in corrections { codecs.find(correction.codec, of: correction.type, in: correction.key) }
    return codecs
  }

  /// Which streams make a session's call; none if it has no sound.
  private func parts(legs: [Int], _ candidates: [Int]) -> [Part] {
    var parts: [Part] = []
    var taken: Set<Int> = []
    var spokenLeg: Int?
    for leg in legs {
      // The first leg with sound is the caller's. Another leg of its dialog may add what passed elsewhere, such as
      // after a re-INVITE around a proxy; the legs behind a back-to-back agent repeat what the caller's leg has.
      if let spokenLeg, signalling.legs[leg].dialog != signalling.legs[spokenLeg].dialog { continue }
      for isNear in [true, false] {
        for index in candidates where !taken.contains(index) {
          guard var channel = channel(of: streams[index].key, in: signalling.legs[leg], isNear: isNear) else {
            continue
          }
          // The same sound again: at another hop, or on the far side of a relay.
          let repeated = parts.first {
            $0.channel == channel && ($0.leg != leg || $0.isNear && !isNear) && overlaps($0.stream, index)
          }
          if let repeated {
            guard isReply(index, to: repeated.stream),
              !parts.contains(where: { $0.channel == 1 - channel && overlaps($0.stream, index) })
            else { continue }
            channel = 1 - channel
          }
          parts.append(Part(stream: index, channel: channel, leg: leg, isNear: isNear))
          taken.insert(index)
          if spokenLeg == nil, !streams[index].spans.isEmpty { spokenLeg = leg }
        }
      }
    }
    // What goes the other way between the same endpoints as a stream of the call, though no SDP names them.
    for index in candidates where !taken.contains(index) {
      let flow = streams[index].key.reversed.flow
      guard let other = parts.first(where: { streams[$0.stream].key.flow == flow }) else { continue }
      let channel = 1 - other.channel
      if parts.contains(where: { $0.channel == channel && overlaps($0.stream, index) }) { continue }
      parts.append(Part(stream: index, channel: channel, leg: other.leg, isNear: other.isNear))
    }
    return spokenLeg == nil ? [] : parts
  }

  /// 0 for what the leg's caller sent, 1 for what was sent to him; nil for what is not this leg's.
  ///
  /// - Parameter isNear: whether to go by the caller's own address, or by the called party's, which serves where the
  ///   caller's is not what he sends from (NAT).
  private func channel(of key: StreamKey, in leg: SignalledLeg, isNear: Bool) -> Int? {
    let isDeclared = { (endpoint: FrameAddress) in
      leg.declarations.contains { $0.isCaller == isNear && $0.media.endpoint == endpoint }
    }
    if isDeclared(key.target) { return isNear ? 1 : 0 }
    if isDeclared(key.source) { return isNear ? 0 : 1 }
    return nil
  }

  /// True if one stream goes the other way between the hosts of another, and is not that sound sent back: then both
  /// cannot be what one party said, whatever SDP tells of their ports.
  private func isReply(_ index: Int, to other: Int) -> Bool {
    let (one, other) = (streams[index], streams[other])
    return one.key.source.host != one.key.target.host && one.key.source.host == other.key.target.host
      && one.key.target.host == other.key.source.host && !one.isCopy(of: other)
  }

  private func overlaps(_ a: Int, _ b: Int) -> Bool {
    min(streams[a].lastTime, streams[b].lastTime) &- max(streams[a].firstTime, streams[b].firstTime) > Self.overlap
  }

  /// - Parameter dialog: nil where no SIP tells of the call.
  private mutating func build(_ dialog: SignalledDialog?, _ parts: [Part]) -> RecordedCall? {
    let spans = likelySpans(parts)
    guard let start = spans.map(\.begin).min(), let end = spans.map(\.end).max(), end > start else { return nil }
    var directions = [RecordedCall.Direction(), RecordedCall.Direction()]
    var sounds: [SoundPart] = []
    for part in parts.sorted(by: { streams[$0.stream].firstRecord < streams[$1.stream].firstRecord }) {
      let stream = streams[part.stream]
      let leg = part.leg.map { signalling.legs[$0] }
      let codecs = self.codecs(of: stream, leg: leg, isToCaller: part.channel == 1)
      note(codecs, of: stream)
      let keys = leg.map { self.keys($0, part.channel) } ?? []
      sounds.append(
        SoundPart(
          key: stream.key, firstRecord: stream.firstRecord, lastRecord: stream.lastRecord, channel: part.channel,
          stretches: stream.stretches, codecs: marked(codecs, stream, leg, keys), keys: keys))
      directions[part.channel].add(recorded(stream, codecs: sounds[sounds.count - 1].codecs))
    }
    let first = directions[0].streams.first ?? directions[1].streams.first
    let isLeft = !directions[0].streams.isEmpty
    let ends = first.map { isLeft ? ($0.source, $0.target) : ($0.target, $0.source) } ?? ("", "")
    return RecordedCall(
      number: 0, callID: dialog?.callID, sessionID: dialog?.sessionID, caller: dialog?.caller ?? ends.0,
      called: dialog?.called ?? ends.1, startTime: start, duration: min(end &- start, RecordedCall.longest),
      left: directions[0], right: directions[1], parts: sounds, order: dialog?.firstTime ?? start)
  }

  /// The times in which something sounds; where they lie too far apart for one call, those of the fullest time: one
  /// damaged time of day must not cost the whole call.
  private func likelySpans(_ parts: [Part]) -> ArraySlice<MediaStream.Span> {
    let spans = parts.flatMap { streams[$0.stream].spans }.sorted { $0.begin < $1.begin }
    var best = 0..<0
    var bestLength: Int64 = 0
    var length: Int64 = 0
    var first = 0
    for index in spans.indices {
      length = length &+ (spans[index].end &- spans[index].begin)
      while spans[index].begin.subtractingReportingOverflow(spans[first].begin).overflow
        || spans[index].begin - spans[first].begin > RecordedCall.longest
      {
        length = length &- (spans[first].end &- spans[first].begin)
        first += 1
      }
      if length > bestLength {
        bestLength = length
        best = first..<index + 1
      }
    }
    return spans[best]
  }

  /// The keys that a leg's party has declared for what it sends.
  private func keys(_ leg: SignalledLeg, _ channel: Int) -> [MediaKey] {
    var keys: [MediaKey] = []
    // Where plain sound was offered together with keys, keys on both sides tell that they were taken.
    let isTaken = [true, false].allSatisfy { side in
      leg.declarations.contains { $0.isCaller == side && !$0.media.keys.isEmpty }
    }
    guard isTaken || leg.declarations.contains(where: \.media.isEncrypted) else { return [] }
    for declaration in leg.declarations where declaration.isCaller == (channel == 0) {
      for key in declaration.media.keys where !keys.contains(key) { keys.append(key) }
    }
    return Array(keys.suffix(SoundPart.mostKeys))
  }

  /// What the stream's payload types mean: the receiver's word counts (RFC 3264 §5.1), then the sender's, then RFC 3551,
  /// then what the packets look like.
  private func codecs(of stream: MediaStream, leg: SignalledLeg?, isToCaller: Bool) -> [UInt8: PayloadCodec] {
    var codecs: [UInt8: PayloadCodec] = [:]
    for payload in stream.payloads {
      let type = payload.type
      let said = { (byCaller: Bool) in
        leg?.declarations.last { $0.isCaller == byCaller && $0.media.codecs[type] != nil }?.media.codecs[type]
      }
      codecs[type] =
        said(isToCaller) ?? said(!isToCaller) ?? PayloadCodec(staticPayloadType: type) ?? stream.guess(payload)
    }
    return codecs
  }

  /// Names what is encrypted without a key, so that noise is not taken for sound.
  private func marked(
    _ codecs: [UInt8: PayloadCodec], _ stream: MediaStream, _ leg: SignalledLeg?, _ keys: [MediaKey]
  ) -> [UInt8: PayloadCodec] {
    guard keys.isEmpty else { return codecs }
    let isSaidToBe = leg?.declarations.contains { $0.media.isEncrypted } ?? false
    return codecs.mapValues { codec in
      // The recorder of a call may have decrypted it: of codecs whose length tells, the length counts.
      let isEncrypted = codec.tellsLength ? stream.isEncrypted(codec) : isSaidToBe && codec.isAudio
      return isEncrypted ? .other("SRTP \(codec.name)", clockRate: codec.clockRate) : codec
    }
  }

  /// Notes where the stream was put in time by another clock than its own.
  private mutating func note(_ codecs: [UInt8: PayloadCodec], of stream: MediaStream) {
    for payload in stream.payloads {
      guard let codec = codecs[payload.type], codec != payload.codec, codec.isAudio || payload.codec.isAudio else {
        continue
      }
      let wasPlaced = payload.shape.isPlaced(payloadLength: payload.longest)
      let shape = PayloadShape(codec, isKnown: true)
      if wasPlaced || shape.isPlaced(payloadLength: payload.longest), shape != payload.shape {
        corrections.append((stream.key, payload.type, codec))
      }
    }
  }

  private func recorded(_ stream: MediaStream, codecs: [UInt8: PayloadCodec]) -> RecordedStream {
    var names: [PayloadCodec] = []
    for payload in stream.payloads.sorted(by: { ($0.count, $1.type) > ($1.count, $0.type) }) {
      if let codec = codecs[payload.type], !names.contains(codec) { names.append(codec) }
    }
    return RecordedStream(
      source: stream.key.source.endpoint?.description ?? "", target: stream.key.target.endpoint?.description ?? "",
      ssrc: stream.key.ssrc, codecs: names, packetCount: stream.packetCount, lostCount: stream.lostCount,
      jitter: stream.timeline.meanJitter, mostJitter: stream.timeline.mostJitter, firstTime: stream.firstTime,
      lastTime: stream.lastTime)
  }
}

extension RecordedCall.Direction {
  /// Adds a stream to what a party sent.
  fileprivate mutating func add(_ stream: RecordedStream) {
    let packets = packetCount + stream.packetCount
    if packets > 0 {
      let sum = Double(jitter) * Double(packetCount) + Double(stream.jitter) * Double(stream.packetCount)
      jitter = Int64(sum / Double(packets))
    }
    mostJitter = max(mostJitter, stream.mostJitter)
    packetCount = packets
    lostCount += stream.lostCount
    for codec in stream.codecs where codec.isAudio && !codecs.contains(codec) { codecs.append(codec) }
    streams.append(stream)
  }
}
