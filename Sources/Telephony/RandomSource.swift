/// Where the core gets its tags, Call-IDs, nonces and SSRCs from: the system's generator in the daemon, a seed in tests.
package struct RandomSource: Sendable {
  private let draw: @Sendable () -> UInt64

  /// - Parameter next: 64 random bits a call.
  package init(_ next: @escaping @Sendable () -> UInt64) { draw = next }

  /// 64 random bits.
  package func next() -> UInt64 { draw() }

  /// A number from `range`, without bias that matters (the range is small against 2^64).
  package func next(in range: ClosedRange<UInt64>) -> UInt64 {
    let width = range.upperBound - range.lowerBound
    return width == .max ? draw() : range.lowerBound + draw() % (width + 1)
  }

  /// A token of `count` hexadecimal digits, as tags, branches and Call-IDs need it.
  package func token(_ count: Int = 16) -> String {
    var text = ""
    while text.utf8.count < count { text += padded16(draw()) }
    return String(text.prefix(count))
  }

  private func padded16(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}

/// SplitMix64: a small generator whose whole sequence follows from its seed (tests and simulations).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
