import Telephony

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
  for byte in wireBytes(text) {
    if set.contains(byte) {
      content.append(byte)
    } else {
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

/// `text`, in which escapes stand already, with every byte outside `set` as `%HH`; twice is the same as once.
func uriEscaped(_ text: String, _ set: ByteSet) -> String {
  if text.utf8.allSatisfy({ set.contains($0) || $0 == 0x25 }) { return text }
  var safe = ""
  for (index, part) in text.split(separator: "%", omittingEmptySubsequences: false).enumerated() {
    safe += (index == 0 ? "" : "%") + percentEncoded(String(part), set)
  }
  return safe
}
