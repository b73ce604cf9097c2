package import Hunting
package import SIPMessage
package import SIPUserAgent
import Telephony

extension CallerName {
  /// Who calls: P-Asserted-Identity, Remote-Party-ID, From, in this order, as the trunk delivered it, prefix included.
  ///
  /// A registered user is his own number whatever his From says. Withheld in whatever way: anonymous.
  package init(callerOf request: Request, from identity: PeerIdentity) {
    switch identity {
    case .user(let number): self.init(number)
    case .trunk: self.init(isWithheld(request) ? "" : deliveredNumber(request))
    }
  }
}

private func deliveredNumber(_ request: Request) -> String {
  let parties = callingParties(request).compactMap(\.uri.user)
  for users in [request.headers.readable("P-Asserted-Identity").compactMap(\.uri.user), parties] {
    let names = users.map(withoutParameters).filter { !$0.isEmpty }
    // Of a `sip:` and a `tel:` identity (RFC 3325 §9.1) the number: it can be called back.
    if let name = names.first(where: { PhoneNumber($0) != nil }) ?? names.first { return name }
  }
  return withoutParameters((try? request.headers.from())?.uri.user ?? "")
}

/// RFC 3323 §4 and RFC 3325 §9.3: `Privacy` with `id` or `user` (`full` in drafts of it); `header`, `session` and
/// `history` hide other things, `critical` says only how much they matter. Before it Remote-Party-ID had a parameter. A
/// caller may also just call himself anonymous, which hides his asserted number too, unless he asks for no privacy.
private func isWithheld(_ request: Request) -> Bool {
  let privacy = request.headers.lines("Privacy")
    .flatMap { $0.split(whereSeparator: { $0 == ";" || $0 == "," }) }.map { $0.trimmed.asciiLowercased }
  if privacy.contains(where: { ["id", "user", "full"].contains($0) }) { return true }
  if let party = callingParties(request).first, hidesNumber(party.parameters["privacy"]) { return true }
  guard !privacy.contains("none"), let from = try? request.headers.from() else { return false }
  return namesNobody(from)
}

/// `privacy=full`, `uri`, `"name,uri"`, `full-network`; `off` and `name` leave the number.
private func hidesNumber(_ privacy: String?) -> Bool {
  guard let privacy else { return false }
  return privacy.asciiLowercased.split(whereSeparator: { $0 == "," || $0 == "\"" || $0 == " " }).contains { value in
    let kind = value.prefix { $0 != "-" }
    return kind != "off" && kind != "name"
  }
}

/// `"Anonymous" <sip:anonymous@anonymous.invalid>`, or any part of it.
private func namesNobody(_ from: NameAddress) -> Bool {
  let words = ["anonymous", "private", "restricted", "withheld", "clir"]
  return from.uri.host.equalsIgnoringCase("anonymous.invalid")
    || words.contains((from.uri.user ?? "").asciiLowercased)
    || from.displayName.map { $0.trimmed.equalsIgnoringCase("anonymous") } == true
}

/// The Remote-Party-IDs of the caller, not of the called party.
private func callingParties(_ request: Request) -> [NameAddress] {
  request.headers.readable("Remote-Party-ID").filter {
    $0.parameters["party"].map { $0.equalsIgnoringCase("calling") } ?? true
  }
}

/// `0347;phone-context=+39` → `0347`.
private func withoutParameters(_ user: String) -> String { String(user.prefix { $0 != ";" }) }

extension Headers {
  /// The addresses of a header, those left out that cannot be read.
  func readable(_ name: HeaderName) -> [NameAddress] { tokens(name).compactMap { try? NameAddress($0) } }
}
