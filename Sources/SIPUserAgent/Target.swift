package import SIPMessage

/// Where a request goes: the Request-URI, and the way on which it is sent (RFC 3263's choice is made by the owner).
package struct Target: Hashable, Sendable {
  package var uri: SIPURI
  package var flow: Flow

  package init(uri: SIPURI, flow: Flow) {
    self.uri = uri
    self.flow = flow
  }
}
