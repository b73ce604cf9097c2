import SIPMessage
import Telephony

/// The client's side of digest authentication for one leg or request (RFC 3261 §22.2, RFC 7616, RFC 8760).
///
/// It answers each realm once (and once more if the server says that only the nonce was stale), and puts what has been
/// accepted on later requests of the same dialog.
struct DigestClient: Hashable, Sendable {
  private struct Answered: Hashable, Sendable {
    var challenge: DigestChallenge
    var algorithm: DigestAlgorithm
    var isProxy: Bool
    var nonceCount: UInt32
    var staleRetries: Int
    /// A request with this nonce was accepted.
    var isProven = false
  }

  private let credentials: Credentials?
  private var answered: [Answered] = []

  /// Proxies and servers on one way; more realms than this are refused rather than collected.
  private static let maxRealms = 4

  init(_ credentials: Credentials?) { self.credentials = credentials }

  /// Takes the challenges of a 401 or 407.
  /// - Returns: nil if the request may be tried again with `authorize`; else the realm that cannot be satisfied.
  mutating func take(_ response: Response) -> String? {
    // "a UAC MAY receive both" where a proxy has forked (§22.3).
    let asked =
      response.headers.digestChallenges("WWW-Authenticate").map { (isProxy: false, challenge: $0) }
      + response.headers.digestChallenges("Proxy-Authenticate").map { (isProxy: true, challenge: $0) }
    guard credentials != nil, let first = asked.first?.challenge else { return asked.first?.challenge.realm ?? "" }
    var seen: [[String]] = []
    for (isProxy, challenge) in asked {
      let place = [isProxy ? "proxy" : "server", challenge.realm]
      guard !seen.contains(place), let algorithm = DigestAlgorithm(token: challenge.algorithm),
        challenge.qop.isEmpty || challenge.qop.contains("auth")
      else { continue }
      seen.append(place)
      let new = Answered(
        challenge: challenge, algorithm: algorithm, isProxy: isProxy, nonceCount: 0, staleRetries: 0)
      if let index = answered.firstIndex(where: { $0.challenge.realm == challenge.realm && $0.isProxy == isProxy }) {
        // Our answer was there and did not suit. Only a stale nonce is worth another try: one that is called so, or one
        // that had served before and is replaced, since not every server cares to call it stale.
        let old = answered[index]
        let isReplaced = old.isProven && challenge.nonce != old.challenge.nonce
        guard isReplaced || (challenge.isStale && old.staleRetries < 1) else { return challenge.realm }
        let retries = old.staleRetries + 1
        answered[index] = new
        answered[index].staleRetries = retries
      } else {
        guard answered.count < Self.maxRealms else { return challenge.realm }
        answered.append(new)
      }
    }
    return seen.isEmpty ? first.realm : nil
  }

  /// True once a challenge has been taken.
  var hasAnswers: Bool { !answered.isEmpty }

  /// A request was accepted: its successors may again be told once that their nonce is stale.
  mutating func accepted() {
    for index in answered.indices {
      answered[index].staleRetries = 0
      answered[index].isProven = true
    }
  }

  /// Puts a fresh proof for every realm met so far on `request`, in place of those it bears.
  mutating func authorize(_ request: inout Request, functions: DigestFunctions, random: RandomSource) {
    request.headers["Authorization"] = nil
    request.headers["Proxy-Authorization"] = nil
    guard let credentials else { return }
    for index in answered.indices {
      answered[index].nonceCount &+= 1
      let entry = answered[index]
      let uri = request.uri.description
      let protection =
        entry.challenge.qop.isEmpty
        ? nil
        : DigestProof.Protection(nonceCount: eightDigits(entry.nonceCount), cnonce: random.token(16))
      let proof = DigestProof(
        algorithm: entry.algorithm, user: credentials.user, realm: entry.challenge.realm,
        method: request.method.token, uri: uri, nonce: entry.challenge.nonce, protection: protection)
      let answer = DigestCredentials(
        username: credentials.user, realm: entry.challenge.realm, nonce: entry.challenge.nonce, uri: uri,
        response: proof.response(password: credentials.password, functions: functions),
        algorithm: entry.challenge.algorithm, cnonce: protection?.cnonce, opaque: entry.challenge.opaque,
        qop: protection == nil ? nil : "auth", nc: protection?.nonceCount)
      request.headers.add(entry.isProxy ? "Proxy-Authorization" : "Authorization", answer.description)
    }
  }
}

private func eightDigits(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 8 - digits.utf8.count) + digits
}
