import Telephony

/// Reads one header value from front to back by bytes; blanks are SP and HT, as folding is undone before.
struct TextScanner {
  let bytes: [UInt8]
  private(set) var index: Int
  let end: Int

  init(_ text: String) {
    bytes = Array(text.utf8)
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

/// UTF-8 (RFC 3261 §7); bytes that are not are read as ISO 8859-1, as old exchanges mean them.
func decodedText(_ bytes: ArraySlice<UInt8>) -> String {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  var text = ""
  for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
  return text
}

/// The places of a comma-separated header value's elements: commas inside quotes and angle brackets do not separate
/// (RFC 3261 §7.3.1). Blanks at the ends are left out, and so are empty elements.
func listRanges(_ scanner: TextScanner) -> [Range<Int>] {
  let bytes = scanner.bytes
  var ranges: [Range<Int>] = []
  var start = scanner.index
  var place = start
  var isQuoted = false
  var isBracketed = false
  while place < scanner.end {
    switch bytes[place] {
    case 0x5C where isQuoted: place += 1
    case 0x22 where !isBracketed: isQuoted.toggle()
    case 0x3C where !isQuoted: isBracketed = true
    case 0x3E where !isQuoted: isBracketed = false
    case 0x2C where !isQuoted && !isBracketed:
      ranges.append(scanner.trimmed(start..<place))
      start = place + 1
    default: break
    }
    place += 1
  }
  ranges.append(scanner.trimmed(start..<scanner.end))
  return ranges.filter { !$0.isEmpty }
}

/// The elements of a comma-separated header value; commas inside quotes and angle brackets do not separate
/// (RFC 3261 §7.3.1). Trimmed; empty elements are left out.
package func splitHeaderList(_ value: String) -> [String] {
  let scanner = TextScanner(value)
  return listRanges(scanner).map { scanner.text($0) }
}

/// `text` as a `quoted-string` (RFC 3261 §25.1): quotes and backslashes escaped, line breaks as blanks.
package func quotedString(_ text: String) -> String {
  var content: [UInt8] = [0x22]
  for byte in text.utf8 {
    switch byte {
    case 0x0A, 0x0D: content.append(0x20)
    case 0x22, 0x5C, 0x00...0x08, 0x0B, 0x0C, 0x0E...0x1F, 0x7F: content += [0x5C, byte]
    default: content.append(byte)
    }
  }
  content.append(0x22)
  return String(decoding: content, as: UTF8.self)
}

/// `range` of `bytes` with `%HH` undone.
func percentDecoded(_ bytes: [UInt8], _ range: Range<Int>) throws(HeaderError) -> String {
  guard bytes[range].contains(0x25) else { return decodedText(bytes[range]) }
  var content: [UInt8] = []
  var place = range.lowerBound
  while place < range.upperBound {
    let byte = bytes[place]
    if byte == 0x25 {
      guard range.upperBound - place > 2, let high = bytes[place + 1].hexadecimalValue,
        let low = bytes[place + 2].hexadecimalValue
      else { throw HeaderError(.malformed, "expected two hexadecimal digits behind %") }
      content.append(high << 4 | low)
      place += 3
    } else {
      content.append(byte)
      place += 1
    }
  }
  return decodedText(content[...])
}

/// `text` with every byte outside `set` as `%HH`.
func percentEncoded(_ text: String, _ set: ByteSet) -> String {
  if text.utf8.allSatisfy(set.contains) { return text }
  let digits = Array("0123456789ABCDEF".utf8)
  var content: [UInt8] = []
  for byte in text.utf8 {
    if set.contains(byte) { content.append(byte) } else {
      content += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(decoding: content, as: UTF8.self)
}

/// Digits → number; nil if there is anything else or it does not fit.
func decimal(_ bytes: ArraySlice<UInt8>) -> UInt64? {
  guard !bytes.isEmpty else { return nil }
  var number: UInt64 = 0
  for byte in bytes {
    guard byte.isASCIIDigit else { return nil }
    let (tens, isTooLong) = number.multipliedReportingOverflow(by: 10)
    let (sum, isTooBig) = tens.addingReportingOverflow(UInt64(byte - 0x30))
    guard !isTooLong, !isTooBig else { return nil }
    number = sum
  }
  return number
}
