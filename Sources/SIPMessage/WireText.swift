// Text that came as bytes and leaves as the same bytes.
//
// SIP is UTF-8 (RFC 3261 §7), but old exchanges send ISO 8859-1, and whoever copies a field into a response must copy it
// as it came (§8.2.6). A byte that belongs to no UTF-8 sequence becomes the character U+10FF00 + byte, which nobody has
// in use, and becomes the byte again when it leaves. Those very characters, should they come, are taken for such bytes
// themselves, so that nothing is ambiguous.

/// The text of some bytes, whatever they are.
func decodedText(_ bytes: ArraySlice<UInt8>) -> String {
  if !bytes.contains(escapeLead), let text = String(validating: bytes, as: UTF8.self) { return text }
  var text = String.UnicodeScalarView()
  var rest = bytes
  while let byte = rest.first {
    let length = sequenceLength(byte)
    if byte < 0x80 {
      text.append(Unicode.Scalar(byte))
      rest = rest.dropFirst()
    } else if length > 1, let scalar = String(validating: rest.prefix(length), as: UTF8.self)?.unicodeScalars.first,
      !isEscape(scalar)
    {
      text.append(scalar)
      rest = rest.dropFirst(length)
    } else {
      text.append(Unicode.Scalar(escapeBase + UInt32(byte)) ?? "\u{FFFD}")
      rest = rest.dropFirst()
    }
  }
  return String(text)
}

/// The bytes of a text: those from which `decodedText` made it.
package func wireBytes(_ text: String) -> [UInt8] {
  if !text.utf8.contains(escapeLead) { return Array(text.utf8) }
  var bytes: [UInt8] = []
  for scalar in text.unicodeScalars {
    if isEscape(scalar) {
      bytes.append(UInt8(truncatingIfNeeded: scalar.value))
    } else {
      bytes += UTF8.encode(scalar).map { Array($0) } ?? []
    }
  }
  return bytes
}

private let escapeBase: UInt32 = 0x10_FF00
/// The first byte of U+100000 and above.
private let escapeLead: UInt8 = 0xF4

private func isEscape(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= escapeBase + 0x80 }

private func sequenceLength(_ lead: UInt8) -> Int {
  switch lead {
  case 0xC2...0xDF: 2
  case 0xE0...0xEF: 3
  case 0xF0...0xF4: 4
  default: 1
  }
}
