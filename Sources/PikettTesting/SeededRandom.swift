import Synchronization
package import Telephony

extension RandomSource {
  /// A source whose whole sequence follows from `seed`; copies of it share one sequence.
  package static func seeded(_ seed: UInt64) -> RandomSource {
    let draws = Draws()
    return RandomSource {
      // SplitMix64 adds a constant for each number and mixes, so that the n-th number can be had directly.
      let count = draws.count.wrappingAdd(1, ordering: .relaxed).oldValue
      var generator = SeededGenerator(seed: seed &+ count &* 0x9E37_79B9_7F4A_7C15)
      return generator.next()
    }
  }
}

private final class Draws: Sendable {
  let count = Atomic<UInt64>(0)
}
