import Hunting
import Site
import Telephony

extension SiteSnapshot {
  /// Where each trunk leads, as whom, what it carries, and what its calls become.
  var trunkTable: Table {
    var table = Table([
      "name", "hosts", "login", "registers", "caller id", "prefix", "carries", "number called", "else to",
    ])
    for trunk in trunks {
      table.append(lines: [
        [trunk.name], peers(of: trunk), login(of: trunk),
        registration(of: trunk),
        callerID(of: trunk), prefix(of: trunk), use(of: trunk), [trunk.called.rawValue],
        [trunk.defaultDestination?.digits ?? "404"],
      ])
    }
    return table
  }

  private func peers(of trunk: Trunk) -> [String] {
    let hosts = trunk.hosts.map { "\(trunk.transport.rawValue) \($0)" }
    let proxy = trunk.proxy.map { "through \($0)" }
    return (hosts.isEmpty ? ["none"] : hosts) + [proxy].compactMap { $0 } + trunk.addresses.map { "calls from \($0)" }
      + [asked(trunk)].compactMap { $0 }
  }

  /// How often it is asked whether it lives, where that is not the usual.
  private func asked(_ trunk: Trunk) -> String? {
    guard !trunk.hosts.isEmpty, trunk.qualify != Trunk(name: "").qualify else { return nil }
    return trunk.qualify.map { "OPTIONS every \(inSeconds($0))" } ?? "no OPTIONS"
  }

  private func registration(of trunk: Trunk) -> [String] {
    guard trunk.registers else { return [trunk.isRegistrant ? "with us" : "no"] }
    let domain = trunk.domain.flatMap { $0 == trunk.hosts.first?.host ? nil : "at \($0)" }
    return ["for \(inSeconds(trunk.expires))", domain ?? ""]
  }

  private func login(of trunk: Trunk) -> [String] {
    guard let login = trunk.login else { return [] }
    let authUser = trunk.authUser.flatMap { $0 == login ? nil : "as \($0)" }
    return [login, authUser ?? "", trunk.password == nil ? "no password" : ""]
  }

  private func callerID(of trunk: Trunk) -> [String] {
    let showsOwn = trunk.callerID == .pai || trunk.callerID == .own
    return [trunk.callerID.rawValue, showsOwn ? trunk.from ?? "no own number" : ""]
  }

  private func prefix(of trunk: Trunk) -> [String] {
    let international = trunk.international
    return [trunk.prefix, international == "00" ? "" : international == "+" ? "+ stays" : "+ → \(international)"]
  }

  /// What leaves by the trunk; with failover, the how manieth it is.
  private func use(of trunk: Trunk) -> [String] {
    [("users", internalTrunks), ("forks", externalTrunks)].compactMap { what, names in
      guard let index = names.firstIndex(of: trunk.name) else { return nil }
      return names.count == 1 ? what : "\(what), choice \(index + 1)"
    }
  }
}
