/// Reads one header value from front to back by bytes; blanks are SP and HT, as folding is undone before.
struct TextScanner {
  let bytes: [UInt8]
  private(set) var index: Int
  let end: Int

  init(_ text: String) {
    bytes = wireBytes(text)
    index = 0
    end = bytes.count
  }

  /// The part `range` of `bytes`; a range that does not fit is cut.
  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    let whole = range.clamped(to: 0..<bytes.count)
    index = whole.lowerBound
    end = whole.upperBound
  }

  var isAtEnd: Bool { index >= end }

  /// The next byte, which stays.
  var next: UInt8? { index < end ? bytes[index] : nil }

  /// What is left.
  var rest: Range<Int> { index..<max(index, end) }

  mutating func advance() { if index < end { index += 1 } }

  mutating func move(to place: Int) { index = min(max(place, index), end) }

  mutating func skipBlanks() {
    while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
  }

  /// Passes `byte` if it comes next.
  mutating func take(_ byte: UInt8) -> Bool {
    guard index < end, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  /// Passes the longest run of bytes in `set`.
  mutating func run(_ set: ByteSet) -> Range<Int> {
    let start = index
    while index < end, set.contains(bytes[index]) { index += 1 }
    return start..<index
  }

  /// Passes everything before the first byte that is in `stops`.
  mutating func run(until stops: UInt8...) -> Range<Int> {
    let start = index
    while index < end, !stops.contains(bytes[index]) { index += 1 }
    return start..<index
  }

  /// The first place of `byte` in what is left.
  func first(_ byte: UInt8) -> Int? {
    var place = index
    while place < end {
      if bytes[place] == byte { return place }
      place += 1
    }
    return nil
  }

  func text(_ range: Range<Int>) -> String { decodedText(bytes[range.clamped(to: 0..<bytes.count)]) }

  /// `range` without the blanks at its ends.
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var lower = range.lowerBound
    var upper = range.upperBound
    while lower < upper, bytes[lower] == 0x20 || bytes[lower] == 0x09 { lower += 1 }
    while upper > lower, bytes[upper - 1] == 0x20 || bytes[upper - 1] == 0x09 { upper -= 1 }
    return lower..<upper
  }

  /// A `quoted-string` whose opening quote comes next; quoted pairs are undone.
  mutating func quotedString() throws(HeaderError) -> String {
    guard take(0x22) else { throw HeaderError(.malformed, "expected a quoted string") }
    var content: [UInt8] = []
    while let byte = next {
      index += 1
      if byte == 0x22 { return decodedText(content[...]) }
      if byte == 0x5C {
        guard let escaped = next else { break }
        index += 1
        content.append(escaped)
      } else {
        content.append(byte)
      }
    }
    throw HeaderError(.malformed, "a quoted string lacks its closing quote")
  }

  /// `*(SEMI generic-param)` up to the end.
  mutating func parameters() throws(HeaderError) -> Parameters {
    var parameters = Parameters()
    skipBlanks()
    while take(0x3B) {
      skipBlanks()
      // One semicolon too many at the very end is a common fault and harms nobody.
      if isAtEnd { break }
      let name = run(.token)
      guard !name.isEmpty else { throw HeaderError(.malformed, "expected a parameter's name behind ;") }
      guard parameters.items.count < Parameters.most else { throw HeaderError(.malformed, "too many parameters") }
      skipBlanks()
      guard take(0x3D) else {
        parameters.append(Parameters.Item(name: text(name), value: nil))
        continue
      }
      skipBlanks()
      if next == 0x22 {
        parameters.append(Parameters.Item(name: text(name), value: try quotedString(), isQuoted: true))
      } else {
        let value = trimmed(run(until: 0x3B, 0x22, 0x2C))
        // "name=" without a value is taken as a flag: some peers write rport so.
        parameters.append(Parameters.Item(name: text(name), value: value.isEmpty ? nil : text(value)))
      }
      skipBlanks()
    }
    guard isAtEnd else { throw HeaderError(.malformed, "expected ; before a parameter") }
    return parameters
  }
}
