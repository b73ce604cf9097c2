import SIPMessage
import Telephony

/// "The branch ID parameter in the Via header field value […] serves as a transaction ID"; a branch of our time begins
/// with this (RFC 3261 §8.1.1.7).
let magicCookie = "z9hG4bK"

/// What makes a response belong to a client transaction (RFC 3261 §17.1.3): the branch we gave it, and the method, since
/// a CANCEL shares the branch of its INVITE.
struct ClientKey: Hashable, Sendable {
  var branch: String
  var method: Method

  /// - Returns: nil if the response's Via or CSeq cannot be read.
  init?(_ response: Response) {
    guard let branch = (try? response.headers.topVia())?.branch, let cseq = try? response.headers.cseq() else {
      return nil
    }
    self.init(branch: branch, method: cseq.method)
  }

  init(branch: String, method: Method) {
    self.branch = branch
    self.method = method
  }
}

/// What makes a request belong to a server transaction (RFC 3261 §17.2.3).
enum ServerKey: Hashable, Sendable {
  /// Branch, sent-by and method (§17.2.3). Call-ID and CSeq number, which all requests of one transaction share, stand
  /// beside them: a peer that uses one branch for all its requests, or two peers behind NATs that share address and
  /// branch, then cannot take one transaction for another.
  case branch(String, host: String, port: UInt16?, method: Method, callID: String, number: UInt32)
  /// "If the branch parameter in the top Via header field is not present, or does not contain the magic cookie, the
  /// following procedures are used […] backwards compatibility with RFC 2543".
  case rfc2543(
    uri: String, toTag: String?, fromTag: String?, callID: String, number: UInt32, via: String, method: Method)

  /// The key of `request`, or of a request of another method in the same transaction.
  /// - Parameters:
  ///   - via: its top Via as it came.
  ///   - cseq: its CSeq.
  ///   - method: INVITE for an ACK and for what a CANCEL cancels: "the method of the request matches the one that created
  ///     the transaction, except for ACK, where the method of the request that created the transaction is INVITE".
  init(_ request: Request, via: Via, cseq: CSeq, as method: Method) {
    let callID = request.headers["Call-ID"] ?? ""
    if let branch = via.branch, branch.hasPrefix(magicCookie), branch.utf8.count > magicCookie.utf8.count {
      self = .branch(
        branch, host: via.host.asciiLowercased, port: via.port, method: method, callID: callID, number: cseq.number)
    } else {
      self = .rfc2543(
        uri: request.uri.description, toTag: (try? request.headers.to())?.tag,
        fromTag: (try? request.headers.from())?.tag, callID: callID, number: cseq.number, via: via.description,
        method: method)
    }
  }

  /// The key under which an RFC 2543 peer's ACK will come: "the To tag of the ACK matches the To tag of the response sent
  /// by the server" (§17.2.3). Nil for today's peers, whose ACK is found by the INVITE's key.
  func acknowledgement(of response: Response) -> ServerKey? {
    guard case .rfc2543(let uri, _, let fromTag, let callID, let number, let via, _) = self else { return nil }
    return .rfc2543(
      uri: uri, toTag: (try? response.headers.to())?.tag, fromTag: fromTag, callID: callID, number: number, via: via,
      method: .ack)
  }
}

/// What two copies of one request share that came by different ways (RFC 3261 §8.2.2.2).
struct MergeKey: Hashable, Sendable {
  var fromTag: String?
  var callID: String
  var cseq: CSeq

  /// - Returns: nil for a request inside a dialog, which cannot have been forked on its way.
  init?(_ request: Request, cseq: CSeq) {
    guard let to = try? request.headers.to(), to.tag == nil else { return nil }
    fromTag = (try? request.headers.from())?.tag
    callID = request.headers["Call-ID"] ?? ""
    self.cseq = cseq
  }
}
