import func Glibc.cos
import func Glibc.sin

/// Changes the sampling rate by a windowed sinc, for any two rates.
///
/// What lies above the lower rate's half is taken out, so that speech at 44.1 or 48 kHz comes down to 8 kHz without
/// aliasing. Quality: stop band below -70 dB, pass band flat to 0.1 dB up to 0.84 of the lower half rate.
package struct Resampler: Sendable {
  /// Rates that are accepted, in Hz.
  package static let rates = 1000...768_000

  /// Zero crossings of the sinc on each side, and table entries from one to the next.
  private static let crossings = 32
  private static let resolution = 256
  /// The cut-off against the lower rate's half; the rest is the filter's slope.
  private static let cutoff = 0.92

  private let from: Int
  private let to: Int
  /// The right half of the windowed sinc, and its last zero.
  private let kernel: [Float]

  /// - Returns: nil for a rate outside `rates`.
  package init?(from: Int, to: Int) {
    guard Self.rates.contains(from), Self.rates.contains(to) else { return nil }
    self.from = from
    self.to = to
    let length = Self.crossings * Self.resolution
    kernel = (0...length + 1).map { index in
      if index >= length { return 0 }
      let x = Double(index) / Double(Self.resolution)
      let sinc = index == 0 ? 1 : sin(.pi * x) / (.pi * x)
      // Blackman: its side lobes lie below -70 dB.
      let phase = .pi * Double(index) / Double(length)
      return Float(sinc * (0.42 + 0.5 * cos(phase) + 0.08 * cos(2 * phase)))
    }
  }

  /// The whole sound at the new rate, as long in time; what lies before and after it counts as silence.
  package func resample(_ sound: [Float]) -> [Float] {
    if from == to { return sound }
    let (product, overflow) = sound.count.multipliedReportingOverflow(by: to)
    guard !overflow, !sound.isEmpty else { return [] }
    let count = product / from
    // Crossings of the kernel a source sample: 1 for a rise in rate, less for a fall, when the kernel is stretched.
    let density = min(1, Double(to) / Double(from)) * Self.cutoff
    let reach = Int((Double(Self.crossings) / density).rounded(.up))
    var out: [Float] = []
    out.reserveCapacity(count)
    for index in 0..<count {
      // index * from cannot overflow: it is below sound.count * to, but for the rounding of count.
      let (whole, rest) = (index * from).quotientAndRemainder(dividingBy: to)
      let fraction = Double(rest) / Double(to)
      var total: Float = 0
      for source in max(0, whole - reach)...min(sound.count - 1, whole + reach) {
        let distance = abs(Double(source - whole) - fraction) * density * Double(Self.resolution)
        let entry = Int(distance)
        guard entry < Self.crossings * Self.resolution else { continue }
        let weight = kernel[entry] + (kernel[entry + 1] - kernel[entry]) * Float(distance - Double(entry))
        total += weight * sound[source]
      }
      out.append(total * Float(density))
    }
    return out
  }

  /// The whole sound at the new rate, held at full scale.
  package func resample(_ sound: [Int16]) -> [Int16] {
    from == to ? sound : resample(sound.map { Float($0) }).map { Mixing.clamp(Double($0)) }
  }
}
