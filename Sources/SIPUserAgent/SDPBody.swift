import SIPMessage
import Telephony

extension Message {
  /// The session description in the message: its body, or that part of a multipart body; nil if there is none.
  var sdp: [UInt8]? { sdpBody(headers, body) }
}

extension Request {
  /// The session description in the request; nil if there is none.
  var sdp: [UInt8]? { sdpBody(headers, body) }

  /// True if the body is something other than a session description, so that the request cannot be served.
  var hasForeignBody: Bool {
    guard !body.isEmpty, sdp == nil else { return false }
    // What the sender marks as optional may be passed over (RFC 3261 §20.11).
    return headers["Content-Disposition"]?.asciiLowercased.contains("handling=optional") != true
  }
}

extension Headers {
  /// False if Accept names media types and SDP is not among them (RFC 3261 §20.1): no answer of ours could be read, and
  /// the request gets 406. An empty Accept is passed over: nobody who calls means that.
  var takesSDP: Bool {
    let ranges = tokens("Accept")
    return ranges.isEmpty
      || ranges.contains { range in
        let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.asciiLowercased }
        let isRefused = parts.dropFirst().contains { $0.hasPrefix("q=0") && !$0.contains { ("1"..."9").contains($0) } }
        return ["application/sdp", "application/*", "*/*"].contains(parts.first) && !isRefused
      }
  }
}

extension Response {
  /// The session description in the response; nil if there is none.
  var sdp: [UInt8]? { sdpBody(headers, body) }
}

private func sdpBody(_ headers: Headers, _ body: [UInt8]) -> [UInt8]? {
  guard !body.isEmpty else { return nil }
  switch headers.contentType {
  case "application/sdp": return body
  case "multipart/mixed", "multipart/alternative", "multipart/related":
    return headers["Content-Type"].flatMap(boundary).flatMap { sdpPart(body, boundary: $0) }
  default: return nil
  }
}

private func boundary(_ contentType: String) -> [UInt8]? {
  for parameter in contentType.split(separator: ";").dropFirst() {
    let pair = parameter.split(separator: "=", maxSplits: 1).map(\.trimmed)
    guard pair.count == 2, pair[0].equalsIgnoringCase("boundary") else { continue }
    let value = pair[1].utf8.filter { $0 != 0x22 }
    return value.isEmpty || value.count > 70 ? nil : value
  }
  return nil
}

/// The first part of type application/sdp (RFC 2046 §5.1); trunks add one of ISUP beside it.
private func sdpPart(_ body: [UInt8], boundary: [UInt8]) -> [UInt8]? {
  let delimiter: [UInt8] = [0x2D, 0x2D] + boundary
  var lines: [[UInt8]] = []
  var isInPart = false
  for line in body.split(separator: 0x0A, omittingEmptySubsequences: false) {
    let text = Array(line.last == 0x0D ? line.dropLast() : line)
    if text.starts(with: delimiter) {
      if isInPart, let sdp = sdpContent(lines) { return sdp }
      isInPart = true
      lines = []
    } else if isInPart {
      lines.append(text)
    }
  }
  return nil
}

private func sdpContent(_ lines: [[UInt8]]) -> [UInt8]? {
  guard let end = lines.firstIndex(of: []) else { return nil }
  let isSDP = lines[..<end].contains { line in
    let text = String(decoding: line, as: UTF8.self)
    let pair = text.split(separator: ":", maxSplits: 1).map(\.trimmed)
    return pair.count == 2 && (pair[0].equalsIgnoringCase("Content-Type") || pair[0].equalsIgnoringCase("c"))
      && pair[1].prefix { $0 != ";" }.trimmed.equalsIgnoringCase("application/sdp")
  }
  let content: [UInt8] = lines[(end + 1)...].flatMap { line -> [UInt8] in line + [0x0D, 0x0A] }
  return isSDP && !content.isEmpty ? content : nil
}

/// True if two session descriptions differ in nothing but the version in their origin line.
func saysTheSame(_ one: [UInt8], _ other: [UInt8]?) -> Bool {
  func content(_ sdp: [UInt8]) -> [ArraySlice<UInt8>] {
    sdp.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).filter { !$0.starts(with: [0x6F, 0x3D]) }
  }
  return other.map { one == $0 || content(one) == content($0) } ?? false
}
