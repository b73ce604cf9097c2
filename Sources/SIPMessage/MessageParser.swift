import Telephony

/// What a datagram or a message on a stream may hold, in bytes.
package let largestMessage = 65_535

/// How many header lines a message may hold. A real one has some thirty; each costs time and memory.
package let mostFields = 1000

/// Reads one datagram (RFC 3261 §7, §18.3): what follows the body that Content-Length tells is cut off; without
/// Content-Length the body goes to the end.
///
/// Bytes that are no UTF-8 are kept and leave as they came (`wireBytes`).
///
/// Tolerated: line breaks before the start line, bare LF, folded lines, several blanks in the start line, any order and
/// case. A request whose URI has an unknown scheme is read; refusing it with 416 is the user agent's.
/// - Throws: `ParseError` with the answer to send, if one may be sent.
package func parseMessage(_ bytes: [UInt8]) throws(ParseError) -> Message {
  var parser = MessageParser(bytes, 0..<bytes.count)
  return try parser.message(isStream: false)
}

/// Reads one message front to back; keeps on reading headers behind a fault, so that the fault can be answered.
struct MessageParser {
  private let bytes: [UInt8]
  private var index: Int
  private let end: Int
  private let size: Int
  private var fault: (kind: ParseError.Kind, detail: String)?
  private var start: StartLine = .unknown
  private(set) var headers = Headers()
  private var hasHeaderEnd = false

  private enum StartLine {
    case unknown
    /// The URI is nil if it could not be read.
    case request(Method, SIPURI?)
    case response(Int, String)
  }

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    let whole = range.clamped(to: 0..<bytes.count)
    index = whole.lowerBound
    end = whole.upperBound
    size = whole.count
  }

  /// - Parameter isStream: then the range holds exactly one message, and Content-Length must be there.
  mutating func message(isStream: Bool) throws(ParseError) -> Message {
    try head()
    if size > largestMessage { note(.tooLarge, "a message is at most \(largestMessage) bytes") }
    checkMandatory()
    let body = readBody(isStream: isStream)
    if let fault { throw refused(fault.kind, fault.detail) }
    switch start {
    case .request(let method, let uri?): return .request(Request(method, uri, headers: headers, body: body))
    case .response(let status, let reason):
      return .response(Response(status, reason: reason, headers: headers, body: body))
    case .unknown, .request(_, nil): throw refused(.startLine, "the start line cannot be read")
    }
  }

  /// Reads the start line and the headers; faults are noted.
  /// - Throws: what has no answer: `keepAlive`, `notSIP`.
  mutating func head() throws(ParseError) {
    while index < end, bytes[index] == 0x0D || bytes[index] == 0x0A || bytes[index] == 0 { index += 1 }
    guard index < end else { throw ParseError(.keepAlive, "nothing but line breaks") }
    try startLine(nextLine() ?? index..<end)
    var place = headers.fields.count
    while let line = nextLine() {
      let isWhole = bytes[index - 1] == 0x0A
      if line.isEmpty, isWhole {
        hasHeaderEnd = true
        return
      }
      guard isWhole else {
        if !isBlank(line.lowerBound, in: line) { place = headers.fields.count }
        break
      }
      if isBlank(line.lowerBound, in: line) {
        unfold(line, into: place)
        continue
      }
      place = headers.fields.count
      headerLine(line)
    }
    note(.headerEnd, "the header does not end with an empty line")
    // The bytes have been cut somewhere. A field is whole where the line behind it begins; half a value in an answer
    // would be a value of ours.
    headers.fields = Array(headers.fields.prefix(place))
  }

  /// An error with the answer to what has been read so far.
  func refused(_ kind: ParseError.Kind, _ detail: String) -> ParseError {
    var error = ParseError(kind, detail)
    guard case .request(let method, _) = start, method != .ack, headers["Via"]?.isEmpty == false else { return error }
    error.refusal = Response(
      error.status, reason: error.status == 400 ? detail : nil,
      headers: headers.forResponse(error.status, toTag: statelessTag()))
    return error
  }

  /// The value of Content-Length; nil if there is none.
  func contentLength() throws(HeaderError) -> Int? {
    guard headers.has(.contentLength) else { return nil }
    let text = try headers.onlyLine(.contentLength)
    guard let number = decimal(Array(text.utf8)[...]), let count = Int(exactly: number) else {
      throw HeaderError(.malformed, "Content-Length: expected a number")
    }
    return count
  }

  // MARK: - Lines

  /// True if `range` goes on at `place` with SP or HT, which makes a line the continuation of the one before.
  private func isBlank(_ place: Int, in range: Range<Int>) -> Bool {
    range.contains(place) && (bytes[place] == 0x20 || bytes[place] == 0x09)
  }

  /// The next line without its CR LF, LF; nil at the end. What is behind the last line break counts as one.
  private mutating func nextLine() -> Range<Int>? {
    guard index < end else { return nil }
    let start = index
    while index < end, bytes[index] != 0x0A { index += 1 }
    var last = index
    if index < end { index += 1 }
    if last > start, bytes[last - 1] == 0x0D { last -= 1 }
    return start..<last
  }

  private mutating func startLine(_ line: Range<Int>) throws(ParseError) {
    let scanner = TextScanner(bytes, line)
    let content = scanner.trimmed(line)
    if isVersion(content.lowerBound..<min(content.lowerBound + 4, content.upperBound)) {
      statusLine(content)
    } else {
      try requestLine(content)
    }
  }

  /// True if the bytes are `SIP/`.
  private func isVersion(_ range: Range<Int>) -> Bool {
    range.count == 4 && bytes[range.lowerBound] | 0x20 == 0x73 && bytes[range.lowerBound + 1] | 0x20 == 0x69
      && bytes[range.lowerBound + 2] | 0x20 == 0x70 && bytes[range.lowerBound + 3] == 0x2F
  }

  private func isVersion2(_ range: Range<Int>) -> Bool {
    isVersion(range.lowerBound..<min(range.lowerBound + 4, range.upperBound))
      && bytes[range.dropFirst(4)].elementsEqual("2.0".utf8)
  }

  private mutating func statusLine(_ line: Range<Int>) {
    var scanner = TextScanner(bytes, line)
    let version = scanner.run(until: 0x20, 0x09)
    scanner.skipBlanks()
    let code = scanner.run(until: 0x20, 0x09)
    scanner.skipBlanks()
    let reason = value(scanner.rest)
    start = .response(0, reason)
    if !isVersion2(version) { note(.version, "only SIP/2.0 is understood") }
    guard code.count == 3, let status = decimal(bytes[code]), (100..<700).contains(status) else {
      return note(.startLine, "expected a status from 100 to 699")
    }
    start = .response(Int(status), reason)
  }

  private mutating func requestLine(_ line: Range<Int>) throws(ParseError) {
    var scanner = TextScanner(bytes, line)
    let method = scanner.run(until: 0x20, 0x09)
    var versionStart = line.upperBound
    while versionStart > method.upperBound, bytes[versionStart - 1] != 0x20, bytes[versionStart - 1] != 0x09 {
      versionStart -= 1
    }
    let version = versionStart..<line.upperBound
    guard !method.isEmpty, isVersion(version.lowerBound..<min(version.lowerBound + 4, version.upperBound)) else {
      throw ParseError(.notSIP, "the first line is neither a SIP request nor a SIP response")
    }
    start = .request(Method(scanner.text(method)), nil)
    if !isVersion2(version) { note(.version, "only SIP/2.0 is understood") }
    guard bytes[method].allSatisfy(ByteSet.token.contains) else { return note(.startLine, "the method is no token") }
    do throws(HeaderError) {
      let uri = try SIPURI(bytes, scanner.trimmed(method.upperBound..<version.lowerBound))
      if uri.headers != nil { note(.startLine, "Request-URI: headers are not allowed") }
      start = .request(Method(scanner.text(method)), uri)
    } catch {
      note(.startLine, "Request-URI: \(error.detail)")
    }
  }

  private mutating func headerLine(_ line: Range<Int>) {
    var scanner = TextScanner(bytes, line)
    let name = scanner.run(.token)
    scanner.skipBlanks()
    guard !name.isEmpty, scanner.take(0x3A) else { return note(.headerLine, "a header line lacks its name or colon") }
    guard headers.fields.count < mostFields else {
      return note(.tooLarge, "a message holds at most \(mostFields) header fields")
    }
    headers.fields.append(Headers.Field(HeaderName(bytes: bytes[name]), value(scanner.trimmed(scanner.rest))))
  }

  /// Appends a folded line's content to the field at `place` (RFC 3261 §7.3.1).
  private mutating func unfold(_ line: Range<Int>, into place: Int) {
    guard headers.fields.indices.contains(place) else {
      return note(.headerLine, "a header line lacks its name or colon")
    }
    let more = value(TextScanner(bytes, line).trimmed(line))
    if more.isEmpty { return }
    headers.fields[place].value += headers.fields[place].value.isEmpty ? more : " " + more
  }

  /// A value as text; a CR of its own is a blank.
  private func value(_ range: Range<Int>) -> String {
    guard bytes[range].contains(0x0D) else { return decodedText(bytes[range]) }
    return decodedText(bytes[range].map { $0 == 0x0D ? 0x20 : $0 }[...]).trimmed
  }

  // MARK: - Checks

  private mutating func note(_ kind: ParseError.Kind, _ detail: String) {
    if fault == nil { fault = (kind, detail) }
  }

  private mutating func note(_ error: HeaderError) {
    switch error.kind {
    case .missing: note(.missingHeader, error.detail)
    case .repeated: note(.repeatedHeader, error.detail)
    case .malformed, .outOfRange: note(.headerValue, error.detail)
    }
  }

  /// The fields that every message needs (RFC 3261 §8.1.1; Max-Forwards came with it, so that its lack is tolerated),
  /// and in requests those that make a dialog or a binding.
  private mutating func checkMandatory() {
    guard fault == nil else { return }
    do throws(HeaderError) {
      _ = try headers.vias()
      _ = try headers.from()
      _ = try headers.to()
      guard try !headers.onlyLine(.callID).isEmpty else { throw HeaderError(.missing, "Call-ID is empty") }
      let cseq = try headers.cseq()
      guard case .request(let method, _) = start else { return }
      if cseq.method != method { note(.methodMismatch, "CSeq: its method is not the request's") }
      if headers.lines("Max-Forwards").count > 1 {
        throw HeaderError(.repeated, "Max-Forwards stands several times")
      }
      switch method {
      case .invite, .register, .subscribe, .update, .refer, .notify:
        _ = try headers.contacts()
        _ = try headers.nameAddresses("Record-Route")
      default: break
      }
    } catch {
      note(error)
    }
  }

  private mutating func readBody(isStream: Bool) -> [UInt8] {
    guard hasHeaderEnd else { return [] }
    do throws(HeaderError) {
      guard let count = try contentLength() else {
        if isStream { note(.contentLength, "Content-Length is missing") }
        return Array(bytes[index..<end])
      }
      guard count <= end - index else {
        note(.bodyEnd, "the body is shorter than Content-Length says")
        return []
      }
      return Array(bytes[index..<index + count])
    } catch {
      note(error.kind == .repeated ? .repeatedHeader : .contentLength, error.detail)
      return []
    }
  }

  /// A To tag that is the same for each retransmission (RFC 3261 §8.2.7): FNV-1a of what names the request.
  private func statelessTag() -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for name: HeaderName in ["Via", "From", .callID, "CSeq"] {
      for byte in (headers[name] ?? "").utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }
    return String(hash, radix: 16)
  }
}
