import Glibc
import PikettTesting

/// Where fuzzing begins: the fixtures of this package, and the messages of RFC 4475 where they are at hand.
package enum FuzzSeeds {
  /// - Parameters:
  ///   - root: the package's folder.
  ///   - corpus: a folder that holds `torture`, or nil.
  /// - Returns: the seeds of a target with their names, in order; the finds last.
  package static func all(of target: FuzzTarget, root: String, corpus: String?) -> [(name: String, bytes: [UInt8])] {
    let fixtures = root + "/data/fixtures/"
    var seeds: [(name: String, bytes: [UInt8])] = []
    func take(_ folder: String, _ suffix: String, _ make: ([UInt8]) -> [[UInt8]]) {
      for name in names(in: folder) where name.hasSuffix(suffix) {
        guard let content = try? readFile(folder + "/" + name) else { continue }
        for (number, bytes) in make(content).enumerated() { seeds.append(("\(name)-\(number)", bytes)) }
      }
    }
    let torture = corpus.map { $0 + "/torture" }
    switch target {
    case .message:
      take(fixtures + "sip", ".txt") { [fixtureMessage($0).bytes] }
      if let torture { take(torture, ".dat") { [$0] } }
    case .stream:
      take(fixtures + "sip", ".txt") { bytes in
        let message = fixtureMessage(bytes).bytes
        return [[0, 40] + message, [1, 7] + message + [13, 10, 13, 10] + message]
      }
      if let torture { take(torture, ".dat") { [[0, 99] + $0] } }
    case .sdp:
      take(fixtures + "sdp", ".txt") { blocks($0) }
    case .rtp:
      take(fixtures + "rtp", ".txt") { [packets($0)] }
      seeds.append(("rtcp", control))
    case .event:
      take(fixtures + "rtp", ".txt") { [events($0)] }
      seeds.append(("relay", Array("Signal=5\r\nDuration=160\r\n".utf8)))
      seeds.append(("dtmf", Array("#".utf8)))
    case .digest:
      for (number, text) in headers.enumerated() { seeds.append(("header-\(number)", Array(text.utf8))) }
    case .wav:
      take(fixtures + "audio/wave", ".wav") { [Array($0.prefix(1200)), Array($0.prefix(300))] }
    case .capture, .call:
      for suffix in ["pcap", "pcapng", "gz"] {
        take(fixtures + "captures/varieties", suffix) { [$0] }
        take(fixtures + "captures", suffix) { [$0] }
      }
    }
    take(fixtures + "fuzz/" + target.rawValue, "") { [$0] }
    return seeds
  }

  private static let headers = [
    #"Digest realm="pikett", nonce="5f", qop="auth,auth-int", algorithm=MD5, opaque="o", stale=true, domain="sip:a""#,
    #"Digest username="731", realm="a\"b", nonce="n", uri="sip:a@b", response="0123456789ABCDEF", cnonce="c", nc=00000001, qop=auth, algorithm=SHA-256, opaque="x""#,
    "digest realm = \"\" , nonce=\"\"",
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "NoOneKnowsThisScheme opaque-data=here",
    #"Digest username=731,realm=pikett,nonce=n,uri=sip:a@b,response=00,"#,
  ]

  /// A sender report with one block, a name and a goodbye, as one datagram behind its length.
  private static let control: [UInt8] =
    [0, 80, 20] + [0x81, 200, 0, 12] + [UInt8](repeating: 7, count: 48) + [0x81, 202, 0, 3, 0, 0, 0, 7, 1, 3, 97, 98]
    + [99, 0, 0, 0] + [0x81, 203, 0, 1, 0, 0, 0, 7]

  // MARK: - The fixtures' own formats

  /// The blocks of a file of `data/fixtures/sdp` that are session descriptions.
  private static func blocks(_ file: [UInt8]) -> [[UInt8]] {
    var blocks: [[UInt8]] = []
    var current: [UInt8] = []
    for line in file.split(separator: 0x0A) {
      if line.starts(with: "---".utf8) {
        blocks.append(current)
        current = []
      } else {
        current += line + [0x0D, 0x0A]
      }
    }
    return (blocks + [current]).filter { $0.starts(with: "v=0".utf8) }
  }

  /// The lines of a file of `data/fixtures/rtp`: ssrc, sequence, timestamp, marker, event, end, duration.
  private static func rows(_ file: [UInt8]) -> [[UInt32]] {
    file.split(separator: 0x0A).filter { $0.first != 0x23 }.prefix(24).map { line in
      line.split(separator: 0x20).compactMap { word in
        let text = String(decoding: word, as: UTF8.self)
        return text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
      }
    }.filter { $0.count == 7 }
  }

  private static func packets(_ file: [UInt8]) -> [UInt8] {
    rows(file).flatMap { row -> [UInt8] in
      let head: [UInt8] = [0, 16, 20, 0x80, UInt8(row[3] & 1) << 7 | 101]
      return head + bytes(row[1], 2) + bytes(row[2], 4) + bytes(row[0], 4) + payload(row)
    }
  }

  private static func events(_ file: [UInt8]) -> [UInt8] {
    rows(file).flatMap { row -> [UInt8] in
      bytes(row[1], 2) + bytes(row[2], 4) + [UInt8(row[3] & 1) << 7] + payload(row)
    }
  }

  private static func payload(_ row: [UInt32]) -> [UInt8] {
    let start: [UInt8] = [UInt8(truncatingIfNeeded: row[4]), UInt8(row[5] & 1) << 7 | 10]
    return start + bytes(row[6], 2)
  }

  private static func bytes(_ number: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt32(8 * (count - 1 - $0))) }
  }

  // MARK: - Files

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }
}
