import Audio
import Capture
import Frames
import RTP
import Telephony

/// The sound of a caller as a capture file for sipp: one RTP stream, PCMA, with key presses by RFC 4733.
struct SoundCapture {
  private var bytes = PcapFormat.fileHeader
  private var sequence: UInt16 = 0
  private var timestamp: UInt32 = 0
  private static let packet = 160

  mutating func silence(milliseconds: Int) { speech([Int16](repeating: 0, count: milliseconds * 8)) }

  mutating func speech(_ samples: [Int16]) {
    var rest = G711.aLaw.encode(samples)[...]
    while rest.count >= Self.packet {
      add(Array(rest.prefix(Self.packet)), type: 8, at: timestamp)
      rest = rest.dropFirst(Self.packet)
      timestamp &+= UInt32(Self.packet)
    }
  }

  /// A press of 120 ms, its end three times (RFC 4733 §2.5.1.4).
  mutating func press(_ code: UInt8) {
    let start = timestamp
    for count in 1...8 {
      let isEnd = count >= 6
      let event = TelephoneEvent(code: code, isEnd: isEnd, volume: 10, duration: UInt16(min(count, 6) * Self.packet))
      var payload = [UInt8](repeating: 0, count: TelephoneEvent.encodedLength)
      _ = payload.withUnsafeMutableBytes { event.write(into: $0) }
      add(payload, type: 101, at: start, marker: count == 1)
      timestamp &+= UInt32(Self.packet)
    }
  }

  /// The file so far; the stream goes on in the next one.
  mutating func take() -> [UInt8] {
    defer { bytes = PcapFormat.fileHeader }
    return bytes
  }

  private mutating func add(_ payload: [UInt8], type: UInt8, at timestamp: UInt32, marker: Bool = false) {
    let header = RTPHeader(
      payloadType: type, sequenceNumber: sequence, timestamp: timestamp, ssrc: 0x5161_7011, marker: marker,
      payloadLength: payload.count)
    var packet = [UInt8](repeating: 0, count: RTPHeader.fixedLength) + payload
    packet.withUnsafeMutableBytes { _ = header.write(into: $0) }
    let place = FrameAddress(ipv4: 0x7F00_0002, port: 10_000)
    var frame = [UInt8](repeating: 0, count: PcapFormat.frameLength(payloadLength: packet.count, isIPv6: false))
    let time = WallTime(microseconds: Int64(sequence) * 20_000)
    frame.withUnsafeMutableBytes { frame in
      packet.withUnsafeBytes {
        _ = PcapFormat.writeUDPFrame(into: frame, time: time, from: place, to: place, payload: $0)
      }
    }
    bytes += frame
    sequence &+= 1
  }
}
