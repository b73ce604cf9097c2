package import Telephony

/// A block of addresses, on any port, in fixed storage: compared where packets of unknown sources come in.
package struct SourceRange: Hashable, Sendable {
  private let high: UInt64
  private let low: UInt64
  private let highMask: UInt64
  private let lowMask: UInt64

  /// - Parameter prefixLength: how many leading bits count; nil, or more than there are: all.
  package init(_ address: IPAddress, prefixLength: Int? = nil) {
    let place = PacketSource(Endpoint(address, 0))
    let width = address.isIPv6 ? 128 : 32
    // IPv4 stands in the last 32 of 128 bits.
    let bits = 128 - width + max(0, min(prefixLength ?? width, width))
    highMask = bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits))
    lowMask = bits >= 128 ? .max : bits <= 64 ? 0 : ~(UInt64.max >> UInt64(bits - 64))
    high = place.high & highMask
    low = place.low & lowMask
  }

  /// True if `source` lies in the block, on whatever port.
  package func contains(_ source: PacketSource) -> Bool {
    source.high & highMask == high && source.low & lowMask == low
  }
}
