import SIPMessage
import Telephony

/// The session identifier that ties all legs of a call together (RFC 7989).
struct SessionID: Hashable, Sendable {
  /// The caller's UUID: his own, or one made on his behalf. Branches carry it as theirs.
  let caller: String
  /// Our UUID on the caller's leg.
  let ours: String

  /// - Parameter invite: its Session-ID is taken over if it has a well-formed one.
  init(of invite: Request, random: RandomSource) {
    let theirs = invite.headers["Session-ID"].map { $0.prefix { $0 != ";" }.trimmed }
    caller = theirs.flatMap { Self.isUUID($0) ? $0 : nil } ?? random.token(32)
    ours = random.token(32)
  }

  /// The header's value toward the caller.
  var towardCaller: String { "\(ours);remote=\(caller)" }
  /// The header's value toward a branch.
  var towardBranch: String { "\(caller);remote=\(String(repeating: "0", count: 32))" }

  private static func isUUID(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy { $0.isASCIIDigit || (0x61...0x66).contains($0) }
      && text.utf8.contains { $0 != 0x30 }  // all zeros: "not known"
  }
}
