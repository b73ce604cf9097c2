/// Why bytes are not a message we take, and what to answer.
package struct ParseError: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable, CaseIterable {
    /// Nothing but line breaks or NULs: a keep-alive (RFC 5626 §3.5.1), no fault at all.
    case keepAlive
    /// The first line is neither a request line nor a status line.
    case notSIP
    /// A SIP version other than 2.0.
    case version
    /// A request line or status line against the grammar, the Request-URI included.
    case startLine
    /// The bytes end before the empty line that ends the header.
    case headerEnd
    /// A header line without a name or a colon.
    case headerLine
    /// A field that every message must hold is missing (RFC 3261 §8.1.1).
    case missingHeader
    /// A field that may stand once stands several times.
    case repeatedHeader
    /// Via, From, To, Call-ID, CSeq, Contact or Record-Route cannot be read.
    case headerValue
    /// The CSeq's method is not the request line's.
    case methodMismatch
    /// Content-Length is no number, or is missing on a stream.
    case contentLength
    /// Fewer bytes than Content-Length promises.
    case bodyEnd
    /// More than 65535 bytes, or than 1000 header fields.
    case tooLarge
  }

  package var kind: Kind
  /// What was expected, in a few plain words; holds nothing of the peer's bytes.
  package var detail: String
  /// The complete answer, if the bytes were a request that can be answered: 400, 505 or 513 with Via, From, To (with a
  /// tag), Call-ID and CSeq as far as they were there. Nil for responses, ACK and anything without a Via.
  package var refusal: Response?

  package init(_ kind: Kind, _ detail: String, refusal: Response? = nil) {
    self.kind = kind
    self.detail = detail
    self.refusal = refusal
  }

  /// The status with which a request of this kind is refused (RFC 3261 §21.4.1, §21.5.6, §21.5.7).
  package var status: Int {
    switch kind {
    case .version: 505
    case .tooLarge: 513
    case .keepAlive, .notSIP, .startLine, .headerEnd, .headerLine, .missingHeader, .repeatedHeader, .headerValue,
      .methodMismatch, .contentLength, .bodyEnd:
      400
    }
  }
}
