/// G.722 at 64 kbit/s: a byte is two samples at 16000 Hz, though its RTP clock says 8000 (RFC 3551 §4.5.2).
///
/// Written after the Recommendation, with the names of its blocks: in the spandsp that Debian builds for x86-64, the filter
/// that joins the two bands reads foreign memory.
package final class G722Decoder: AudioDecoder {
  package let sampleRate = 16_000
  private var low = G722Band(step: 32)
  private var high = G722Band(step: 8)
  private let tables = G722Tables.shared
  private let filter = UnsafeMutablePointer<Int32>.allocate(capacity: 24)
  private let concealer: Concealer

  /// - Returns: nil if there is no memory for it.
  package init?() {
    guard let concealer = Concealer() else { return nil }
    self.concealer = concealer
    filter.update(repeating: 0, count: 24)
  }

  deinit { filter.deallocate() }

  package func decode(_ payload: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    let count = min(payload.count, samples.count / 2)
    for index in 0..<count {
      let code = Int(payload[index])
      let (first, second) = join(low: lowBand(code & 0x3F), high: highBand(code >> 6))
      samples[2 * index] = first
      samples[2 * index + 1] = second
    }
    concealer.hear(samples, count: 2 * count)
    return 2 * count
  }

  package func conceal(into samples: UnsafeMutableBufferPointer<Int16>) -> Int { concealer.fill(samples) }

  /// 0 to 4000 Hz, by 6 bits.
  private func lowBand(_ code: Int) -> Int32 {
    // INVQBL, RECONS, LIMIT; the predictor sees the four upper bits only (INVQAL).
    let sound = limited(low.prediction &+ (low.step &* tables.sixBits[code]) >> 15)
    let difference = (low.step &* tables.fourBits[code >> 2]) >> 15
    low.scale(by: tables.lowFactors[code >> 2], most: 18_432, shift: 8)
    low.adapt(to: difference)
    return sound
  }

  /// 4000 to 8000 Hz, by 2 bits.
  private func highBand(_ code: Int) -> Int32 {
    let difference = (high.step &* tables.twoBits[code]) >> 15
    let sound = limited(high.prediction &+ difference)
    high.scale(by: tables.highFactors[code], most: 22_528, shift: 10)
    high.adapt(to: difference)
    return sound
  }

  /// The receiving quadrature mirror filter: two samples of the whole band.
  private func join(low: Int32, high: Int32) -> (Int16, Int16) {
    filter.update(from: filter + 2, count: 22)
    filter[22] = low &+ high
    filter[23] = low &- high
    var (first, second): (Int32, Int32) = (0, 0)
    for index in 0..<12 {
      second &+= filter[2 * index] &* tables.mirror[index]
      first &+= filter[2 * index + 1] &* tables.mirror[11 - index]
    }
    return (Int16(truncatingIfNeeded: saturated(first >> 11)), Int16(truncatingIfNeeded: saturated(second >> 11)))
  }

  @inline(__always)
  private func limited(_ value: Int32) -> Int32 { max(-16_384, min(16_383, value)) }
}

/// The adaptive predictor and quantiser step of one band.
struct G722Band: ~Copyable {
  /// What the band's next sample is expected to be (PREDIC).
  private(set) var prediction: Int32 = 0
  /// The quantiser's step.
  private(set) var step: Int32
  private let tables = G722Tables.shared
  private var scale: Int32 = 0
  private var zeroPart: Int32 = 0
  /// Differences, their coefficients; reconstructions, partial reconstructions, their coefficients; newest first.
  private let memory = UnsafeMutablePointer<Int32>.allocate(capacity: 23)
  private let d: UnsafeMutablePointer<Int32>
  private let b: UnsafeMutablePointer<Int32>
  private let r: UnsafeMutablePointer<Int32>
  private let p: UnsafeMutablePointer<Int32>
  private let a: UnsafeMutablePointer<Int32>

  init(step: Int32) {
    self.step = step
    memory.update(repeating: 0, count: 23)
    (d, b, r, p, a) = (memory, memory + 7, memory + 14, memory + 17, memory + 20)
  }

  deinit { memory.deallocate() }

  /// LOGSCL and SCALEL, or LOGSCH and SCALEH.
  @inline(__always)
  mutating func scale(by factor: Int32, most: Int32, shift: Int32) {
    scale = max(0, min(most, (scale &* 127) >> 7 &+ factor))
    let mantissa = tables.mantissas[Int(scale >> 6 & 31)]
    let exponent = shift &- scale >> 11
    step = (exponent < 0 ? mantissa << -exponent : mantissa >> exponent) << 2
  }

  /// Block 4: takes the difference from the prediction, and predicts anew.
  @inline(__always)
  mutating func adapt(to difference: Int32) {
    // RECONS, PARREC.
    d[0] = difference
    r[0] = saturated(prediction &+ difference)
    p[0] = saturated(zeroPart &+ difference)
    // UPPOL2.
    let isSameAsLast = p[0] >> 15 == p[1] >> 15
    let isSameAsBefore = p[0] >> 15 == p[2] >> 15
    let slope = saturated(a[1] << 2)
    var second = isSameAsLast ? min(32_767, 0 &- slope) : slope
    second = (isSameAsBefore ? 128 : -128) &+ second >> 7 &+ (a[2] &* 32_512) >> 15
    second = max(-12_288, min(12_288, second))
    // UPPOL1.
    let bound = saturated(15_360 &- second)
    let first = max(0 &- bound, min(bound, saturated((isSameAsLast ? 192 : -192) &+ (a[1] &* 32_640) >> 15)))
    // UPZERO, DELAYA.
    let change: Int32 = difference == 0 ? 0 : 128
    var index = 6
    while index > 0 {
      let sign = d[index] >> 15 == difference >> 15 ? change : 0 &- change
      b[index] = saturated(sign &+ (b[index] &* 32_640) >> 15)
      index -= 1
    }
    index = 6
    while index > 0 {
      d[index] = d[index - 1]
      index -= 1
    }
    (r[2], r[1]) = (r[1], r[0])
    (p[2], p[1]) = (p[1], p[0])
    (a[2], a[1]) = (second, first)
    // FILTEP, FILTEZ, PREDIC.
    let pole = saturated((a[1] &* saturated(r[1] &+ r[1])) >> 15 &+ (a[2] &* saturated(r[2] &+ r[2])) >> 15)
    var zero: Int32 = 0
    index = 6
    while index > 0 {
      zero &+= (b[index] &* saturated(d[index] &+ d[index])) >> 15
      index -= 1
    }
    zeroPart = saturated(zero)
    prediction = saturated(pole &+ zeroPart)
  }
}

@inline(__always)
private func saturated(_ value: Int32) -> Int32 { max(-32_768, min(32_767, value)) }

/// The Recommendation's tables, outside of any value, so that they are read without a check: all indices are masked. They
/// live as long as the program.
struct G722Tables: @unchecked Sendable {
  static let shared = G722Tables()

  let mantissas = Self.table([
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
  ])
  /// By the four upper bits of the low band's code.
  let lowFactors = Self.table([
    -60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60,
  ])
  let highFactors = Self.table([798, -214, 798, -214])
  let twoBits = Self.table([-7408, -1616, 7408, 1616])
  let fourBits = Self.table([
    0, -20_456, -12_896, -8968, -6288, -4240, -2584, -1200, 20_456, 12_896, 8968, 6288, 4240, 2584, 1200, 0,
  ])
  let sixBits = Self.table([
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232, -9360,
    -8576,
    -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
    -728,
    24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
  ])
  let mirror = Self.table([3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11])

  private static func table(_ values: [Int32]) -> UnsafePointer<Int32> {
    let memory = UnsafeMutablePointer<Int32>.allocate(capacity: values.count)
    memory.initialize(from: values, count: values.count)
    return UnsafePointer(memory)
  }
}
