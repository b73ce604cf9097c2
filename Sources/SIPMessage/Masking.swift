import Telephony

extension Message {
  /// The same message without what could be used to log in or to decrypt: fit for a capture or a log.
  ///
  /// Of Authorization and Proxy-Authorization only scheme, username and realm stay, of Authentication-Info nothing; in
  /// the body the keys of `a=crypto`
  /// and `k=` lines (RFC 4568, RFC 4566 §5.12) become stars, as many as there were bytes.
  package func masked() -> Message {
    switch self {
    case .request(var request):
      request.headers = request.headers.masked()
      request.body = maskedKeys(request.body)
      return .request(request)
    case .response(var response):
      response.headers = response.headers.masked()
      response.body = maskedKeys(response.body)
      return .response(response)
    }
  }
}

extension Headers {
  /// The same fields with masked credentials.
  package func masked() -> Headers {
    var copy = self
    for index in copy.fields.indices where secretFields.contains(copy.fields[index].name) {
      copy.fields[index].value = maskedCredentials(copy.fields[index].value)
    }
    return copy
  }
}

/// A message as it stands on the wire, masked like `Message.masked()`; works on anything, also on what is no message.
///
/// Fields that hold no secret and the body's length stay as they are, byte for byte.
package func maskedWire(_ bytes: [UInt8]) -> [UInt8] {
  var masked: [UInt8] = []
  masked.reserveCapacity(bytes.count)
  var secret: (name: Range<Int>, value: [UInt8], lineEnd: Range<Int>)?
  var place = 0
  var isHead = true
  var hasStartLine = false

  func flush() {
    guard let field = secret else { return }
    masked += bytes[field.name]
    masked += " ".utf8
    masked += wireBytes(maskedCredentials(decodedText(field.value[...])))
    masked += bytes[field.lineEnd]
    secret = nil
  }

  while place < bytes.count, isHead {
    let newline = bytes[place...].firstIndex(of: 0x0A) ?? bytes.count
    let next = min(newline + 1, bytes.count)
    let content = place..<(newline > place && bytes[newline - 1] == 0x0D ? newline - 1 : newline)
    let isFolded = bytes[place] == 0x20 || bytes[place] == 0x09
    if isFolded, secret != nil {
      secret?.value += [0x20] + bytes[content]
      secret?.lineEnd = content.upperBound..<next
    } else {
      flush()
      // Line breaks before the start line belong to the head.
      if content.isEmpty { isHead = !hasStartLine } else { hasStartLine = true }
      if let colon = bytes[content].firstIndex(of: 0x3A),
        secretFields.contains(HeaderName(decodedText(bytes[content.lowerBound..<colon]).trimmed))
      {
        secret = (
          content.lowerBound..<colon + 1, Array(bytes[colon + 1..<content.upperBound]), content.upperBound..<next
        )
      } else {
        masked += bytes[place..<next]
      }
    }
    place = next
  }
  flush()
  masked += maskedKeys(Array(bytes[place...]))
  return masked
}

private let secretFields: [HeaderName] = ["Authorization", "Proxy-Authorization", "Authentication-Info"]

/// `Digest username="731", realm="pikett", response="…"` → `Digest [masked] username="731", realm="pikett"`.
private func maskedCredentials(_ value: String) -> String {
  var scanner = TextScanner(value)
  scanner.skipBlanks()
  let word = scanner.run(.token)
  let scheme = scanner.next == 0x20 || scanner.next == 0x09 ? scanner.text(word) + " " : ""
  var text = scheme + "[masked]"
  guard let fields = try? AuthenticationFields(value) else { return text }
  let kept = ["username", "realm"].compactMap { name in fields[name].map { "\(name)=\(quotedString($0))" } }
  if !kept.isEmpty { text += " " + kept.joined(separator: ", ") }
  return text
}

/// The body with the keys in `a=crypto`, `a=key-mgmt` (RFC 4567) and `k=` lines as stars.
private func maskedKeys(_ body: [UInt8]) -> [UInt8] {
  var masked = body
  var place = 0
  while place < body.count {
    let lineEnd = body[place...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? body.count
    let line = place..<lineEnd
    if let value = valueOf("crypto", body, line) ?? valueOf("key-mgmt", body, line) {
      // Tag and suite stay readable; the key begins behind its method's name.
      let inline = firstPlace(of: "inline:", in: body, line).map { $0 + 7 }
      for index in (inline ?? value)..<lineEnd { masked[index] = 0x2A }
    } else if starts(body[line], with: "k=") {
      for index in line.dropFirst(2) { masked[index] = 0x2A }
    }
    place = lineEnd + 1
  }
  return masked
}

/// Where the value of this attribute's line begins; nil if it is none. Blanks are passed over, as the reader does it.
private func valueOf(_ attribute: String, _ body: [UInt8], _ line: Range<Int>) -> Int? {
  var rest = line
  for word in ["a=", attribute, ":"] {
    rest = (rest.first { body[$0] != 0x20 && body[$0] != 0x09 } ?? rest.upperBound)..<rest.upperBound
    guard starts(body[rest], with: word) else { return nil }
    rest = rest.dropFirst(word.utf8.count)
  }
  return rest.lowerBound
}

private func starts(_ line: ArraySlice<UInt8>, with text: String) -> Bool {
  line.count >= text.utf8.count
    && zip(line, text.utf8).allSatisfy { $0 == $1 || ($0 | 0x20 == $1 && $0.isASCIILetter) }
}

private func firstPlace(of text: String, in bytes: [UInt8], _ range: Range<Int>) -> Int? {
  range.first { starts(bytes[$0..<range.upperBound], with: text) }
}
