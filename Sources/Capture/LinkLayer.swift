import CPcap

/// The link layers whose frames are understood, and where the IP packet stands in each.
enum LinkLayer: Hashable, Sendable {
  case ethernet
  /// `tcpdump -i any`, old and new (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2).
  case linuxCooked
  case linuxCooked2
  /// An IP packet without anything before it (LINKTYPE_RAW, LINKTYPE_IPV4, LINKTYPE_IPV6).
  case rawIP
  /// A protocol family of 4 bytes in the order of the machine that captured (LINKTYPE_NULL) or of the network (LOOP).
  case bsdLoopback

  /// - Parameter number: libpcap's DLT_ value; nil for all that is not understood.
  init?(dlt number: Int32) {
    switch number {
    case DLT_EN10MB: self = .ethernet
    case DLT_LINUX_SLL: self = .linuxCooked
    case DLT_LINUX_SLL2: self = .linuxCooked2
    // 14 is OpenBSD's DLT_RAW.
    case DLT_RAW, 14, DLT_IPV4, DLT_IPV6: self = .rawIP
    case DLT_NULL, DLT_LOOP: self = .bsdLoopback
    default: return nil
    }
  }

  /// - Parameter type: LINKTYPE_ number as it stands in a file; nil for all that is not understood.
  init?(linkType type: UInt16) {
    switch type {
    // The systems' own numbers of raw IP, which some programs write into files.
    case 101, 12, 14: self = .rawIP
    default: self.init(dlt: Int32(type))
    }
  }

  /// Where the IP packet begins in `frame`; nil if there is none.
  @inline(__always)
  func packetStart(in frame: RawSpan) -> Int? {
    switch self {
    case .ethernet: return start(of: frame, typeAt: 12, next: 14)
    case .linuxCooked: return start(of: frame, typeAt: 14, next: 16)
    case .linuxCooked2: return start(of: frame, typeAt: 0, next: 20)
    case .rawIP: return 0
    case .bsdLoopback: return 4
    }
  }

  /// Follows the EtherType at `typeAt` through VLAN tags (IEEE 802.1Q, QinQ), PPPoE (RFC 2516) and MPLS to IP.
  @inline(__always)
  private func start(of frame: RawSpan, typeAt: Int, next: Int) -> Int? {
    guard frame.byteCount >= next else { return nil }
    let type = frame.uint16(at: typeAt)
    if type == 0x0800 || type == 0x86DD { return next }
    return tagged(frame, type, next)
  }

  @inline(never)
  private func tagged(_ frame: RawSpan, _ type: UInt16, _ next: Int) -> Int? {
    var type = type
    var next = next
    while true {
      switch type {
      case 0x0800, 0x86DD: return next
      case 0x8100, 0x88A8, 0x9100:
        guard frame.byteCount >= next + 4 else { return nil }
        type = frame.uint16(at: next + 2)
        next += 4
      case 0x8864:
        guard frame.byteCount >= next + 8 else { return nil }
        let inner = frame.uint16(at: next + 6)
        guard inner == 0x0021 || inner == 0x0057 else { return nil }
        return next + 8
      case 0x8847, 0x8848:  // MPLS (RFC 3032): labels up to the one with the bottom bit, then IP
        guard frame.byteCount > next + 4 else { return nil }
        let isBottom = frame.uint8(at: next + 2) & 1 != 0
        next += 4
        if isBottom { return next }
      default: return nil
      }
    }
  }
}

extension RawSpan {
  /// Two bytes in network order; the caller has made sure that they are there (else this traps).
  @inline(__always)
  func uint16(at offset: Int) -> UInt16 {
    UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// Four bytes in network order; the caller has made sure that they are there (else this traps).
  @inline(__always)
  func uint32(at offset: Int) -> UInt32 {
    UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// Eight bytes in network order; the caller has made sure that they are there (else this traps).
  @inline(__always)
  func uint64(at offset: Int) -> UInt64 {
    UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The byte at `offset`; the caller has made sure that it is there (else this traps).
  @inline(__always)
  func uint8(at offset: Int) -> UInt8 { unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
