import SIPMessage

/// The two requests that belong to an INVITE's hop and are made of the INVITE itself: its ACK and its CANCEL.
extension Request {
  /// The ACK for a final response other than 2xx (RFC 3261 §17.1.1.3).
  ///
  /// "The ACK request […] MUST contain values for the Call-ID, From, and Request-URI that are equal to the values of
  /// those header fields in the request passed to the transport by the client transaction. The To header field in the
  /// ACK MUST equal the To header field in the response being acknowledged […]. The ACK MUST contain a single Via header
  /// field, and this MUST be equal to the top Via header field of the original request. The CSeq header field in the ACK
  /// MUST contain the same value for the sequence number as was present in the original request, but the method
  /// parameter MUST be equal to "ACK"."
  func acknowledging(_ response: Response) -> Request {
    var ack = onSameHop(.ack)
    ack.headers["To"] = response.headers["To"] ?? headers["To"]
    return ack
  }

  /// The CANCEL of this request (RFC 3261 §9.1).
  ///
  /// "The Request-URI, Call-ID, To, the numeric part of CSeq, and From header fields in the CANCEL request MUST be
  /// identical to those in the request being cancelled, including tags. A CANCEL constructed by a client MUST have only
  /// a single Via header field value matching the top Via value in the request being cancelled."
  /// - Parameter reason: the Reason header's value (RFC 3326), or nil for none.
  func cancelling(reason: String?) -> Request {
    var cancel = onSameHop(.cancel)
    if let reason { cancel.headers.add("Reason", reason) }
    return cancel
  }

  private func onSameHop(_ method: Method) -> Request {
    var request = Request(method, uri)
    if let via = try? headers.topVia() { request.headers.add("Via", via.description) }
    request.headers.add("Max-Forwards", headers["Max-Forwards"] ?? "70")
    // "If the INVITE request whose response is being acknowledged had Route header fields, those header fields MUST
    // appear in the ACK." (§17.1.1.3, and §9.1 for CANCEL)
    for route in headers.lines("Route") { request.headers.add("Route", route) }
    for name: HeaderName in ["From", "To", "Call-ID"] {
      if let value = headers[name] { request.headers.add(name, value) }
    }
    if let number = (try? headers.cseq())?.number { request.headers.add("CSeq", CSeq(number, method).description) }
    return request
  }
}
