import Audio
import Glibc
import PikettTesting
import Testing

/// Every variety of capture that data/fixtures/captures/varieties.tsv names, through the command: exit code, words, list,
/// and what is heard in each channel.
@Suite struct CorpusVarietyTests {
  @Test(arguments: try Variety.all()) func variety(_ one: Variety) throws {
    let directory = TemporaryDirectory()
    try copy(fixture("captures/varieties/\(one.file)"), to: directory, as: one.file)
    let isPiped = one.options == ["-"]
    let input = isPiped ? ["-"] : [one.file] + one.options
    let behind = isPiped ? "< \(one.file)" : ""
    let made = try pcap2wave(input + ["-o", "out.wav"], in: directory, behind: behind)
    #expect(made.status == one.status, "\(made)")
    #expect(one.says == "-" ? made.errors.isEmpty : made.errors.contains(one.says), "\(made.errors)")
    let listed = try pcap2wave([isPiped ? "-" : one.file, "--list", "--json"], in: directory, behind: behind)
    for piece in one.list where !listed.output.contains(piece) {
      Issue.record("--list --json holds no \(piece):\n\(listed.output)\(listed.errors)")
    }
    let wave = try WAVE(readFile(directory.file("out.wav")))
    try #require(wave.channels == 2)
    for (name, pieces, sound) in [("left", one.left, wave.channel(0)), ("right", one.right, wave.channel(1))] {
      for piece in pieces {
        if let fault = try piece.fault(in: sound, rate: wave.sampleRate, one) { Issue.record("\(name): \(fault)") }
      }
    }
  }

  @Test func everyCaptureIsInTheTable() throws {
    let listed = run(["/bin/ls", fixture("captures/varieties")]).output.split(separator: "\n").map(String.init)
    #expect(Set(listed) == Set(try Variety.all().map(\.file)))
  }
}

/// A line of the table.
struct Variety: Sendable, CustomTestStringConvertible {
  var file: String
  var mirrors: String
  var options: [String]
  var status: Int32
  var says: String
  var list: [String]
  var left: [HeardPiece]
  var right: [HeardPiece]
  /// How well the words must be there, and how many seconds away they may lie.
  var correlation: Double
  var slack: Double

  var testDescription: String { "\(file) \(options.joined(separator: " ")): \(mirrors)" }

  static func all() throws -> [Variety] {
    let text = String(decoding: try readFile(fixture("captures/varieties.tsv")), as: UTF8.self)
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    return try lines.dropFirst().map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      try #require(fields.count == 9, "\(line)")
      let match = fields[8].split(separator: " ").compactMap { Double($0) }
      try #require(match.count == 2, "\(line)")
      return Variety(
        file: fields[0], mirrors: fields[1],
        options: fields[2] == "none" ? [] : fields[2].split(separator: " ").map(String.init),
        status: try #require(Int32(fields[3])), says: fields[4], list: parts(fields[5]),
        left: try parts(fields[6]).map { try HeardPiece($0) }, right: try parts(fields[7]).map { try HeardPiece($0) },
        correlation: match[0], slack: match[1] / 1000)
    }
  }

  private static func parts(_ text: String) -> [String] {
    text.split(separator: ";").map { $0.drop { $0 == " " } }.map(String.init)
  }
}

/// What is to be heard somewhere: `demo-caller:0.8-1.6@0`, `silence:0.3@0.24`, `key5:0.12@0.21`.
struct HeardPiece: Sendable {
  var source: String
  /// In seconds: of the source, and where in the WAV.
  var from: Double
  var to: Double
  var place: Double

  init(_ text: String) throws {
    let words = text.split { $0 == ":" || $0 == "@" }.map(String.init)
    let range = try #require(words.dropFirst().first, "\(text)").split(separator: "-").compactMap { Double($0) }
    try #require(words.count == 3 && !range.isEmpty, "\(text)")
    source = words[0]
    (from, to) = range.count == 2 ? (range[0], range[1]) : (0, range[0])
    place = try #require(Double(words[2]), "\(text)")
  }

  /// Nil if it is there.
  func fault(in sound: [Int16], rate: Int, _ variety: Variety) throws -> String? {
    let samples = { (seconds: Double) in Int((seconds * Double(rate)).rounded()) }
    let begin = samples(place)
    let length = samples(to - from)
    guard begin + length <= sound.count else { return "\(self): the WAV is only \(sound.count) samples long" }
    let heard = Array(sound[begin..<begin + length])
    if source == "silence" {
      let loudest = heard.map { Int($0).magnitude }.max() ?? 0
      // An encoded pause may still be a code of 8.
      return loudest <= 8 ? nil : "\(self): a sample is \(loudest)"
    }
    if source.hasPrefix("key") { return keyFault(heard, rate: rate) }
    let words = try WAVE(readFile(fixture("../prompts/en/\(source).wav")))
    let resampler = try #require(Resampler(from: words.sampleRate, to: rate))
    let wanted = resampler.resample(words.mono())[samples(from)..<samples(to)].map { Double($0) }
    let reach = samples(variety.slack)
    let best = (-reach...reach).map { (correlation(wanted, sound, at: begin + $0), $0) }.max { $0.0 < $1.0 }
    guard let best, best.0 >= variety.correlation else {
      return "\(self): correlates with \(best?.0 ?? 0) (\(best?.1 ?? 0) samples away)"
    }
    return nil
  }

  /// Both tones of the key (ITU-T Q.23) are nearly all that is heard.
  private func keyFault(_ heard: [Int16], rate: Int) -> String? {
    let rows = [697.0, 770, 852, 941]
    let columns = [1209.0, 1336, 1477]
    guard let key = source.last?.wholeNumberValue else { return "\(self): no key" }
    let (row, column) = key == 0 ? (3, 1) : ((key - 1) / 3, (key - 1) % 3)
    let whole = heard.reduce(0.0) { $0 + Double($1) * Double($1) }
    let tones = [rows[row], columns[column]].map { hertz in
      var (real, imaginary) = (0.0, 0.0)
      for (index, sample) in heard.enumerated() {
        let angle = 2 * Double.pi * hertz * Double(index) / Double(rate)
        real += Double(sample) * cos(angle)
        imaginary += Double(sample) * sin(angle)
      }
      return 2 * (real * real + imaginary * imaginary) / Double(heard.count)
    }
    let share = tones.reduce(0, +) / max(whole, 1)
    return share > 0.9 && (tones.min() ?? 0) / max(whole, 1) > 0.2 && whole / Double(heard.count) > 100 * 100
      ? nil : "\(self): the key's tones have \(share) of the energy (\(tones) of \(whole))"
  }

  private func correlation(_ wanted: [Double], _ sound: [Int16], at place: Int) -> Double {
    wanted.withUnsafeBufferPointer { wanted in
      sound.withUnsafeBufferPointer { sound in
        var (product, a, b) = (0.0, 0.0, 0.0)
        for index in wanted.indices {
          let other = place + index
          let y = other >= 0 && other < sound.count ? Double(sound[other]) : 0
          product += wanted[index] * y
          a += wanted[index] * wanted[index]
          b += y * y
        }
        return a > 0 && b > 0 ? product / (a * b).squareRoot() : 0
      }
    }
  }
}
