/// Sums and levels of linear samples. Nothing here allocates but the functions that return arrays.
package enum Mixing {
  /// The sum of two samples, held at full scale.
  package static func sum(_ a: Int16, _ b: Int16) -> Int16 {
    Int16(truncatingIfNeeded: max(-32_768, min(32_767, Int32(a) + Int32(b))))
  }

  /// Adds `sound` to `target`, sample by sample, as far as both go.
  package static func add(_ sound: UnsafeBufferPointer<Int16>, to target: UnsafeMutableBufferPointer<Int16>) {
    for index in 0..<min(sound.count, target.count) { target[index] = sum(target[index], sound[index]) }
  }

  /// Both sounds together, as long as the longer one.
  package static func mix(_ a: [Int16], _ b: [Int16]) -> [Int16] {
    let (long, short) = a.count >= b.count ? (a, b) : (b, a)
    var mixed = long
    for index in short.indices { mixed[index] = sum(mixed[index], short[index]) }
    return mixed
  }

  /// The sound `factor` times as loud, held at full scale; nothing but silence for a factor that is no number.
  package static func scale(_ sound: [Int16], by factor: Double) -> [Int16] { sound.map { clamp(Double($0) * factor) } }

  /// The nearest sample; full scale beyond, 0 for what is no number.
  static func clamp(_ value: Double) -> Int16 {
    if value >= 32_767 { return 32_767 }
    if value <= -32_768 { return -32_768 }
    return value.isNaN ? 0 : Int16(value.rounded())
  }
}
