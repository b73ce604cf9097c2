import Testing

import func Glibc.cos
import func Glibc.log10
import func Glibc.sin

@testable import Audio

/// Sound that comes piece by piece.
@Suite struct ResamplerPieceTests {
  private func sine(_ frequency: Double, _ count: Int, _ rate: Int) -> [Int16] {
    (0..<count).map { Int16((20_000 * sin(2 * .pi * frequency * Double($0) / Double(rate))).rounded()) }
  }

  private func convert(_ sound: [Int16], _ from: Int, _ to: Int, pieces: [Int]) throws -> [Int16] {
    let resampler = try #require(Resampler(from: from, to: to))
    var heard: [Int16] = []
    var place = 0
    var index = 0
    while place < sound.count {
      let piece = Array(sound[place..<min(sound.count, place + pieces[index % pieces.count])])
      heard += made(resampler.mostSamples(for: piece.count)) { out in
        piece.withUnsafeBufferPointer { resampler.feed($0, into: out) }
      }
      place += piece.count
      index += 1
    }
    return heard + made(resampler.mostSamples(for: 0)) { resampler.finish(into: $0) }
  }

  private func made(_ room: Int, _ body: (UnsafeMutableBufferPointer<Int16>) -> Int) -> [Int16] {
    [Int16](unsafeUninitializedCapacity: room) { buffer, count in
      buffer.initialize(repeating: 0)
      count = body(buffer)
    }
  }

  /// How far a sine stands above all that is not it, in dB, away from the ends.
  private func purity(_ sound: [Int16], _ frequency: Double, _ rate: Int) -> Double {
    let inner = sound[(sound.count / 4)..<(sound.count * 3 / 4)]
    var (s, c) = (0.0, 0.0)
    for (index, sample) in zip(inner.indices, inner) {
      let phase = 2 * .pi * frequency * Double(index) / Double(rate)
      s += Double(sample) * sin(phase)
      c += Double(sample) * cos(phase)
    }
    (s, c) = (2 * s / Double(inner.count), 2 * c / Double(inner.count))
    var (signal, rest) = (0.0, 0.0)
    for (index, sample) in zip(inner.indices, inner) {
      let phase = 2 * .pi * frequency * Double(index) / Double(rate)
      let wanted = s * sin(phase) + c * cos(phase)
      signal += wanted * wanted
      rest += (Double(sample) - wanted) * (Double(sample) - wanted)
    }
    return 10 * log10(signal / rest)
  }

  @Test(arguments: [
    (8000, 16_000), (8000, 48_000), (16_000, 8000), (48_000, 8000), (48_000, 16_000), (16_000, 48_000),
    (44_100, 48_000), (44_100, 8000), (8000, 11_025), (8000, 44_100), (8000, 22_050), (48_000, 12_345),
  ]) func aSineStaysPure(_ from: Int, _ to: Int) throws {
    for frequency in [440.0, 1000, 3200] {
      let sound = sine(frequency, from, from)
      let heard = try convert(sound, from, to, pieces: [from / 50])
      #expect(heard.count == (sound.count * to + from - 1) / from)
      let clean = purity(heard, frequency, to)
      #expect(clean > 60, "\(frequency) Hz: \(clean) dB")
      // Level and place stay too.
      let wanted = sine(frequency, to, to)
      let worst = zip(wanted, heard).dropFirst(400).dropLast(400).map { abs(Int($0) - Int($1)) }.max() ?? 0
      #expect(worst < 60, "\(frequency) Hz: \(worst)")
    }
  }

  /// What the lower rate cannot hold does not come back as something else.
  @Test func noAliases() throws {
    let heard = try convert(sine(6000, 48_000, 48_000), 48_000, 8000, pieces: [960])
    #expect(heard[400..<7600].allSatisfy { abs(Int($0)) < 20 })
    let up = try convert(sine(1000, 8000, 8000), 8000, 48_000, pieces: [160])
    #expect(purity(up, 1000, 48_000) > 70)
  }

  @Test(arguments: [(8000, 16_000), (48_000, 8000), (44_100, 48_000)]) func piecesMakeNoDifference(
    _ from: Int, _ to: Int
  ) throws {
    let sound = sine(700, 20_000, from)
    let whole = try convert(sound, from, to, pieces: [4096])
    #expect(try convert(sound, from, to, pieces: [160]) == whole)
    #expect(try convert(sound, from, to, pieces: [1, 2, 3, 500, 4096, 7]) == whole)
  }
}
