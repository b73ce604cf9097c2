extension Message {
  /// The bytes that go out.
  package func serialized() -> [UInt8] {
    switch self {
    case .request(let request): request.serialized()
    case .response(let response): response.serialized()
    }
  }
}

extension Request {
  /// The bytes that go out (RFC 3261 §7.1). Content-Length is computed; line breaks inside a value become blanks, so
  /// that no value can add a header.
  package func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(1024 + body.count)
    bytes += tokenOnly(method.token).utf8
    bytes.append(0x20)
    bytes += uri.description.utf8
    bytes += " SIP/2.0\r\n".utf8
    append(headers, body, to: &bytes)
    return bytes
  }
}

extension Response {
  /// The bytes that go out (RFC 3261 §7.2). Content-Length is computed; line breaks inside a value become blanks, so
  /// that no value can add a header. A status outside 100 to 699 goes out as 500.
  package func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(1024 + body.count)
    bytes += "SIP/2.0 \((100..<700).contains(status) ? status : 500) ".utf8
    append(line: reason, to: &bytes)
    bytes += "\r\n".utf8
    append(headers, body, to: &bytes)
    return bytes
  }
}

private func append(_ headers: Headers, _ body: [UInt8], to bytes: inout [UInt8]) {
  for field in headers.fields where field.name != .contentLength && !field.name.text.isEmpty {
    bytes += tokenOnly(field.name.text).utf8
    bytes += ": ".utf8
    append(line: field.value, to: &bytes)
    bytes += "\r\n".utf8
  }
  bytes += "Content-Length: \(body.count)\r\n\r\n".utf8
  bytes += body
}

private func append(line text: String, to bytes: inout [UInt8]) {
  for byte in wireBytes(text) { bytes.append(byte == 0x0D || byte == 0x0A ? 0x20 : byte) }
}
