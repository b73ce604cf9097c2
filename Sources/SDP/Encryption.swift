import Telephony

/// Which keys one leg's offers and answers exchange (RFC 4568 §7.1).
///
/// A key of ours stays as long as its leg is encrypted by it, over any number of offers, so that holding a call does not
/// begin the encryption anew; and it never serves twice: a leg that has been plain in between, or changes its suite, gets
/// a new one, since under one key a packet number must not come again (RFC 3711 §9.1).
struct Encryption: Sendable {
  private let security: MediaSecurity
  /// nil: encryption is not spoken.
  private let random: RandomSource?
  /// The lines of our last offer.
  private var offered: [CryptoLine] = []
  /// Our line of what is agreed; nil while the leg is plain.
  private(set) var agreed: CryptoLine?
  /// The transport of our next offer.
  private(set) var transport: String

  init(_ security: MediaSecurity, _ random: RandomSource?) {
    self.security = random == nil ? .accepted : security
    self.random = random
    transport = self.security == .required ? "RTP/SAVP" : "RTP/AVP"
  }

  /// The lines of an offer: what is in use, else what the leg is to have, the longer tag first.
  mutating func offer() -> [CryptoLine] {
    if let agreed {
      offered = [agreed]
    } else if security == .accepted {
      offered = []
    } else if offered.isEmpty, let random {
      offered = CryptoSuite.allCases.enumerated().map { CryptoLine(tag: $0 + 1, MediaKey($1, from: random)) }
    }
    return offered
  }

  /// The streams of an offer that can be answered, the encrypted ones first: some phones offer their audio twice.
  ///
  /// Phones that encrypt where they can offer plain RTP with keys; that counts as encrypted.
  /// - Returns: also why there is none, if there is none.
  func candidates(in media: [MediaDescription]) -> (indices: [Int], fault: SDPError) {
    var secure: [Int] = []
    var plain: [Int] = []
    var fault = SDPError.noAudio
    for (index, stream) in media.enumerated() where stream.isAudio {
      if random != nil, stream.isSecure || stream.isPlain, line(of: stream) != nil {
        secure.append(index)
      } else if random != nil, stream.isSecure {
        fault = .noCommonCrypto
      } else if stream.isPlain, security != .required {
        plain.append(index)
      } else if stream.isPlain, fault == .noAudio {
        fault = .notSecure
      }
    }
    return (secure + plain, fault)
  }

  /// Answers one of the candidates.
  /// - Returns: the keys of both sides; nil if the stream is plain.
  mutating func answer(_ stream: MediaDescription) -> MediaKeys? {
    guard let random, let theirs = line(of: stream) else {
      (agreed, offered) = (nil, [])
      transport = "RTP/AVP"
      return nil
    }
    let own = agreed.flatMap { $0.key.suite == theirs.key.suite ? $0.key : nil }
    let line = CryptoLine(tag: theirs.tag, own ?? MediaKey(theirs.key.suite, from: random))
    // A refresh of the session offers it again as it is.
    (agreed, offered) = (line, [line])
    transport = stream.transport
    return MediaKeys(send: line.key, receive: theirs.key)
  }

  /// Takes the answer to our last offer: it repeats one of its lines' tag and suite, with the other side's key (§7.1.3).
  /// - Returns: the keys of both sides; nil if the stream is plain.
  mutating func accept(_ stream: MediaDescription) throws(SDPError) -> MediaKeys? {
    guard stream.isSecure || stream.isPlain, !stream.isSecure || !offered.isEmpty else { throw .noAudio }
    for theirs in stream.cryptoLines {
      guard let own = offered.first(where: { $0.tag == theirs.tag && $0.key.suite == theirs.key.suite }) else {
        continue
      }
      agreed = own
      return MediaKeys(send: own.key, receive: theirs.key)
    }
    if stream.isSecure { throw .noCommonCrypto }
    if security == .required || transport.isSecureTransport { throw .notSecure }
    // The next offer, if there is one, has new keys: the other side may have kept these.
    agreed = nil
    offered = []
    return nil
  }

  /// The first line of a stream that we can fulfil: their order is the offerer's preference (§5.1.2).
  private func line(of stream: MediaDescription) -> CryptoLine? { stream.cryptoLines.first }
}

extension MediaDescription {
  /// Audio that is not refused.
  var isAudio: Bool { kind == "audio" && port != 0 }

  fileprivate var isPlain: Bool {
    transport.equalsIgnoringCase("RTP/AVP") || transport.equalsIgnoringCase("RTP/AVPF")
  }

  fileprivate var isSecure: Bool { transport.isSecureTransport }

  /// The `a=crypto` lines that we can fulfil, in their order.
  fileprivate var cryptoLines: [CryptoLine] {
    attributes.compactMap { $0.name == "crypto" ? $0.value.flatMap { CryptoLine($0) } : nil }
  }
}

extension String {
  fileprivate var isSecureTransport: Bool { equalsIgnoringCase("RTP/SAVP") || equalsIgnoringCase("RTP/SAVPF") }
}
