import func Glibc.sin

/// Changes the sampling rate of a sound, for any two rates, whole or piece by piece: the pieces' borders are not heard.
///
/// A windowed sinc with a table for each phase. Quality: what lies above the lower rate's half is 80 dB down, what lies
/// below 0.84 of it is flat, and a sine within keeps 70 dB to all else. Nothing but `init` allocates.
package final class Resampler {
  /// Rates that are accepted, in Hz.
  package static let rates = 1000...768_000

  /// Zero crossings of the sinc on each side.
  private static let crossings = 32
  /// The cut-off against the lower rate's half; the rest is the filter's slope.
  private static let cutoff = 0.92
  /// Kaiser's parameter for a stop band of -80 dB.
  private static let steepness = 7.86
  /// For rates with little in common the nearest of so many phases is taken.
  private static let mostPhases = 1024
  /// The longest piece that is taken at once.
  package static let longestPiece = 4096

  package let from: Int
  package let to: Int
  /// Of the reduced ratio `to` / `from`: an output sample is `down` steps, an input sample `up` steps.
  private let up: Int
  private let down: Int
  private let phases: Int
  /// Input samples on each side that an output sample is made of; twice as many is a multiple of 8.
  private let reach: Int
  private let table: UnsafeMutablePointer<Float>
  private let input: UnsafeMutablePointer<Float>
  /// How many input samples are held, and the one at or before the next output sample.
  private var held = 0
  private var base = 0
  /// How far the next output sample lies behind `base`, in steps.
  private var phase = 0
  /// Output samples still owed for what was fed, times `down`.
  private var owed = 0

  /// - Returns: nil for a rate outside `rates`.
  package init?(from: Int, to: Int) {
    guard Self.rates.contains(from), Self.rates.contains(to) else { return nil }
    self.from = from
    self.to = to
    let divisor = Self.divisor(from, to)
    (up, down) = (to / divisor, from / divisor)
    phases = min(up, Self.mostPhases)
    // Zero crossings of the kernel an input sample; less than 1 where the rate falls and the kernel is stretched.
    let density = min(1, Double(to) / Double(from)) * Self.cutoff
    reach = (Int((Double(Self.crossings) / density).rounded(.up)) + 3) / 4 * 4
    let taps = reach * 2
    table = .allocate(capacity: phases * taps)
    for phase in 0..<phases {
      let row = table + phase * taps
      var total: Float = 0
      for tap in 0..<taps {
        let distance = Double(tap - reach + 1) - Double(phase) / Double(phases)
        row[tap] = Float(Self.kernel(distance * density))
        total += row[tap]
      }
      for tap in 0..<taps { row[tap] /= total }
    }
    input = .allocate(capacity: taps * 2 + Self.longestPiece)
    reset()
  }

  deinit {
    table.deallocate()
    input.deallocate()
  }

  /// Forgets what came; the next sample begins a sound.
  package func reset() {
    input.update(repeating: 0, count: reach - 1)
    held = reach - 1
    base = reach - 1
    (phase, owed) = (0, 0)
  }

  /// How many samples `count` fed samples, or the end, can give at most.
  package func mostSamples(for count: Int) -> Int { (count + 2 * reach) * up / down + 2 }

  /// Takes the sound's next samples, `longestPiece` at most; what is beyond is left out.
  ///
  /// - Parameter out: room for `mostSamples(for:)`.
  /// - Returns: how many samples of the new rate were written. They lag behind what was fed, until `finish`.
  package func feed(_ samples: UnsafeBufferPointer<Int16>, into out: UnsafeMutableBufferPointer<Int16>) -> Int {
    let count = min(samples.count, Self.longestPiece)
    for index in 0..<count { input[held + index] = Float(samples[index]) }
    held += count
    owed += count * up
    return produce(out)
  }

  /// Gives what is left of the sound, after which silence follows, and forgets it.
  package func finish(into out: UnsafeMutableBufferPointer<Int16>) -> Int {
    if owed <= 0 {
      reset()
      return 0
    }
    input.advanced(by: held).update(repeating: 0, count: reach)
    held += reach
    let count = produce(out)
    reset()
    return count
  }

  /// A whole sound at the new rate, as long in time; what lies before and behind it counts as silence. Held at full scale.
  package func resample(_ sound: [Int16]) -> [Int16] {
    if from == to { return sound }
    let (product, overflow) = sound.count.multipliedReportingOverflow(by: to)
    guard !overflow else { return [] }
    reset()
    var whole: [Int16] = []
    whole.reserveCapacity(product / from)
    let room = UnsafeMutableBufferPointer<Int16>.allocate(capacity: mostSamples(for: Self.longestPiece))
    defer { room.deallocate() }
    sound.withUnsafeBufferPointer { samples in
      var rest = samples[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Self.longestPiece)
        rest = rest.dropFirst(piece.count)
        whole += room[..<feed(UnsafeBufferPointer(rebasing: piece), into: room)]
      }
    }
    whole += room[..<finish(into: room)]
    return Array(whole.prefix(product / from))
  }

  private func produce(_ out: UnsafeMutableBufferPointer<Int16>) -> Int {
    let taps = reach * 2
    var count = 0
    while base + reach < held, owed > 0, count < out.count {
      let row = UnsafeRawPointer(table + (phases == up ? phase : phase * phases / up) * taps)
      let source = UnsafeRawPointer(input + (base - reach + 1))
      var total = SIMD8<Float>(repeating: 0)
      var offset = 0
      while offset < taps * 4 {
        total +=
          row.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
          * source.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
        offset += 32
      }
      out[count] = Int16(max(-32_768, min(32_767, total.sum())).rounded())
      count += 1
      owed -= down
      phase += down
      while phase >= up {
        phase -= up
        base += 1
      }
    }
    // What the next output sample does not need any more makes room.
    let used = min(base - reach + 1, held)
    if used > 0 {
      held -= used
      base -= used
      input.update(from: input + used, count: held)
    }
    return count
  }

  /// A sinc under Kaiser's window; `x` in zero crossings.
  private static func kernel(_ x: Double) -> Double {
    let edge = x / Double(crossings)
    guard edge.magnitude < 1 else { return 0 }
    let sinc = x == 0 ? 1 : sin(.pi * x) / (.pi * x)
    return sinc * bessel(steepness * (1 - edge * edge).squareRoot()) / bessel(steepness)
  }

  /// The modified Bessel function of order 0.
  private static func bessel(_ x: Double) -> Double {
    var (sum, term, index) = (1.0, 1.0, 1.0)
    while term > sum * 1e-12 {
      term *= (x / (2 * index)) * (x / (2 * index))
      sum += term
      index += 1
    }
    return sum
  }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
}
