package import SDP
package import SIPMessage
package import SIPUserAgent

/// Where one INVITE or MESSAGE goes, and as whom.
package struct BranchTarget: Hashable, Sendable {
  /// The Request-URI and the way.
  package var target: Target
  /// The trunk it goes by; nil for a phone that is registered or has a Contact of its own.
  package var trunk: String?
  package var from: NameAddress
  /// P-Asserted-Identity, Diversion, Remote-Party-ID, Privacy.
  package var headers: Headers
  package var credentials: Credentials?
  /// Whether its sound is to be encrypted.
  package var security = MediaSecurity.accepted
}

extension BranchTarget {
  fileprivate mutating func raise(_ security: MediaSecurity) { self.security = max(self.security, security) }
}

extension BranchTarget: CustomStringConvertible {
  /// `sip:731@pbx.example.net at 192.0.2.5:5060`, for the log.
  package var description: String { "\(target.uri) at \(target.flow.remote)" }
}

/// All the ways to one phone.
struct PhoneRoute: Hashable, Sendable {
  /// The trunks that lead there, in order of failover; one line without a trunk for a phone that is reached directly.
  var lines: [Line]

  /// One trunk's hosts, or one phone's addresses.
  struct Line: Hashable, Sendable {
    var trunk: String?
    /// In order of failover.
    var hosts: [BranchTarget]
    /// The same hosts, under the site's own number; empty where that would change nothing.
    var own: [BranchTarget] = []
  }

  /// Where this way leads.
  subscript(way: Way) -> BranchTarget? {
    guard lines.indices.contains(way.trunk) else { return nil }
    let hosts = way.isOwn ? lines[way.trunk].own : lines[way.trunk].hosts
    return hosts.indices.contains(way.host) ? hosts[way.host] : nil
  }

  /// The same ways, none of them less protected than this.
  func protected(_ security: MediaSecurity) -> PhoneRoute {
    var route = self
    for line in route.lines.indices {
      for host in route.lines[line].hosts.indices { route.lines[line].hosts[host].raise(security) }
      for host in route.lines[line].own.indices { route.lines[line].own[host].raise(security) }
    }
    return route
  }

  /// How the ways are tried.
  /// - Parameter isParallel: false for what must not arrive twice.
  func attempts(isParallel: Bool = true) -> Attempts {
    Attempts(hosts: lines.map(\.hosts.count), triesOwn: lines.map { !$0.own.isEmpty }, isParallel: isParallel)
  }
}
