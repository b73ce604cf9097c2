import CPcap
import Glibc

/// The packets of a capture file: of pcap through libpcap, of pcapng by `PcapngReader`.
struct PacketSource: ~Copyable {
  private let handle: OpaquePointer?
  private var blocks: PcapngReader?

  /// The packet found, as far as it was captured; good until the next `next()`.
  private(set) var frame = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Its link layer; nil if that is not understood.
  private(set) var link: LinkLayer?
  /// When it was captured: nanoseconds since 1970, not after 2106.
  private(set) var time: Int64 = 0

  /// Takes `descriptor` over, and closes it whatever happens.
  init(path: String, descriptor: Int32) throws(CaptureError) {
    let start: [UInt8]
    do throws(CaptureError) { start = try firstBytes(descriptor, path) } catch {
      close(descriptor)
      throw error
    }
    if start.starts(with: PcapngReader.magic) {
      var reader = PcapngReader(descriptor: descriptor)
      if let fault = reader.faultAtStart() { throw CaptureError(path: path, kind: .noCapture(fault)) }
      blocks = consume reader
      handle = nil
    } else {
      let (opened, known) = try openPcap(path, descriptor)
      handle = opened
      link = known
      blocks = nil
    }
  }

  deinit { if let handle { pcap_close(handle) } }

  /// The first link layer met that is not understood, by its LINKTYPE_ number.
  private(set) var foreignLink: UInt16?

  /// Goes on to the next packet.
  @inline(__always)
  mutating func next() -> PcapngReader.Step {
    guard let handle else { return nextBlock() }
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var bytes: UnsafePointer<UInt8>?
    let result = pcap_next_ex(handle, &header, &bytes)
    guard result == 1, let header, let bytes else {
      return result == PCAP_ERROR ? .broken(String(cString: pcap_geterr(handle))) : .end
    }
    frame = UnsafeRawBufferPointer(start: bytes, count: Int(header.pointee.caplen))
    // The format's seconds have no sign; what libpcap calls microseconds are the nanoseconds it was asked for.
    let stamp = header.pointee.ts
    time = Int64(UInt32(truncatingIfNeeded: stamp.tv_sec)) * 1_000_000_000 &+ Int64(stamp.tv_usec)
    return .packet
  }

  @inline(never)
  private mutating func nextBlock() -> PcapngReader.Step {
    guard let step = blocks?.next() else { return .end }
    if step == .packet, let found = blocks?.packet {
      frame = found.frame
      link = found.link
      time = found.time
      if link == nil { foreignLink = foreignLink ?? found.linkType }
    }
    return step
  }
}

/// - Returns: libpcap's handle, which owns the descriptor, and the packets' link layer.
private func openPcap(_ path: String, _ descriptor: Int32) throws(CaptureError) -> (OpaquePointer, LinkLayer) {
  guard let stream = fdopen(descriptor, "rb") else {
    let problem = reason(errno)
    close(descriptor)
    throw CaptureError(path: path, kind: .unreadable(problem))
  }
  // stdio's own 4 KB buffer costs a system call every 19 packets.
  setvbuf(stream, nil, _IOFBF, 1 << 16)
  var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
  let opened = pcap_fopen_offline_with_tstamp_precision(stream, UInt32(PCAP_TSTAMP_PRECISION_NANO), &text)
  guard let opened else {
    fclose(stream)
    throw CaptureError(path: path, kind: .noCapture(words(text)))
  }
  let number = pcap_datalink(opened)
  guard let link = LinkLayer(dlt: number) else {
    let name = pcap_datalink_val_to_name(number).map { String(cString: $0) } ?? String(number)
    pcap_close(opened)
    throw CaptureError(path: path, kind: .unknownLinkLayer(name))
  }
  return (opened, link)
}

private func words(_ text: [CChar]) -> String {
  String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
