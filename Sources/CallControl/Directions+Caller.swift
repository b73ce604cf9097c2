import Hunting
import SIPMessage
import Site
import Telephony

/// As whom we call: the caller-number modes of `CallerID.txt`.
///
///     mode   From       P-Asserted-Identity   beside them
///     from   caller     caller                Diversion: the line
///     pai    Login      caller
///     rpid   Login                            Remote-Party-ID: caller
///     own    From.txt   From.txt
///
/// A caller who withholds his number is anonymous in From (RFC 3323 §4.1) under `Privacy: id`, and where he would be
/// asserted stands our own number: an identity that the trunk knows (RFC 3325 §9.1). `own` does not show him anyhow.
extension Directions {
  /// From, and the headers beside it.
  /// - Parameter mode: nil for a phone that is called directly: From is the caller at our address, which is where the
  ///   phone registers, so that it calls back through us.
  func presentation(
    _ calling: Calling, _ trunk: Trunk?, mode: Trunk.CallerID?, on flow: Flow
  ) -> (from: NameAddress, headers: Headers) {
    let (host, port) = advertised(flow)
    func here(_ user: String) -> NameAddress {
      NameAddress(SIPURI(user: user, host: host, port: port == 5060 ? nil : port))
    }
    let isAnonymous = calling.caller == .anonymous
    guard let trunk, let mode else { return (isAnonymous ? anonymous : here(calling.caller.text), Headers()) }

    let domain = trunk.domain.map(uriText) ?? host
    func there(_ user: String) -> NameAddress { NameAddress(SIPURI(user: user, host: domain)) }
    let own = there(trunk.from ?? trunk.login ?? dialled(calling))
    let account = trunk.login.map(there)
    if calling.kind == .message {
      if mode == .own { return (own, Headers()) }
      return (isAnonymous ? account ?? anonymous : there(calling.caller.text), Headers())
    }

    let line = here(trunk.from.flatMap { PhoneNumber($0)?.digits } ?? dialled(calling))
    let asserted = isAnonymous ? (trunk.login == nil ? line : own) : here(calling.caller.text)
    let from: NameAddress
    var headers = Headers()
    switch mode {
    case .from:
      from = asserted
      headers.add("P-Asserted-Identity", asserted.description)
      headers.add("Diversion", line.description + ";reason=unconditional")
    case .pai:
      from = account ?? there(trunk.from ?? calling.caller.text)
      headers.add("P-Asserted-Identity", asserted.description)
    case .rpid:
      from = account ?? there(trunk.from ?? calling.caller.text)
      let privacy = isAnonymous ? "full" : "off"
      headers.add("Remote-Party-ID", asserted.description + ";party=calling;privacy=\(privacy);screen=no")
    case .own:
      headers.add("P-Asserted-Identity", own.description)
      return (own, headers)
    }
    guard isAnonymous else { return (from, headers) }
    headers.add("Privacy", "id")
    return (anonymous, headers)
  }

  /// "From: "Anonymous" <sip:anonymous@anonymous.invalid>" (RFC 3323 §4.1).
  private var anonymous: NameAddress {
    NameAddress(SIPURI(user: "anonymous", host: "anonymous.invalid"), displayName: "Anonymous")
  }

  /// The number of ours that the caller dialled, without parameters and separators.
  private func dialled(_ calling: Calling) -> String {
    PhoneNumber(uriUser: calling.dialled)?.digits ?? calling.dialled
  }
}
