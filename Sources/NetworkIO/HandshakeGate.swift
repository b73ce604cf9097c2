import NIOCore

/// How many peers may be in the middle of a TLS handshake: each costs memory, and a millisecond of work that any stranger
/// can ask for.
struct HandshakeGate {
  private let limits: ConnectionLimits
  /// By source: those under way, and those begun within this second.
  private var underWay: [[UInt8]: Int] = [:]
  private var begun: [[UInt8]: Int] = [:]
  private(set) var count = 0
  private var begunCount = 0
  private var second = NIODeadline.now()

  init(_ limits: ConnectionLimits) { self.limits = limits }

  /// True if there is no room for anybody: one more must take another's place.
  var isFull: Bool { count >= limits.handshakes }

  /// True if `source` may begin one more now.
  /// - Parameter isKnown: whom we know is not kept out by how many strangers come within a second.
  mutating func admits(_ source: [UInt8], isKnown: Bool = false, at now: NIODeadline) -> Bool {
    if now - second >= .seconds(1) {
      second = now
      begun = [:]
      begunCount = 0
    }
    return underWay[source, default: 0] < limits.handshakesPerSource
      && begun[source, default: 0] < limits.handshakesPerSecondAndSource
      && (isKnown || begunCount < limits.handshakesPerSecond)
  }

  mutating func enter(_ source: [UInt8]) {
    count += 1
    begunCount += 1
    underWay[source, default: 0] += 1
    begun[source, default: 0] += 1
  }

  mutating func leave(_ source: [UInt8]) {
    guard let own = underWay[source] else { return }
    count -= 1
    underWay[source] = own > 1 ? own - 1 : nil
  }

  /// How many of `source` are under way.
  subscript(source: [UInt8]) -> Int { underWay[source, default: 0] }

  /// The most that any source has under way.
  var most: Int { underWay.values.max() ?? 0 }
}
