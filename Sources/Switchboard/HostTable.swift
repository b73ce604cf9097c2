import NIOCore
import NetworkIO
import Site
import Telephony

/// The addresses of the host names that stand in the site, looked up before a call needs them and kept fresh.
final class HostTable {
  private(set) var addresses: [String: [IPAddress]] = [:]
  private let resolver = Resolver()
  private let loop: any EventLoop
  private let changed: ([String: [IPAddress]]) -> Void
  private var names: [String] = []
  /// Asked for, and not answered yet.
  private var asked: Set<String> = []

  /// - Parameter changed: called on `loop` with the whole table when an answer differs from what was known.
  init(loop: any EventLoop, changed: @escaping ([String: [IPAddress]]) -> Void) {
    self.loop = loop
    self.changed = changed
  }

  /// Looks up every name of the site; call again to refresh. A name that cannot be found now keeps its last addresses.
  func refresh(_ site: SiteSnapshot) {
    let hosts =
      site.trunks.flatMap { $0.hosts + ($0.proxy.map { [$0] } ?? []) } + site.users.compactMap { $0.contact?.host }
      + (site.address.map { [$0] } ?? [])
    names = Set(hosts.filter { $0.address == nil }.map { $0.host.asciiLowercased }).sorted()
    for name in names { ask(name) }
  }

  /// Asks again for the names of which no address is known: after a power cut the name server may be up later than we are,
  /// and until then no call can come or go by them.
  func refreshUnknown() {
    for name in names where addresses[name] == nil { ask(name) }
  }

  private func ask(_ name: String) {
    // A name server that hangs is asked once at a time.
    guard asked.insert(name).inserted else { return }
    let owner = NIOLoopBound(self, eventLoop: loop)
    resolver.resolve(name) { [loop] found in
      loop.execute { owner.value.learned(name, found) }
    }
  }

  private func learned(_ name: String, _ found: [IPAddress]) {
    asked.remove(name)
    guard !found.isEmpty, addresses[name] != found else { return }
    addresses[name] = found
    changed(addresses)
  }
}
