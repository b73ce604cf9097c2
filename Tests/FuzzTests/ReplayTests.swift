import Foundation
import Fuzz
import PikettTesting
import Telephony
import Testing

/// Every seed and every find of `tools/fuzz`, without libFuzzer.
@Suite struct ReplayTests {
  private static let root = packageRoot(above: #filePath) ?? "."
  private static let corpus = ProcessInfo.processInfo.environment["PIKETT_CORPUS"] ?? root + "/../shared/corpus"

  private static func seeds(_ target: FuzzTarget) -> [(name: String, bytes: [UInt8])] {
    FuzzSeeds.all(of: target, root: root, corpus: corpus)
  }

  @Test(arguments: FuzzTarget.allCases) func seedsAndFinds(_ target: FuzzTarget) {
    let seeds = Self.seeds(target)
    #expect(seeds.count >= 3, "\(target) has no seeds")
    for seed in seeds {
      let fault = target.fault(seed.bytes)
      #expect(fault == nil, "\(target) \(seed.name): \(fault ?? "")")
    }
  }

  /// A small share of what the fuzzer does: each seed cut short, with a byte changed, and joined to another.
  @Test(arguments: FuzzTarget.allCases) func changedSeeds(_ target: FuzzTarget) {
    var generator = SeededGenerator(seed: 475)
    let seeds = Self.seeds(target).map { Array($0.bytes.prefix(1500)) }.filter { !$0.isEmpty }
    for _ in 0..<300 {
      guard var bytes = seeds.randomElement(using: &generator), let other = seeds.randomElement(using: &generator)
      else {
        return
      }
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: bytes.removeSubrange(place...)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 2: bytes.replaceSubrange(place..., with: other.suffix(Int.random(in: 0...other.count, using: &generator)))
      default: bytes.remove(at: place)
      }
      let fault = target.fault(bytes)
      #expect(fault == nil, "\(target) \(bytes): \(fault ?? "")")
    }
  }

}
