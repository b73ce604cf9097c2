/// Reads the packets of a pcapng file (draft-ietf-opsawg-pcapng): any number of sections in either byte order, each with
/// any number of interfaces.
///
/// libpcap reads pcapng only where all interfaces have one link layer and one snap length, and all sections one byte
/// order; captures of several interfaces, and files that `mergecap` or `cat` has joined, often have not.
struct PcapngReader: ~Copyable {
  /// What `next()` has found.
  enum Step: Equatable {
    case packet
    case end
    /// The file ends within a block, or goes on with nonsense.
    case broken(String)
  }

  /// More interfaces than that no section describes.
  private static let mostInterfaces = 65_536

  private var window: FileWindow
  private var isSwapped = false
  private var interfaces: [PcapngInterface] = []
  /// How long the block is whose packet was found last; it is passed when the next one is wanted.
  private var currentLength = 0

  /// A packet that `next()` has found.
  struct Packet {
    /// The packet as far as it was captured; good until the next `next()`.
    var frame: UnsafeRawBufferPointer
    /// Its link layer; nil if that is not understood.
    var link: LinkLayer?
    /// The LINKTYPE_ number.
    var linkType: UInt16
    /// Nanoseconds since 1970. A packet that has no time (Simple Packet Block) has that of the one before.
    var time: Int64
  }

  /// The packet found last.
  private(set) var packet = Packet(frame: UnsafeRawBufferPointer(start: nil, count: 0), link: nil, linkType: 0, time: 0)
  /// The first four bytes of every pcapng file.
  static let magic: [UInt8] = [0x0A, 0x0D, 0x0D, 0x0A]

  /// Takes `descriptor` over, a file that begins with `magic`.
  init(descriptor: Int32) { window = FileWindow(descriptor: descriptor) }

  /// What is wrong with the file's beginning, if anything; to be asked before the first `next()`.
  mutating func faultAtStart() -> String? {
    guard window.need(16) else { return window.failure ?? "truncated file; its first block is not whole" }
    return beginSection()
  }

  /// Goes on to the next packet.
  @inline(__always)
  mutating func next() -> Step {
    window.pass(currentLength)
    currentLength = 0
    while true {
      guard window.need(12) else {
        return window.count == 0 && window.failure == nil ? .end : cut("a block's head", 12)
      }
      let head = window.bytes.bytes
      let type = head.uint32(at: 0, isSwapped)
      if type == BlockType.section, let problem = beginSection() { return .broken(problem) }
      let length = Int(window.bytes.bytes.uint32(at: 4, isSwapped))
      // The lengths are multiples of 4, and where one is not, the padding is not counted.
      let padded = (length + 3) & ~3
      guard length >= 12 else { return .broken("a block of \(length) bytes; expected 12 or more") }
      guard padded <= FileWindow.longest else {
        if BlockType.isKnown(type) {
          return .broken("a block of \(length) bytes; expected at most \(FileWindow.longest)")
        }
        guard window.skip(padded) else { return cut("a block", length) }
        continue
      }
      guard window.need(padded) else { return cut("a block", length) }
      let block = window.bytes.bytes.extracting(0..<padded)
      let trailer = Int(block.uint32(at: padded - 4, isSwapped))
      guard trailer == length else {
        return .broken("a block's length is \(length) at its beginning and \(trailer) at its end")
      }
      switch read(type, block.extracting(8..<padded - 4)) {
      case .packet:
        currentLength = padded
        return .packet
      case .broken(let problem): return .broken(problem)
      case .end: window.pass(padded)
      }
    }
  }

  private func cut(_ what: String, _ length: Int) -> Step {
    .broken(window.failure ?? "truncated file; \(what) of \(length) bytes, of which \(window.count) are there")
  }

  /// Learns the byte order from a section's head.
  /// - Returns: what is wrong with it, if anything.
  private mutating func beginSection() -> String? {
    guard window.need(16) else { return "truncated file; a section's head is not whole" }
    let head = window.bytes.bytes
    switch head.uint32(at: 8, false) {
    case 0x1A2B_3C4D: isSwapped = false
    case 0x4D3C_2B1A: isSwapped = true
    default: return "a section without byte order mark"
    }
    let major = head.uint16(at: 12, isSwapped)
    guard major == 1 else { return "a section of pcapng version \(major); expected 1" }
    interfaces = []
    return nil
  }

  /// Reads a block's body.
  /// - Returns: `end` for blocks that hold no packet.
  @inline(__always)
  private mutating func read(_ type: UInt32, _ body: RawSpan) -> Step {
    switch type {
    case BlockType.enhancedPacket:
      guard body.byteCount >= 20 else { return .broken("a packet block of \(body.byteCount) bytes") }
      return take(
        body, interface: Int(body.uint32(at: 0, isSwapped)), time: 4, captured: Int(body.uint32(at: 12, isSwapped)))
    case BlockType.packet:
      guard body.byteCount >= 20 else { return .broken("a packet block of \(body.byteCount) bytes") }
      return take(
        body, interface: Int(body.uint16(at: 0, isSwapped)), time: 4, captured: Int(body.uint32(at: 12, isSwapped)))
    case BlockType.simplePacket:
      guard body.byteCount >= 4, let first = interfaces.first else { return .broken("a packet before its interface") }
      // The captured length is not written: it is the least of the three.
      let kept = first.snapLength == 0 ? Int.max : Int(first.snapLength)
      return take(
        body, interface: 0, time: nil, start: 4,
        captured: min(Int(body.uint32(at: 0, isSwapped)), kept, body.byteCount - 4))
    case BlockType.interface:
      guard let interface = PcapngInterface(body, isSwapped: isSwapped) else {
        return .broken("an interface block of \(body.byteCount) bytes")
      }
      guard interfaces.count < Self.mostInterfaces else {
        return .broken("more than \(Self.mostInterfaces) interfaces")
      }
      interfaces.append(interface)
      return .end
    default: return .end
    }
  }

  @inline(__always)
  private mutating func take(
    _ body: RawSpan, interface index: Int, time place: Int?, start: Int = 20, captured: Int
  ) -> Step {
    guard index < interfaces.count else { return .broken("a packet of interface \(index), of \(interfaces.count)") }
    guard captured <= body.byteCount - start else {
      return .broken("a packet of \(captured) bytes in a block for \(body.byteCount - start)")
    }
    let interface = interfaces[index]
    if let place {
      packet.time = interface.time(
        high: body.uint32(at: place, isSwapped), low: body.uint32(at: place + 4, isSwapped))
    }
    packet.link = interface.link
    packet.linkType = interface.linkType
    // The body begins 8 bytes behind the block, which is where the window begins.
    packet.frame = UnsafeRawBufferPointer(rebasing: window.bytes[8 + start..<8 + start + captured])
    return .packet
  }
}

/// The numbers of blocks (draft-ietf-opsawg-pcapng §10.1); all others are passed over.
private enum BlockType {
  static let interface: UInt32 = 1
  /// Obsolete, and still found.
  static let packet: UInt32 = 2
  static let simplePacket: UInt32 = 3
  static let enhancedPacket: UInt32 = 6
  static let section: UInt32 = 0x0A0D_0D0A

  static func isKnown(_ type: UInt32) -> Bool {
    [interface, packet, simplePacket, enhancedPacket, section].contains(type)
  }
}
