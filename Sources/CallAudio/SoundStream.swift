import Decoders
import RTP
import SDP
import Telephony

/// One stream on its way into a call's sound: decrypted, put in order, decoded, brought to the sound's rate.
///
/// Plain G.711 at 8000 Hz goes a shorter way, as it needs none of that.
final class SoundStream {
  /// What is filled in for lost packets, before it becomes silence.
  private static let longestConcealment = 60
  /// How long the noise of a pause goes on that the sender has described once, in seconds.
  private static let longestPause = 60
  /// The most samples of one packet; what is beyond is nonsense.
  private static let mostSamples = 48_000

  private let codecs: [UInt8: PayloadCodec]
  private let rate: Int
  private let decryptor: StreamDecryptor?
  private var window = PacketWindow()
  private var run: SoundRun
  private var key: KeyTone?
  private var decoders: [PayloadCodec: any AudioDecoder] = [:]
  /// The one that gave the last sound.
  private var current: (codec: PayloadCodec, decoder: any AudioDecoder)?
  private var noise = ComfortNoise()
  /// Where the noise begins that is to be heard until the next packet.
  private var noiseStart: Int64?
  /// The furthest place of all packets that have been played, be they sound, noise or key presses.
  private var newestFrame = Int64.min
  private let samples = UnsafeMutableBufferPointer<Int16>.allocate(capacity: mostSamples)

  /// - Parameters:
  ///   - rendersKeys: key presses are heard as their tones.
  ///   - budget: what the search for keys may cost.
  init(_ part: SoundPart, _ track: CallTrack, rendersKeys: Bool, _ budget: SearchBudget) {
    codecs = part.codecs
    rate = track.rate
    run = SoundRun(track, channel: part.channel)
    key = rendersKeys ? KeyTone(rate: track.rate) : nil
    let keys = part.keys.map {
      StreamKeyMaterial(
        master: $0.key.secret, name: $0.name, hasShortTag: $0.suite == .sha1With32Bits)
    }
    decryptor = keys.isEmpty ? nil : StreamDecryptor(keys, ssrc: part.key.ssrc, budget)
  }

  deinit { samples.deallocate() }

  /// True if a stream has to go this way.
  static func isNeeded(for part: SoundPart, rate: Int, rendersKeys: Bool) -> Bool {
    if rate != 8000 || !part.keys.isEmpty { return true }
    return part.codecs.values.contains { codec in
      switch codec {
      case .pcmu, .pcma, .other: false
      case .telephoneEvent: rendersKeys
      case .comfortNoise, .g722, .gsm, .g729, .l16, .opus: true
      }
    }
  }

  /// Takes the next packet of the capture.
  ///
  /// - Parameters:
  ///   - datagram: the whole packet, and `header` its own.
  ///   - frame: where its sound belongs.
  func take(_ datagram: RawSpan, _ header: RTPHeader, frame: Int64, arrival: Int64) throws(FileProblem) {
    try datagram.withUnsafeBytes { (bytes) throws(FileProblem) in try take(bytes, header, frame, arrival) }
  }

  private func take(
    _ bytes: UnsafeRawBufferPointer, _ header: RTPHeader, _ frame: Int64, _ arrival: Int64
  ) throws(FileProblem) {
    var header = header
    var packet = bytes
    if let decryptor {
      if let plain = decryptor.decrypt(bytes), let own = try? RTPHeader(parsing: plain) {
        (packet, header) = (plain, own)
      } else if decryptor.hasFitted || !isSurelyPlain(header) {
        return
      }
    }
    let payload = UnsafeRawBufferPointer(rebasing: packet[header.payloadRange])
    switch window.judge(header.sequenceNumber, isBehind: frame <= newestFrame || frame < run.end) {
    case .late: return
    case .early:
      window.hold(
        PacketWindow.Packet(
          sequence: header.sequenceNumber, timestamp: header.timestamp, type: header.payloadType, frame: frame,
          arrival: arrival, payload: Array(payload)))
    case .anew:
      try drain(at: nil)
      window.restart(at: header.sequenceNumber)
      try endRun()
      decoders = [:]
      current = nil
      newestFrame = .min
      try play(payload, type: header.payloadType, timestamp: header.timestamp, frame: frame, lost: 0)
    case .next: try play(payload, type: header.payloadType, timestamp: header.timestamp, frame: frame, lost: 0)
    }
    if !window.isEmpty { try drain(at: arrival) }
  }

  /// Keys may have been offered and not taken, or the capture's maker has decrypted the sound: whole frames and no tag.
  private func isSurelyPlain(_ header: RTPHeader) -> Bool {
    switch codecs[header.payloadType] {
    case .pcmu, .pcma, .g722: header.payloadLength > 0 && header.payloadLength % 80 == 0
    case .gsm: header.payloadLength > 0 && header.payloadLength % 33 == 0
    case .telephoneEvent: header.payloadLength == TelephoneEvent.encodedLength
    case .comfortNoise, .g729, .l16, .opus, .other, nil: false
    }
  }

  /// No more packets come.
  func finish() throws(FileProblem) {
    try drain(at: nil)
    try endRun()
    if let change = key?.finish() { try sound(change) }
  }

  private func drain(at time: Int64?) throws(FileProblem) {
    while let (packet, lost) = window.pop(at: time) {
      try packet.payload.span.bytes.withUnsafeBytes { (bytes) throws(FileProblem) in
        try play(bytes, type: packet.type, timestamp: packet.timestamp, frame: packet.frame, lost: lost)
      }
    }
  }

  private func play(
    _ payload: UnsafeRawBufferPointer, type: UInt8, timestamp: UInt32, frame: Int64, lost: Int
  ) throws(FileProblem) {
    newestFrame = max(newestFrame, frame)
    guard let codec = codecs[type] else { return }
    switch codec {
    case .telephoneEvent(let clockRate):
      guard key != nil, let event = TelephoneEvent(parsing: payload) else { return }
      if key?.isOver(with: event, timestamp: timestamp, frame: frame) == true, let change = key?.finish() {
        try sound(change)
      }
      if let change = key?.take(event, timestamp: timestamp, frame: frame, clockRate: clockRate) { try sound(change) }
    case .comfortNoise:
      try fillPause(until: frame)
      try endRun()
      noise.describe(payload)
      noiseStart = frame
    case .other: try endRun()
    case .pcmu, .pcma, .g722, .gsm, .g729, .l16, .opus:
      try fillPause(until: frame)
      guard !payload.isEmpty, let decoder = decoder(for: codec) else { return }
      try bridge(to: frame, lost: lost, decoder, next: payload)
      let count = decoder.decode(payload, into: samples)
      try run.add(UnsafeBufferPointer(rebasing: samples[..<count]))
    }
  }

  /// The noise that was described is heard until `frame`.
  private func fillPause(until frame: Int64) throws(FileProblem) {
    guard let start = noiseStart, frame > start else { return }
    noiseStart = nil
    let end = min(frame, start + Int64(Self.longestPause * rate))
    var position = start
    while position < end {
      let piece = UnsafeMutableBufferPointer(rebasing: samples[..<min(samples.count, Int(end - position))])
      noise.fill(piece)
      try run.track.put(UnsafeBufferPointer(piece), channel: run.channel, at: position, around: run.tone)
      position += Int64(piece.count)
    }
  }

  /// Fills what lies between the sound before and the packet at `frame`: `lost` packets, or a pause.
  private func bridge(
    to frame: Int64, lost: Int, _ decoder: any AudioDecoder, next: UnsafeRawBufferPointer
  ) throws(FileProblem) {
    guard run.isRunning else { return run.begin(at: frame, from: decoder.sampleRate) }
    let gap = frame - run.end
    if gap.magnitude <= run.slack { return try run.slip(to: frame) }
    guard gap > 0, lost > 0 || decoder.isPausing else {
      try endRun()
      return run.begin(at: frame, from: decoder.sampleRate)
    }
    let missing = Int(min(gap, Int64(Self.longestPause * rate))) * decoder.sampleRate / rate
    let repeated = lost > 0 ? decoder.length(of: next) : 0
    let isRepeated = repeated > 0 && repeated <= missing + missing / 8
    let longest = decoder.isPausing ? missing : decoder.sampleRate * Self.longestConcealment / 1000
    var rest = min(longest, isRepeated ? max(0, missing - repeated) : missing)
    while rest > 0 {
      let count = decoder.conceal(into: UnsafeMutableBufferPointer(rebasing: samples[..<min(rest, samples.count)]))
      if count <= 0 { break }
      try run.add(UnsafeBufferPointer(rebasing: samples[..<count]))
      rest -= count
    }
    if isRepeated {
      let length = Int64(repeated * rate / decoder.sampleRate)
      try reach(frame - length, decoder)
      let count = decoder.recover(
        from: next, into: UnsafeMutableBufferPointer(rebasing: samples[..<min(repeated, samples.count)]))
      try run.add(UnsafeBufferPointer(rebasing: samples[..<count]))
    }
    try reach(frame, decoder)
  }

  /// The sound goes on at `frame`, after silence if it is not there yet.
  private func reach(_ frame: Int64, _ decoder: any AudioDecoder) throws(FileProblem) {
    if (frame - run.end).magnitude <= run.slack { return try run.slip(to: frame) }
    try run.finish()
    run.begin(at: frame, from: decoder.sampleRate)
  }

  private func endRun() throws(FileProblem) { try run.finish() }

  private func decoder(for codec: PayloadCodec) -> (any AudioDecoder)? {
    if let current, current.codec == codec { return current.decoder }
    guard let decoder = decoders[codec] ?? codec.decodable?.makeDecoder(preferredRate: rate) else { return nil }
    decoders[codec] = decoder
    if current?.decoder.sampleRate != decoder.sampleRate { try? run.finish() }
    current = (codec, decoder)
    return decoder
  }

  /// Writes a part of the key's tone, over what may be there, and keeps what comes later from being written over it.
  private func sound(_ change: Range<Int64>) throws(FileProblem) {
    guard let key else { return }
    run.tone = key.frames
    var position = change.lowerBound
    while position < change.upperBound {
      let count = Int(min(Int64(samples.count), change.upperBound - position))
      let piece = UnsafeMutableBufferPointer(rebasing: samples[..<count])
      key.fill(piece, from: position)
      try run.track.put(UnsafeBufferPointer(piece), channel: run.channel, at: position, around: 0..<0)
      position += Int64(count)
    }
  }
}

extension PayloadCodec {
  /// The decoder's word for it; nil for what cannot be decoded.
  var decodable: DecodableCodec? {
    switch self {
    case .pcmu: .pcmu
    case .pcma: .pcma
    case .g722: .g722
    case .gsm: .gsm
    case .g729: .g729
    case .l16(let rate, let channels): .l16(sampleRate: rate, channels: channels)
    case .opus: .opus
    case .telephoneEvent, .comfortNoise, .other: nil
    }
  }
}
