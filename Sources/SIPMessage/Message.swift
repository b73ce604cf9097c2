package import Telephony

/// A SIP method (RFC 3261 §7.1); methods are case-sensitive tokens.
package struct Method: Hashable, Sendable, CustomStringConvertible {
  package var token: String
  package init(_ token: String) { self.token = token }
  package var description: String { token }

  package static let invite = Method("INVITE")
  package static let ack = Method("ACK")
  package static let bye = Method("BYE")
  package static let cancel = Method("CANCEL")
  package static let register = Method("REGISTER")
  package static let options = Method("OPTIONS")
  package static let info = Method("INFO")
  package static let message = Method("MESSAGE")
  package static let prack = Method("PRACK")
  package static let update = Method("UPDATE")
  package static let refer = Method("REFER")
  package static let notify = Method("NOTIFY")
  package static let subscribe = Method("SUBSCRIBE")
}

/// A request (RFC 3261 §7.1).
package struct Request: Hashable, Sendable {
  package var method: Method
  package var uri: SIPURI
  package var headers: Headers
  package var body: [UInt8]

  package init(_ method: Method, _ uri: SIPURI, headers: Headers = Headers(), body: [UInt8] = []) {
    self.method = method
    self.uri = uri
    self.headers = headers
    self.body = body
  }
}

/// A response (RFC 3261 §7.2).
package struct Response: Hashable, Sendable {
  /// 100 to 699.
  package var status: Int
  package var reason: String
  package var headers: Headers
  package var body: [UInt8]

  /// - Parameter reason: the reason phrase; the RFC's own for `status` if nil.
  package init(_ status: Int, reason: String? = nil, headers: Headers = Headers(), body: [UInt8] = []) {
    self.status = status
    self.reason = reason ?? reasonPhrase(status)
    self.headers = headers
    self.body = body
  }

  package var isProvisional: Bool { status < 200 }
  package var isSuccess: Bool { (200..<300).contains(status) }
  package var isFinal: Bool { status >= 200 }
}

/// What stands in a datagram: a request or a response.
package enum Message: Hashable, Sendable {
  case request(Request)
  case response(Response)

  package var headers: Headers {
    get {
      switch self {
      case .request(let request): request.headers
      case .response(let response): response.headers
      }
    }
    set {
      switch self {
      case .request(var request):
        request.headers = newValue
        self = .request(request)
      case .response(var response):
        response.headers = newValue
        self = .response(response)
      }
    }
  }

  package var body: [UInt8] {
    switch self {
    case .request(let request): request.body
    case .response(let response): response.body
    }
  }
}

/// What carries SIP (RFC 3261 §18).
package enum Transport: String, Hashable, Sendable {
  case udp = "UDP"
  case tcp = "TCP"
  case tls = "TLS"

  /// True where the transport itself delivers every byte in order, so that no timer retransmits.
  package var isReliable: Bool { self != .udp }
}

/// The way a message came or goes: by which transport, from which of our addresses, to which peer.
package struct Flow: Hashable, Sendable {
  package var transport: Transport
  /// Our own address and port on this way.
  package var local: Endpoint
  package var remote: Endpoint

  package init(_ transport: Transport, local: Endpoint, remote: Endpoint) {
    self.transport = transport
    self.local = local
    self.remote = remote
  }
}

/// The reason phrase for a status (RFC 3261 §21, RFC 4028, RFC 6665, RFC 8197, RFC 8688), or that of its class.
package func reasonPhrase(_ status: Int) -> String {
  switch status {
  case 100: "Trying"
  case 180: "Ringing"
  case 181: "Call Is Being Forwarded"
  case 182: "Queued"
  case 183: "Session Progress"
  case 200: "OK"
  case 202: "Accepted"
  case 300: "Multiple Choices"
  case 301: "Moved Permanently"
  case 302: "Moved Temporarily"
  case 305: "Use Proxy"
  case 380: "Alternative Service"
  case 400: "Bad Request"
  case 401: "Unauthorized"
  case 403: "Forbidden"
  case 404: "Not Found"
  case 405: "Method Not Allowed"
  case 406: "Not Acceptable"
  case 407: "Proxy Authentication Required"
  case 408: "Request Timeout"
  case 410: "Gone"
  case 413: "Request Entity Too Large"
  case 414: "Request-URI Too Long"
  case 415: "Unsupported Media Type"
  case 416: "Unsupported URI Scheme"
  case 420: "Bad Extension"
  case 421: "Extension Required"
  case 422: "Session Interval Too Small"
  case 423: "Interval Too Brief"
  case 480: "Temporarily Unavailable"
  case 481: "Call/Transaction Does Not Exist"
  case 482: "Loop Detected"
  case 483: "Too Many Hops"
  case 484: "Address Incomplete"
  case 485: "Ambiguous"
  case 486: "Busy Here"
  case 487: "Request Terminated"
  case 488: "Not Acceptable Here"
  case 489: "Bad Event"
  case 491: "Request Pending"
  case 493: "Undecipherable"
  case 500: "Server Internal Error"
  case 501: "Not Implemented"
  case 502: "Bad Gateway"
  case 503: "Service Unavailable"
  case 504: "Server Time-out"
  case 505: "Version Not Supported"
  case 513: "Message Too Large"
  case 600: "Busy Everywhere"
  case 603: "Decline"
  case 604: "Does Not Exist Anywhere"
  case 606: "Not Acceptable"
  case 607: "Unwanted"
  case 608: "Rejected"
  default:
    switch status / 100 {
    case 1: "Progress"
    case 2: "OK"
    case 3: "Redirection"
    case 4: "Request Failure"
    case 5: "Server Failure"
    default: "Global Failure"
    }
  }
}
