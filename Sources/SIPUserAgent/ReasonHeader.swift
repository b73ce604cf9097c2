import SIPMessage
import Telephony

extension Headers {
  /// The peer's cause in a Reason header (RFC 3326): Q.850 before a SIP status; nil if there is none we can read.
  ///
  /// `SIP;cause=200` is what RFC 3326 §2 gives a branch whose call was answered elsewhere.
  var reasonCause: Cause? {
    var bySIP: Cause?
    for value in tokens("Reason") {
      let parts = splitOutsideQuotes(value)
      guard let protocolName = parts.first else { continue }
      let cause = parts.dropFirst().lazy.compactMap { part -> Int? in
        let pair = part.split(separator: "=", maxSplits: 1).map(\.trimmed)
        guard pair.count == 2, pair[0].equalsIgnoringCase("cause"), pair[1].isDigits else { return nil }
        return Int(pair[1])
      }.first
      guard let cause else { continue }
      if protocolName.equalsIgnoringCase("Q.850"), (1...127).contains(cause), let value = UInt8(exactly: cause) {
        return Cause(rawValue: value)
      }
      if protocolName.equalsIgnoringCase("SIP"), bySIP == nil {
        if cause == 200 { bySIP = .answeredElsewhere }
        if (300...699).contains(cause) { bySIP = Cause(sipStatus: cause) }
      }
    }
    return bySIP
  }
}

/// The value's parts between its semicolons; those in the text's quotes are none.
private func splitOutsideQuotes(_ value: String) -> [String] {
  var parts: [[UInt8]] = [[]]
  var isQuoted = false
  var isEscaped = false
  for byte in value.utf8 {
    if isEscaped {
      isEscaped = false
    } else if byte == UInt8(ascii: "\\") {
      isEscaped = isQuoted
    } else if byte == UInt8(ascii: "\"") {
      isQuoted.toggle()
    } else if byte == UInt8(ascii: ";"), !isQuoted {
      parts.append([])
      continue
    }
    parts[parts.count - 1].append(byte)
  }
  return parts.map { String(decoding: $0, as: UTF8.self).trimmed }.filter { !$0.isEmpty }
}

extension Cause {
  /// The Reason header with which we release for this cause.
  var releaseReason: String {
    self == .answeredElsewhere ? "SIP;cause=200;text=\"Call completed elsewhere\"" : reasonHeader
  }
}
