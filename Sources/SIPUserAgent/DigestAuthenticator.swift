import SIPMessage
import Telephony

/// The server's side of digest authentication (RFC 7616, RFC 8760, RFC 3261 §22).
///
/// It keeps nothing of what it has asked: only the counts of nonces that a right password has used.
struct DigestAuthenticator: Sendable {
  enum Verdict: Hashable, Sendable {
    /// The request bears no answer to our realm.
    case none
    case passed(user: String)
    /// A right password with a nonce that no longer serves: to be asked anew, and no failure.
    case stale(user: String)
    /// The same, because this very proof has been used before.
    case replayed(user: String)
    /// A wrong password, an unknown user, or nonsense.
    case failed(user: String)
  }

  private let functions: DigestFunctions
  private var counts = NonceCounts()
  let nonces: NonceMaker

  init(functions: DigestFunctions, random: RandomSource) {
    self.functions = functions
    nonces = NonceMaker(functions: functions, random: random)
  }

  /// How many nonces are remembered; bounded.
  var rememberedNonces: Int { counts.count }

  /// - Parameter passwords: the password of a digest user name.
  mutating func check(
    _ request: Request, realm: String, passwords: (String) -> Redacted<String>?, at now: Instant
  ) -> Verdict {
    guard let credentials = Self.credentials(in: request, realm: realm) else { return .none }
    let user = credentials.username
    let known = passwords(user)
    // Made in any case: how long the answer takes must not tell who exists.
    let decoy = nonces.unguessable(user)
    guard let proof = proof(credentials, method: request.method), Self.isFor(credentials.uri, request.uri) else {
      return .failed(user: String(user.prefix(64)))
    }
    let right = proof.response(password: known ?? decoy, functions: functions)
    let isRight = equalInConstantTime(right, credentials.response)
    guard isRight, known != nil else { return .failed(user: String(user.prefix(64))) }
    switch nonces.judge(credentials.nonce, at: now) {
    case .old, .foreign: return .stale(user: user)
    case .valid(let made):
      let number = proof.protection.flatMap { UInt32($0.nonceCount, radix: 16) } ?? 1
      return counts.use(credentials.nonce, made: made, number: number, at: now)
        ? .passed(user: user) : .replayed(user: user)
    }
  }

  /// The WWW-Authenticate lines of a 401: the same for everyone, whether he exists or not.
  func challenges(to request: Request, realm: String, algorithms: [DigestAlgorithm], isStale: Bool, at now: Instant)
    -> [String]
  {
    var offered = algorithms
    if let used = Self.credentials(in: request, realm: realm).flatMap({ DigestAlgorithm(token: $0.algorithm) }),
      !offered.contains(used)
    {
      offered.insert(used, at: 0)
    }
    return offered.map { algorithm in
      DigestChallenge(
        realm: realm, nonce: nonces.make(at: now), algorithm: algorithm.rawValue, qop: ["auth"], isStale: isStale
      ).description
    }
  }

  private static func credentials(in request: Request, realm: String) -> DigestCredentials? {
    request.headers.digestCredentials("Authorization").first { $0.realm == realm }
  }

  private func proof(_ credentials: DigestCredentials, method: Method) -> DigestProof? {
    guard let algorithm = DigestAlgorithm(token: credentials.algorithm) else { return nil }
    var protection: DigestProof.Protection?
    if let qop = credentials.qop {
      guard qop.equalsIgnoringCase("auth"), let count = credentials.nc, let cnonce = credentials.cnonce,
        count.utf8.count == 8, UInt32(count, radix: 16) != nil
      else { return nil }
      protection = DigestProof.Protection(nonceCount: count, cnonce: cnonce)
    }
    return DigestProof(
      algorithm: algorithm, user: credentials.username, realm: credentials.realm, method: method.token,
      uri: credentials.uri, nonce: credentials.nonce, protection: protection)
  }

  /// A proof holds for one destination. Only the user part is compared, as phones and NATs write hosts in many ways.
  private static func isFor(_ digestURI: String, _ uri: SIPURI) -> Bool {
    guard let parsed = try? SIPURI(digestURI) else { return false }
    return parsed.user == uri.user
  }
}
