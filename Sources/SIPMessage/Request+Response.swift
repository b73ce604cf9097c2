import Telephony

extension Request {
  /// A response to this request after RFC 3261 §8.2.6: Via, From, Call-ID and CSeq copied, To with our tag,
  /// Timestamp in a 100, Record-Route in what can make a dialog (§12.1.1).
  /// - Parameter reason: the reason phrase; the RFC's own for `status` if nil.
  /// - Parameter toTag: put on To if there is no tag yet; not in a 100, which §8.2.6.1 leaves without.
  package func response(_ status: Int, reason: String? = nil, toTag: String?) -> Response {
    Response(status, reason: reason, headers: headers.forResponse(status, toTag: status == 100 ? nil : toTag))
  }
}

extension Headers {
  /// The fields that a response copies from a request with these.
  func forResponse(_ status: Int, toTag: String?) -> Headers {
    var copied = Headers()
    for field in fields where field.name == "Via" { copied.fields.append(field) }
    if (101..<300).contains(status) {
      for field in fields where field.name == "Record-Route" { copied.fields.append(field) }
    }
    if let from = self["From"] { copied.add("From", from) }
    if let to = self["To"] { copied.add("To", tagged(to, toTag)) }
    if let callID = self["Call-ID"] { copied.add("Call-ID", callID) }
    if let cseq = self["CSeq"] { copied.add("CSeq", cseq) }
    if status == 100, let timestamp = self["Timestamp"] { copied.add("Timestamp", timestamp) }
    return copied
  }

  /// To as it came with `tag` behind it; unchanged if it has one, or cannot be read.
  private func tagged(_ to: String, _ tag: String?) -> String {
    guard let tag, let address = try? NameAddress(to), !address.parameters.has("tag") else { return to }
    var bytes = Array(to.utf8)[...]
    while let last = bytes.last, last == 0x3B || last == 0x20 || last == 0x09 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self) + ";tag=" + tokenOnly(tag)
  }
}
