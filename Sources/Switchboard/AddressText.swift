import Site
import Telephony

/// Known hosts as a file keeps them: a line that tells the version, then one name a line.
///
///     pikett-addresses 1
///     service sip.example.net udp 192.0.2.1:5060 [2001:db8::1]:5070
///     addresses pbx.example.net 192.0.2.7
enum AddressText {
  private static let head = "pikett-addresses 1"

  static func bytes(_ hosts: KnownHosts) -> [UInt8] {
    let services = hosts.services.map { service, places in
      (["service", service.name, service.transport.rawValue] + places.map(\.description)).joined(separator: " ")
    }
    let addresses = hosts.addresses.map { name, addresses in
      (["addresses", name] + addresses.map(\.description)).joined(separator: " ")
    }
    return Array(([head] + services.sorted() + addresses.sorted()).map { $0 + "\n" }.joined().utf8)
  }

  /// What can be read; a line that cannot be is passed over: the name is looked up anyway.
  static func read(_ bytes: [UInt8]) -> KnownHosts {
    var hosts = KnownHosts()
    // The last line is empty, or has been cut off.
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast()
    guard lines.first == head[...] else { return hosts }
    for line in lines.dropFirst() {
      let words = line.split(separator: " ")
      guard words.count > 1 else { continue }
      let name = String(words[1])
      switch words[0] {
      case "service":
        guard words.count > 3, let transport = SignallingTransport(rawValue: String(words[2])) else { continue }
        let places = words.dropFirst(3).compactMap { Endpoint($0) }
        if places.count == words.count - 3 { hosts.services[.init(name, transport)] = places }
      case "addresses":
        let addresses = words.dropFirst(2).compactMap { IPAddress($0) }
        if !addresses.isEmpty, addresses.count == words.count - 2 { hosts.addresses[name] = addresses }
      default: continue
      }
    }
    return hosts
  }
}
