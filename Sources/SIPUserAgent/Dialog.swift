import SIPMessage
import Telephony

/// What names a dialog at our end (RFC 3261 §12): the peer's tag is empty for a peer of RFC 2543.
struct DialogID: Hashable, Sendable {
  var callID: String
  var localTag: String
  var remoteTag: String

  init(callID: String, localTag: String, remoteTag: String) {
    self.callID = callID
    self.localTag = localTag
    self.remoteTag = remoteTag
  }

  /// The dialog to which a request of the peer belongs; nil if it has no To tag.
  init?(request: Request) {
    guard let callID = request.headers.callID, let localTag = (try? request.headers.to())?.tag,
      let from = try? request.headers.from()
    else { return nil }
    self.init(callID: callID, localTag: localTag, remoteTag: from.tag ?? "")
  }
}

/// A peer-to-peer relation of two user agents (RFC 3261 §12).
struct Dialog: Hashable, Sendable {
  let id: DialogID
  /// From of our requests, with our tag.
  private let localAddress: NameAddress
  /// To of our requests, with the peer's tag.
  private let remoteAddress: NameAddress
  /// The number of our last request.
  private(set) var localNumber: UInt32
  /// The number of the peer's last request; nil before his first.
  private(set) var remoteNumber: UInt32?
  private(set) var remoteTarget: SIPURI
  private(set) var routeSet: [NameAddress]
  /// The way on which our requests go.
  private(set) var flow: Flow
  /// True if the peer sits behind a NAT, so that the address in his Contact leads nowhere.
  private let staysOnFlow: Bool

  /// The dialog that an INVITE from a peer opens (§12.1.1).
  /// - Returns: nil if a field cannot be read.
  init?(answering request: Request, localTag: String, flow: Flow) {
    guard let callID = request.headers.callID, let from = try? request.headers.from(),
      let to = try? request.headers.to(), let cseq = try? request.headers.cseq(),
      let routes = try? request.headers.nameAddresses("Record-Route")
    else { return nil }
    id = DialogID(callID: callID, localTag: localTag, remoteTag: from.tag ?? "")
    localAddress = to.tagged(localTag)
    remoteAddress = from
    localNumber = 0
    remoteNumber = cseq.number
    // A peer that forgets its Contact (§8.1.1.8 demands it) is called back where it says that it is.
    remoteTarget = (try? request.headers.contacts())?.first?.uri ?? from.uri
    routeSet = routes
    staysOnFlow = Self.isBehindNAT(request, source: flow.remote.address)
    self.flow = flow
    followTarget()
  }

  /// The dialog that a response with a To tag to an INVITE of ours opens (§12.1.2).
  ///
  /// - Parameters:
  ///   - uri: the INVITE's Request-URI; nil if the INVITE is forgotten, so that we can only go back whence it came.
  ///   - flow: the INVITE's.
  /// - Returns: nil if a field cannot be read.
  init?(calling uri: SIPURI?, response: Response, flow: Flow) {
    guard let callID = response.headers.callID, let from = try? response.headers.from(), let localTag = from.tag,
      let to = try? response.headers.to(), let cseq = try? response.headers.cseq(),
      let routes = try? response.headers.nameAddresses("Record-Route")
    else { return nil }
    id = DialogID(callID: callID, localTag: localTag, remoteTag: to.tag ?? "")
    localAddress = from
    remoteAddress = to
    localNumber = cseq.number
    remoteNumber = nil
    remoteTarget = (try? response.headers.contacts())?.first?.uri ?? uri ?? to.uri
    routeSet = routes.reversed()
    // We called it at another address than its URI names: it registered through a NAT.
    staysOnFlow = uri.map { IPAddress($0.host) ?? flow.remote.address } != flow.remote.address
    self.flow = flow
    followTarget()
  }

  /// A request of ours within the dialog (§12.2.1.1), without Via and Contact.
  /// - Parameter number: the INVITE's own for its ACK; the next one if nil.
  mutating func request(_ method: Method, number: UInt32? = nil) -> Request {
    if number == nil { localNumber &+= 1 }
    var uri = remoteTarget
    var routes = routeSet
    if let first = routes.first, !first.uri.parameters.has("lr") {
      // A strict router takes the Request-URI for itself and the last Route for the target.
      uri = first.uri
      uri.headers = nil
      uri.parameters["method"] = nil
      routes = routes.dropFirst() + [NameAddress(remoteTarget)]
    }
    var request = Request(method, uri)
    for route in routes { request.headers.add("Route", route.description) }
    request.headers.add("Max-Forwards", "70")
    request.headers.add("From", localAddress.description)
    request.headers.add("To", remoteAddress.description)
    request.headers.add("Call-ID", id.callID)
    request.headers.add("CSeq", CSeq(number ?? localNumber, method).description)
    return request
  }

  /// Takes the number of the peer's request.
  /// - Returns: false if it comes out of order and must get a 500 (§12.2.2).
  mutating func takesNumber(of request: Request) -> Bool {
    guard let number = (try? request.headers.cseq())?.number else { return false }
    if let remoteNumber, number < remoteNumber { return false }
    remoteNumber = number
    return true
  }

  /// The peer's INVITE or UPDATE, or his 2xx to ours, may name a new target (§12.2.1.2, §12.2.2).
  mutating func refreshTarget(_ headers: Headers) {
    guard let contact = (try? headers.contacts())?.first else { return }
    remoteTarget = contact.uri
    followTarget()
  }

  /// The peer's requests come by another way than before: its NAT or its connection has changed.
  mutating func moved(to flow: Flow) {
    if staysOnFlow || flow.transport.isReliable { self.flow = flow }
  }

  /// The 2xx to our INVITE turns an early dialog into this one: it is computed anew from the 2xx, but for the numbers
  /// (§13.2.2.4).
  mutating func goOn(from early: Dialog?) {
    guard let early, early.id == id else { return }
    localNumber = max(localNumber, early.localNumber)
    remoteNumber = early.remoteNumber
  }

  /// The connection is gone: the next request opens one to where requests belong (§12.2.1.1), the next hop's own address.
  ///
  /// A host name that we do not know stands for the machine at the other end.
  /// - Returns: false if there is no other way than the one that has failed.
  @discardableResult mutating func connectionLost() -> Bool {
    let hop = routeSet.first?.uri ?? remoteTarget
    let isSecure = flow.transport == .tls
    guard flow.transport.isReliable, !staysOnFlow, hop.scheme == "sip" || isSecure && hop.scheme == "sips",
      hop.parameters["transport"].map({
        // `sips:` with transport=tcp is TLS over TCP (RFC 3261 §26.2.2).
        $0.equalsIgnoringCase(flow.transport.rawValue) || hop.scheme == "sips" && $0.equalsIgnoringCase("tcp")
      }) ?? true
    else { return false }
    let next = Endpoint(IPAddress(hop.host) ?? flow.remote.address, hop.port ?? (isSecure ? 5061 : 5060))
    guard next != flow.remote, mayLead(to: next.address) else { return false }
    flow.remote = next
    return true
  }

  /// Points the flow at the next hop where that is an address we can trust: without a proxy that records its route,
  /// the peer's Contact is where its requests belong (§12.2.1.1, §8.1.2), and it may be another machine or port.
  private mutating func followTarget() {
    guard flow.transport == .udp, !staysOnFlow else { return }
    let hop = routeSet.first?.uri ?? remoteTarget
    guard hop.isSIP, hop.parameters["transport"].map({ $0.equalsIgnoringCase("udp") }) ?? true,
      let address = IPAddress(hop.host), mayLead(to: address)
    else { return }
    flow.remote = Endpoint(address, hop.port ?? 5060)
  }

  /// True if an address that the peer names can be one that we reach as we reach him.
  private func mayLead(to address: IPAddress) -> Bool {
    address.isIPv6 == flow.remote.address.isIPv6 && !address.isUnspecified
      && (!address.isPrivate || flow.remote.address.isPrivate)
      && address.isLoopback == flow.remote.address.isLoopback
  }

  /// With rport the peer asks to be answered where it sent from; a Via whose address is not the source's was rewritten
  /// on the way.
  private static func isBehindNAT(_ request: Request, source: IPAddress) -> Bool {
    guard let via = (try? request.headers.vias())?.first else { return true }
    return via.parameters.has("rport") && IPAddress(via.host) != source
  }
}

extension NameAddress {
  /// The same address with this tag.
  func tagged(_ tag: String) -> NameAddress {
    var copy = self
    copy.tag = tag
    return copy
  }
}

extension IPAddress {
  /// RFC 1918, RFC 6598, link-local, loopback or RFC 4193: no way leads there from outside.
  var isPrivate: Bool {
    let networks: [(String, Int)] = [
      ("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16), ("100.64.0.0", 10), ("169.254.0.0", 16),
      ("127.0.0.0", 8), ("fc00::", 7), ("fe80::", 10), ("::1", 128),
    ]
    return networks.contains { text, length in IPAddress(text).map { isWithin($0, prefixLength: length) } ?? false }
  }
}
