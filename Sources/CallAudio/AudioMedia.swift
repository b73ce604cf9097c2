import Frames
import SDP
import SIPMessage
import Telephony

/// Where a party of a call wants its sound sent, and what its payload types mean.
struct AudioMedia: Hashable, Sendable {
  var endpoint: FrameAddress
  var codecs: [UInt8: PayloadCodec]
  /// The keys under which it sends (RFC 4568).
  var keys: [MediaKey] = []
  /// Whether what is sent is encrypted (RFC 3711, RFC 5764).
  var isEncrypted = false
}

/// The audio streams a message describes; none on hold by address (RFC 3264 §8.4) or where a stream is refused.
func audioMedia(of message: Message) -> [AudioMedia] {
  guard let body = sessionDescription(in: message), let description = try? SessionDescription(parsing: body) else {
    return []
  }
  return description.media.compactMap { stream in
    guard stream.kind == "audio", stream.port != 0, let address = description.connection(of: stream)?.address,
      !address.isUnspecified
    else { return nil }
    var codecs: [UInt8: PayloadCodec] = [:]
    for format in stream.formats {
      guard format.isDigits, let type = UInt8(format), type < 128 else { continue }
      if let encoding = stream.encoding(of: format) {
        codecs[type] = PayloadCodec(rtpmap: encoding)
      }
    }
    return AudioMedia(
      endpoint: FrameAddress(Endpoint(address, stream.port)), codecs: codecs, keys: stream.sendingKeys,
      isEncrypted: stream.transport.contains("SAVP"))
  }
}

/// The SDP of a message, alone or as a part of a body of several (RFC 5621 §3.1).
private func sessionDescription(in message: Message) -> [UInt8]? {
  let body = message.body
  guard !body.isEmpty else { return nil }
  guard let type = message.headers.contentType else { return body }
  if type == "application/sdp" { return body }
  guard type.hasPrefix("multipart/") else { return nil }
  // The part is told by its first line; its headers say no more than that.
  let lines = body.split(separator: 0x0A, omittingEmptySubsequences: false)
  guard let first = lines.firstIndex(where: { $0.elementsEqual("v=0\r".utf8) || $0.elementsEqual("v=0".utf8) }) else {
    return nil
  }
  return Array(lines[first...].prefix { !$0.starts(with: "--".utf8) }.joined(separator: [0x0A]))
}
