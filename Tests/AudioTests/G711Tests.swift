import Audio
import Testing

@Suite struct G711Tests {
  /// The sections of `g711.txt`, whose head says where they come from.
  private static func section(_ name: String) throws -> [Substring] {
    let bytes = try #require(fixture("g711.txt"))
    var words: [Substring] = []
    var isInside = false
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
      if line.hasPrefix("[") { isInside = line == "[\(name)]" } else if isInside { words += line.split(separator: " ") }
    }
    return words
  }

  private static let names: [(String, G711)] = [("alaw", .aLaw), ("ulaw", .muLaw)]

  @Test(arguments: names) func decodesEachCode(name: String, law: G711) throws {
    let expected = try Self.section("decode \(name)").compactMap { Int16($0) }
    #expect(expected.count == 256)
    #expect(law.decode((0...255).map { UInt8($0) }) == expected)
  }

  @Test(arguments: names) func encodesEachSample(name: String, law: G711) throws {
    let steps = try Self.section("encode \(name)").map { $0.split(separator: ":") }
    var changes: [Int: UInt8] = [:]
    for step in steps { changes[try #require(Int(step[0], radix: 10))] = UInt8(step[1], radix: 10) }
    #expect(changes.count > 200)
    var expected: UInt8 = 0
    var wrong: [Int] = []
    for sample in -32_768...32_767 {
      expected = changes[sample] ?? expected
      if law.encode(Int16(sample)) != expected { wrong.append(sample) }
    }
    #expect(wrong.isEmpty, "samples \(wrong.prefix(5))")
  }

  @Test func convertsByTheTablesOfTheStandard() throws {
    let tables = G711Tables()
    let toMu = try Self.section("convert alaw").compactMap { UInt8($0) }
    let toA = try Self.section("convert ulaw").compactMap { UInt8($0) }
    #expect(toMu.count == 256 && toA.count == 256)
    var codes = (0...255).map { UInt8($0) }
    codes.withUnsafeMutableBytes { tables.transcode($0, from: .aLaw, to: .muLaw) }
    #expect(codes == toMu)
    codes = (0...255).map { UInt8($0) }
    codes.withUnsafeMutableBytes { tables.transcode($0, from: .muLaw, to: .aLaw) }
    #expect(codes == toA)
    codes.withUnsafeMutableBytes { tables.transcode($0, from: .muLaw, to: .muLaw) }
    #expect(codes == toA)
  }

  @Test func theTablesDecodeLikeTheFormulas() {
    let tables = G711Tables()
    for code in UInt8.min...UInt8.max {
      for law in G711.allCases { #expect(tables.decode(code, law) == law.decode(code)) }
    }
  }

  @Test func aCodeSurvivesItsOwnLaw() {
    for law in G711.allCases {
      for code in UInt8.min...UInt8.max {
        // Both zeros of mu-law are zero; it is sent as the positive one.
        let expected = law == .muLaw && code == 0x7F ? 0xFF : code
        #expect(law.encode(law.decode(code)) == expected)
      }
    }
  }

  @Test func silenceIsSilent() {
    #expect(abs(G711.aLaw.decode(G711.aLaw.silence)) == 8)
    #expect(G711.muLaw.decode(G711.muLaw.silence) == 0)
  }

  @Test func aSineKeepsItsQuality() {
    let sound = sine(1000, amplitude: 16_000, count: 8000)
    for law in G711.allCases {
      let error = zip(sound, law.decode(law.encode(sound))).map { Double($0) - Double($1) }
      let noise = error.map { $0 * $0 }.reduce(0, +)
      let signal = sound.map { Double($0) * Double($0) }.reduce(0, +)
      // G.711 keeps some 38 dB at this level.
      #expect(signal / noise > 3000)
    }
  }
}
