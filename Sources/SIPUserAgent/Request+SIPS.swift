import SIPMessage

extension Request {
  /// True if a Contact of ours in the dialog must be a `sips:` URI: "If the request that initiated the dialog contained a
  /// SIPS URI in the Request-URI or in the top Record-Route header field value, if there was any, or the Contact header
  /// field if there was no Record-Route header field" (RFC 3261 §12.1.1; for our own requests §8.1.1.8).
  var wantsSecureContact: Bool {
    if uri.scheme == "sips" { return true }
    if let route = (try? headers.nameAddresses("Record-Route"))?.first { return route.uri.scheme == "sips" }
    return (try? headers.contacts())?.first?.uri.scheme == "sips"
  }
}
