import Audio
import RTP

import func Glibc.pow
import func Glibc.sin

/// A key press sent as events (RFC 4733), as the dual tone that it stands for: made longer by each packet of the press, so
/// that neither the first nor the last one is needed.
struct KeyTone {
  /// Where the tone belongs in the sound.
  private(set) var frames: Range<Int64> = 0..<0
  /// The press, or the last segment of a long one (RFC 4733 §2.5.1.3): its timestamp, and where that belongs.
  private var segment: (timestamp: UInt32, frame: Int64)?
  private var code: UInt8 = 0
  private var frequencies: [Double] = []
  private var amplitude = 0.0
  private var isEnded = false
  private let rate: Int

  init(rate: Int) { self.rate = rate }

  /// Takes the next packet.
  ///
  /// - Parameter frame: where its timestamp belongs.
  /// - Returns: which frames of the tone have to be made now; nil for none.
  mutating func take(_ event: TelephoneEvent, timestamp: UInt32, frame: Int64, clockRate: Int) -> Range<Int64>? {
    if segment?.timestamp != timestamp || event.code != code {
      // A packet of a press that is over already says nothing new.
      if let segment, Int32(bitPattern: timestamp &- segment.timestamp) < 0 { return nil }
      guard let digit = event.digit, let tone = Tone(dtmf: digit)?.segments.first else { return nil }
      if !goesOn(event, frame) {
        frames = frame..<frame
        isEnded = false
        frequencies = tone.frequencies
        // The volume is the power of both frequencies together; beyond these bounds it is a slip of the sender's.
        amplitude = 5104 * pow(10, Double(10 - Int(min(30, max(3, event.volume)))) / 20)
      }
      segment = (timestamp, frame)
      code = event.code
    }
    guard let segment, !isEnded else { return nil }
    let before = frames.upperBound
    let length = Int64(event.duration) * Int64(rate) / Int64(max(1, clockRate))
    frames = frames.lowerBound..<max(before, segment.frame + length)
    isEnded = event.isEnd
    return isEnded
      ? min(before, fadeStart)..<frames.upperBound : before < frames.upperBound ? before..<frames.upperBound : nil
  }

  /// True if a packet belongs to another press than those before it, whose end was not said.
  func isOver(with event: TelephoneEvent, timestamp: UInt32, frame: Int64) -> Bool {
    guard let segment, event.digit != nil, !isEnded else { return false }
    let isNew = segment.timestamp != timestamp || event.code != code
    return isNew && Int32(bitPattern: timestamp &- segment.timestamp) >= 0 && !goesOn(event, frame)
  }

  /// The press is over, though its end was not said: which frames have to be made now.
  mutating func finish() -> Range<Int64>? {
    guard !isEnded, !frames.isEmpty else { return nil }
    isEnded = true
    return fadeStart..<frames.upperBound
  }

  /// The samples of the tone from a frame on.
  func fill(_ samples: UnsafeMutableBufferPointer<Int16>, from first: Int64) {
    for index in samples.indices {
      let frame = first + Int64(index)
      let place = Double(frame - frames.lowerBound) / Double(rate)
      var value = 0.0
      for frequency in frequencies { value += sin(2 * .pi * frequency * place) }
      // The first and the last 5 ms rise and fall along a straight line, so that they do not click.
      var edge = frame - frames.lowerBound
      if isEnded { edge = min(edge, frames.upperBound - 1 - frame) }
      let level = edge < ramp ? Double(max(0, edge)) / Double(ramp) : 1
      samples[index] = Int16(max(-32_768, min(32_767, value * amplitude * level)))
    }
  }

  /// The next segment of a press that is longer than one can be.
  private func goesOn(_ event: TelephoneEvent, _ frame: Int64) -> Bool {
    segment != nil && !isEnded && event.code == code && (frame - frames.upperBound).magnitude <= Int64(rate / 1000)
  }

  private var fadeStart: Int64 { max(frames.lowerBound, frames.upperBound - ramp) }

  private var ramp: Int64 { Int64(rate / 200) }
}
