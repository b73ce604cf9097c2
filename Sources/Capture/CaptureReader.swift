import CPcap
import Frames
import Glibc

/// Reads the UDP datagrams of one capture, in the file's order, through libpcap (pcap and pcapng).
///
/// Nothing is allocated a packet: `payload` looks into libpcap's buffer and is good until the next `next()`.
package struct CaptureReader: ~Copyable {
  /// How the reading ended.
  package enum End: Hashable, Sendable {
    /// At the file's end.
    case complete
    /// Within a record, or at nonsense, in libpcap's words; all before it has been read.
    case broken(String)
  }

  private let handle: OpaquePointer
  private let link: LinkLayer
  private var frame = UnsafeRawBufferPointer(start: nil, count: 0)

  /// The datagram that `next()` has found. A stored value, so that the packet path reads its fields without calls.
  package private(set) var datagram = Datagram(
    source: FrameAddress(ipv4: 0, port: 0), target: FrameAddress(ipv4: 0, port: 0), start: 0, end: 0, isCut: false)

  /// When the datagram was captured: nanoseconds since 1970-01-01 00:00:00 UTC.
  package private(set) var time: Int64 = 0
  /// How many records have been read, of whatever content; the current one's number, counted from 1.
  package private(set) var recordNumber = 0
  /// How many parts of fragmented packets have been passed over.
  package private(set) var fragmentCount = 0
  /// How it ended, once `next()` has said false.
  package private(set) var end = End.complete

  /// Takes `stream` over, and closes it whatever happens.
  init(path: String, stream: UnsafeMutablePointer<FILE>) throws(CaptureError) {
    var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    let opened = pcap_fopen_offline_with_tstamp_precision(stream, UInt32(PCAP_TSTAMP_PRECISION_NANO), &text)
    guard let opened else {
      fclose(stream)
      throw CaptureError(path: path, kind: .noCapture(words(text)))
    }
    let number = pcap_datalink(opened)
    guard let known = LinkLayer(dlt: number) else {
      let name = pcap_datalink_val_to_name(number).map { String(cString: $0) } ?? String(number)
      pcap_close(opened)
      throw CaptureError(path: path, kind: .unknownLinkLayer(name))
    }
    handle = opened
    link = known
  }

  deinit { pcap_close(handle) }

  /// Goes on to the next datagram; false at the end (see `end`).
  package mutating func next() -> Bool {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var bytes: UnsafePointer<UInt8>?
    while true {
      let result = pcap_next_ex(handle, &header, &bytes)
      guard result == 1, let header, let bytes else {
        if result == PCAP_ERROR { end = .broken(String(cString: pcap_geterr(handle))) }
        frame = UnsafeRawBufferPointer(start: nil, count: 0)
        datagram.start = 0
        datagram.end = 0
        return false
      }
      recordNumber += 1
      let captured = UnsafeRawBufferPointer(start: bytes, count: Int(header.pointee.caplen))
      guard let start = link.packetStart(in: captured.bytes) else { continue }
      switch decode(captured.bytes, from: start) {
      case .datagram(let found):
        frame = captured
        datagram = found
        let stamp = header.pointee.ts  // asked for in nanoseconds, so that is what tv_usec holds
        time = Int64(stamp.tv_sec) &* 1_000_000_000 &+ Int64(stamp.tv_usec)
        return true
      case .fragment: fragmentCount += 1
      case .other: continue
      }
    }
  }

  /// The datagram's payload as far as it was captured.
  package var payload: RawSpan {
    @_lifetime(borrow self)
    get {
      // libpcap's buffer lives as long as the handle, and no reading goes on while self is borrowed.
      let bytes = UnsafeRawBufferPointer(rebasing: frame[datagram.start..<datagram.end]).bytes
      return _overrideLifetime(bytes, borrowing: self)
    }
  }
}

private func words(_ text: [CChar]) -> String {
  String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
