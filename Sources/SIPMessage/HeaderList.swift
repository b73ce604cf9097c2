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

/// How many Vias, Contacts, Routes and the like one message may hold: Max-Forwards lets none have more hops (RFC 3261
/// §20.22), and each is read with every message.
let mostValues = 256

extension [Range<Int>] {
  /// - Throws: `malformed` for more than any message needs.
  func checkedForNumber() throws(HeaderError) -> [Range<Int>] {
    guard count <= mostValues else { throw HeaderError(.malformed, "more than \(mostValues) values") }
    return self
  }
}

/// The elements of a comma-separated header value; commas inside quotes and angle brackets do not separate
/// (RFC 3261 §7.3.1). Trimmed; empty elements are left out.
package func splitHeaderList(_ value: String) -> [String] {
  let scanner = TextScanner(value)
  return listRanges(scanner).map { scanner.text($0) }
}
