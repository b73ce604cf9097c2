import Hunting
import Site
import Telephony

extension SiteSnapshot {
  /// Who can be rung, how, for how long, and who gets which message.
  var userTable: Table {
    var table = Table(["number", "name", "desk phone", "key", "forks", "timeout", "CFNR", "SMS", "IM"])
    for user in users {
      table.append(lines: [
        [user.number], [user.user.name ?? ""], [deskPhone(of: user)], [user.user.confirmKey.map { String($0) } ?? ""],
        forks(of: user),
        [inSeconds(user.user.cfnrTimeout)], [cfnr(user)], smsNumbers(user), [instantMessage(user)],
      ])
    }
    return table
  }

  /// How his desk phone is rung.
  func deskPhone(of user: SiteUser) -> String {
    switch user.deskPhone {
    case .contact(let contact, let trunk): withoutPassword(contact) + (trunk.map { " at \($0)" } ?? "")
    case .registration: "registers"
    case .trunk(let names): "by " + names.joined(separator: ", ")
    case .none: "none"
    }
  }

  /// The numbers that are rung with it, and the key each must press.
  func forks(of user: SiteUser) -> [String] {
    user.user.forks.map { "\($0.number), " + ($0.confirmKey.map { "key \($0)" } ?? "no key") }
  }

  /// `sip:731:secret@192.0.2.10` → `sip:731:***@192.0.2.10` (RFC 3261 §19.1.1 allows a password there).
  private func withoutPassword(_ contact: ContactAddress) -> String {
    guard let user = contact.user, let colon = user.firstIndex(of: ":"), let start = contact.uri.firstIndex(of: ":"),
      let end = contact.uri.lastIndex(of: "@")
    else { return contact.uri }
    return contact.uri[...start] + user[...colon] + "***" + contact.uri[end...]
  }

  private func cfnr(_ user: SiteUser) -> String {
    guard let next = user.user.cfnr else { return "end" }
    return self.user(next) == nil ? "\(next) (no such user)" : next
  }

  /// Each number once, with the providers that take it.
  private func smsNumbers(_ user: SiteUser) -> [String] {
    var numbers: [(number: String, providers: [String])] = []
    for route in user.smsRoutes {
      if let index = numbers.firstIndex(where: { $0.number == route.number }) {
        numbers[index].providers.append(route.provider.name)
      } else {
        numbers.append((route.number, [route.provider.name]))
      }
    }
    // Which provider takes which number is worth telling only where they differ.
    return numbers.map { $0.number + (numbers.count > 1 ? " by " + $0.providers.joined(separator: ", ") : "") }
  }

  private func instantMessage(_ user: SiteUser) -> String {
    if !user.wantsIM { return "no" }
    return user.deskPhone == .none ? "no phone" : "yes"
  }
}
