package import Hunting
package import SIPMessage
package import SIPUserAgent
import Telephony

extension CallerName {
  /// Who calls: P-Asserted-Identity, Remote-Party-ID, From, in this order, as the trunk delivered it, prefix included.
  ///
  /// A registered user is his own number whatever his From says. Withheld (Privacy `id` or `user`, RFC 3323 and
  /// RFC 3325 §9.3, or Remote-Party-ID's `privacy`): anonymous.
  package init(callerOf request: Request, from identity: PeerIdentity) {
    switch identity {
    case .user(let number): self.init(number)
    case .trunk: self.init(isWithheld(request) ? "" : deliveredNumber(request))
    }
  }
}

private func deliveredNumber(_ request: Request) -> String {
  for name: HeaderName in ["P-Asserted-Identity", "Remote-Party-ID"] {
    let users = ((try? request.headers.nameAddresses(name)) ?? []).compactMap(\.uri.user)
    if let user = users.first(where: { !$0.isEmpty }) { return withoutParameters(user) }
  }
  return withoutParameters((try? request.headers.from())?.uri.user ?? "")
}

private func isWithheld(_ request: Request) -> Bool {
  let privacy = request.headers.lines("Privacy").flatMap { $0.split(whereSeparator: { $0 == ";" || $0 == "," }) }
  if privacy.contains(where: { ["id", "user"].contains($0.trimmed.asciiLowercased) }) { return true }
  let party = (try? request.headers.nameAddresses("Remote-Party-ID"))?.first
  return party?.parameters["privacy"].map { $0.asciiLowercased != "off" } ?? false
}

/// `0347;phone-context=+39` → `0347`.
private func withoutParameters(_ user: String) -> String { String(user.prefix { $0 != ";" }) }
