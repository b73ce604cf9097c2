import Telephony

/// Makes nonces that need no memory to be known again: time, chance, and a keyed hash over both (RFC 7616 §3.3).
struct NonceMaker: Sendable {
  /// What a nonce of a client turns out to be.
  enum Judgement: Hashable {
    /// Ours and young; when it was made.
    case valid(Instant)
    /// Ours, but older than `lifetime`.
    case old
    /// Not ours: invented, or of an earlier run.
    case foreign
  }

  /// How long a nonce serves. Short, as a phone that is told "stale" needs one round trip and no user.
  static let lifetime = Duration.seconds(300)

  private let key: [UInt8]
  private let functions: DigestFunctions
  private let random: RandomSource

  init(functions: DigestFunctions, random: RandomSource) {
    self.functions = functions
    self.random = random
    key = (0..<4).flatMap { _ in bigEndianBytes(random.next()) }
  }

  /// A nonce no one else can make: 64 hexadecimal digits.
  func make(at now: Instant) -> String {
    let head = hexadecimal(bigEndianBytes(UInt64(bitPattern: now.nanoseconds)) + bigEndianBytes(random.next()))
    return head + seal(head)
  }

  func judge(_ nonce: String, at now: Instant) -> Judgement {
    let bytes = Array(nonce.utf8)
    guard bytes.count == 64 else { return .foreign }
    let head = String(decoding: bytes.prefix(32), as: UTF8.self)
    guard equalInConstantTime(seal(head), String(decoding: bytes.suffix(32), as: UTF8.self)),
      let time = UInt64(head.prefix(16), radix: 16)
    else { return .foreign }
    let made = Instant(nanoseconds: Int64(bitPattern: time))
    return now - made <= Self.lifetime ? .valid(made) : .old
  }

  /// A tag that only we can make for this text: by it we know our own again without having kept it.
  func tag(_ text: String) -> String { String(hexadecimal(keyedHash("tag:" + text)).prefix(16)) }

  /// A password that nobody knows, so that checking an unknown user costs what checking a known one costs.
  func unguessable(_ user: String) -> Redacted<String> { Redacted(hexadecimal(keyedHash("nobody:" + user).prefix(8))) }

  private func seal(_ head: String) -> String { hexadecimal(keyedHash("nonce:" + head).prefix(16)) }

  /// HMAC-SHA-256 (RFC 2104).
  private func keyedHash(_ text: String) -> [UInt8] {
    let padded = key + [UInt8](repeating: 0, count: 64 - key.count)
    let inner = functions.sha256(padded.map { $0 ^ 0x36 } + Array(text.utf8))
    return functions.sha256(padded.map { $0 ^ 0x5C } + inner)
  }
}

/// The nonce counts that have been used, so that no proof serves twice (RFC 7616 §5.12); bounded.
struct NonceCounts: Sendable {
  private struct Use: Sendable {
    var made: Instant
    var highest: UInt32
  }

  private var uses: [String: Use] = [:]
  /// In the order of their first use.
  private var order: [String] = []
  /// Nonces made until then are forgotten, and so no longer accepted.
  private var forgottenUntil: Instant?
  private let limit: Int

  init(limit: Int = 1024) { self.limit = limit }

  /// How many nonces are remembered.
  var count: Int { uses.count }

  /// Notes that `number` was used with a nonce.
  /// - Returns: false if it (or a later one) has been used before, or that cannot be known any more.
  mutating func use(_ nonce: String, made: Instant, number: UInt32, at now: Instant) -> Bool {
    while let oldest = order.first, let use = uses[oldest], now - use.made > NonceMaker.lifetime {
      uses[oldest] = nil
      order.removeFirst()
    }
    if let use = uses[nonce] {
      guard number > use.highest else { return false }
      uses[nonce]?.highest = number
      return true
    }
    if let forgottenUntil, made <= forgottenUntil { return false }
    if order.count >= limit {
      let oldest = order.removeFirst()
      if let made = uses.removeValue(forKey: oldest)?.made { forgottenUntil = max(forgottenUntil ?? made, made) }
    }
    uses[nonce] = Use(made: made, highest: number)
    order.append(nonce)
    return true
  }
}

private func bigEndianBytes(_ value: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
}
