/// The message in a file of `data/fixtures/sip`: a head of `name: value` lines, an empty line, the message.
///
/// The message's lines end in CR LF although the file's end in LF, unless the head says `lines: lf`; `\xHH` is a byte,
/// `\` at the end of a line joins it to the next one without a line break.
package func fixtureMessage(_ file: [UInt8]) -> (head: [String: String], bytes: [UInt8]) {
  var head: [String: String] = [:]
  var rest = file[...]
  while let end = rest.firstIndex(of: 0x0A) {
    let line = rest[..<end]
    rest = rest[(end + 1)...]
    if line.isEmpty { break }
    let parts = line.split(separator: 0x3A, maxSplits: 1)
    if parts.count == 2 {
      head[String(decoding: parts[0], as: UTF8.self)] = String(
        decoding: parts[1].drop { $0 == 0x20 }, as: UTF8.self)
    }
  }
  let hasCR = head["lines"] != "lf"
  var bytes: [UInt8] = []
  while let byte = rest.popFirst() {
    if byte == 0x5C, rest.first == 0x0A {
      rest.removeFirst()
    } else if byte == 0x5C, rest.first == 0x78,
      let value = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
    {
      bytes.append(value)
      rest.removeFirst(3)
    } else {
      if byte == 0x0A, hasCR { bytes.append(0x0D) }
      bytes.append(byte)
    }
  }
  return (head, bytes)
}
