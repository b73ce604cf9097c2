import Site
import Telephony

extension SiteSnapshot {
  /// By whom the SMS are sent, and whose.
  var providerTable: Table {
    var table = Table(["name", "request", "for"])
    for name in smsProviders {
      let receivers = users.compactMap { user in
        user.smsRoutes.first { $0.provider.name == name }.map { (user.number, server($0.provider)) }
      }
      var servers: [String] = []
      for (_, server) in receivers where !servers.contains(server) { servers.append(server) }
      // A user may have a URL of his own.
      let numbers = servers.map { server in
        receivers.filter { $0.1 == server }.map(\.0).joined(separator: ", ")
      }
      table.append(lines: [[name], servers, numbers.isEmpty ? ["nobody"] : numbers])
    }
    return table
  }

  /// `GET sms.example.net:8443`; the rest of a URL may hold secrets.
  private func server(_ provider: SMSProvider) -> String {
    guard let request = provider.request(number: "", text: "") else { return "no URL yet" }
    return "\(request.method.rawValue) \(request.server)"
  }
}
