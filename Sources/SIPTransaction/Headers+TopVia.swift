import SIPMessage
import Telephony

extension Headers {
  /// Puts `via` in the place of the topmost value; those below it stay as they are.
  mutating func replaceTopVia(_ via: Via) {
    guard let index = fields.firstIndex(where: { $0.name == "Via" }), let vias = try? Via.list(fields[index].value)
    else { return }
    fields[index].value = ([via] + vias.dropFirst()).map(\.description).joined(separator: ", ")
  }
}

extension Via {
  /// The Via as the receiver completes it, so that the answer finds its way back through NATs.
  ///
  /// "If the host portion of the "sent-by" parameter contains a domain name, or if it contains an IP address that
  /// differs from the packet source address, the server MUST add a "received" parameter" (RFC 3261 §18.2.1). With
  /// rport, "it MUST set the value of the parameter to the source port of the request" and add received in any case
  /// (RFC 3581 §4).
  func completed(from source: Endpoint) -> Via {
    var via = self
    let wantsPort = parameters.has("rport")
    if wantsPort { via.parameters.set("rport", "\(source.port)") }
    // What a peer writes here itself is not believed.
    via.parameters["received"] = nil
    if wantsPort || IPAddress(host) != source.address {
      via.parameters.set("received", source.address.description)
    }
    return via
  }

  /// Where the response to a request with this top Via goes, the request having come on `flow` (RFC 3261 §18.2.2).
  ///
  /// "If the "sent-protocol" is a reliable transport protocol […] the response MUST be sent using the existing connection
  /// to the source of the original request". Else to the source address, at the port in rport (RFC 3581 §4), or "at the
  /// port indicated in the "sent-by" value, or using port 5060 if none is specified explicitly".
  ///
  /// `maddr` is not followed: with it any stranger could turn our answers on a third party.
  func responseFlow(on flow: Flow) -> Flow {
    guard !flow.transport.isReliable, !parameters.has("rport") else { return flow }
    return Flow(flow.transport, local: flow.local, remote: Endpoint(flow.remote.address, port ?? 5060))
  }

  /// Where a response goes when the connection its request came on is gone: "if that connection attempt fails, the
  /// server SHOULD […] open a connection to the IP address in the "received" parameter, if present, using the port in
  /// the "sent-by" value, or the default port" (RFC 3261 §18.2.2).
  func reconnectingFlow(insteadOf flow: Flow) -> Flow {
    let standard: UInt16 = flow.transport == .tls ? 5061 : 5060
    return Flow(flow.transport, local: flow.local, remote: Endpoint(flow.remote.address, port ?? standard))
  }
}
