import CSRTP

/// The key of one side of a call (RFC 4568).
package struct StreamKeyMaterial: Hashable, Sendable {
  /// Master key and master salt, 30 bytes.
  package var master: [UInt8]
  /// The name (MKI) that stands in each packet; empty: none does.
  package var name: [UInt8]
  /// Packets are authenticated with 32 bits instead of 80.
  package var hasShortTag: Bool

  package init(master: [UInt8], name: [UInt8] = [], hasShortTag: Bool) {
    self.master = master
    self.name = name
    self.hasShortTag = hasShortTag
  }
}

/// How many keys all streams of a conversion together may try beyond those that fit at once: a capture that declares
/// thousands must not cost hours.
package final class SearchBudget {
  private var rest: Int

  package init(tries: Int = 300_000) { rest = tries }

  /// False once it is used up.
  fileprivate func take() -> Bool {
    rest -= 1
    return rest >= 0
  }
}

/// Decrypts the packets of one recorded SRTP stream (RFC 3711) in which the key may change, and whose beginning may lie
/// before the capture's: the authentication tags tell which key it is, and how often the sequence numbers have wrapped.
package final class StreamDecryptor {
  /// More wraps than this, a day of 20 ms packets, are not looked for.
  private static let mostRollovers: UInt32 = 70
  /// So many packets at a stream's beginning are tried with all numbers of wraps.
  private static let mostSearches = 20
  /// Longer datagrams are no audio.
  private static let longestPacket = 8192

  private let keys: [StreamKeyMaterial]
  private let ssrc: UInt32
  private let budget: SearchBudget
  private var contexts: [OpaquePointer?]
  /// The key that fitted last.
  private var current: Int?
  private var searches = 0
  private let packet: UnsafeMutableRawBufferPointer

  /// - Parameters:
  ///   - keys: those that may have been used; any that cannot be a key is passed over.
  ///   - budget: shared with other streams.
  package init(_ keys: [StreamKeyMaterial], ssrc: UInt32, _ budget: SearchBudget = SearchBudget()) {
    self.budget = budget
    self.keys = keys.filter { $0.master.count == Int(PIKETT_SRTP_KEY_BYTES) && $0.name.count <= 128 }
    self.ssrc = ssrc
    contexts = self.keys.map { pikett_srtp_receiver($0.master, $0.hasShortTag ? 1 : 0, $0.name, $0.name.count) }
    packet = .allocate(byteCount: Self.longestPacket, alignment: 16)
  }

  deinit {
    for context in contexts { if let context { pikett_srtp_free(context) } }
    packet.deallocate()
  }

  /// True if a key has fitted already.
  package var hasFitted: Bool { current != nil }

  /// Authenticates and decrypts a packet.
  ///
  /// - Parameter datagram: the whole packet.
  /// - Returns: the plain packet, header and payload, good until the next call; nil if no key fits, or if it came already.
  package func decrypt(_ datagram: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard datagram.count <= Self.longestPacket else { return nil }
    packet.copyMemory(from: datagram)
    if let current, let context = contexts[current] {
      switch unprotect(context, datagram.count) {
      case .plain(let plain): return plain
      case .repeated: return nil
      case .refused: break
      }
    }
    for index in contexts.indices where index != current {
      guard let context = contexts[index], case .plain(let plain) = unprotect(context, datagram.count) else { continue }
      current = index
      return plain
    }
    return current == nil ? search(datagram.count) : nil
  }

  private enum Outcome {
    case plain(UnsafeRawBufferPointer)
    case repeated
    case refused
  }

  private func unprotect(_ context: OpaquePointer, _ count: Int) -> Outcome {
    guard let base = packet.baseAddress else { return .refused }
    var length = count
    switch pikett_srtp_unprotect(context, base, &length) {
    case pikett_srtp_ok: return .plain(UnsafeRawBufferPointer(rebasing: packet[..<min(length, count)]))
    case pikett_srtp_repeated: return .repeated
    default: return .refused
    }
  }

  /// Looks for the number of wraps with which the packet's tag is right.
  private func search(_ count: Int) -> UnsafeRawBufferPointer? {
    guard searches < Self.mostSearches else { return nil }
    searches += 1
    for (index, key) in keys.enumerated() {
      for rollovers in 1...Self.mostRollovers {
        guard budget.take() else { return nil }
        guard
          let context = pikett_srtp_joiner(
            key.master, key.hasShortTag ? 1 : 0, key.name, key.name.count, ssrc, rollovers)
        else { return nil }
        if case .plain(let plain) = unprotect(context, count) {
          if let old = contexts[index] { pikett_srtp_free(old) }
          contexts[index] = context
          current = index
          return plain
        }
        pikett_srtp_free(context)
      }
    }
    return nil
  }
}
