package import SIPMessage

/// Where a request goes: the Request-URI, and the way on which it is sent (RFC 3263's choice is made by the owner).
package struct Target: Hashable, Sendable {
  package var uri: SIPURI
  package var flow: Flow
  /// The proxies on the way, as Route lines: what a registrar has told us (Service-Route, RFC 3608), or a phone's REGISTER
  /// has collected (Path, RFC 3327).
  package var routes: [NameAddress]

  package init(uri: SIPURI, flow: Flow, routes: [NameAddress] = []) {
    self.uri = uri
    self.flow = flow
    self.routes = routes
  }
}
