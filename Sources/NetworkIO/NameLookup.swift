import CNetwork
import Glibc
import SIPMessage
package import Telephony

/// Finds where a name leads: what the owner has written into `/etc/hosts`, else what the name servers of resolv.conf say
/// (RFC 3263 §4), else what else the system knows (mDNS and the like, by nsswitch.conf).
///
/// A name in `/etc/hosts` is the machine itself: no SRV is asked for it. IPv4 comes before IPv6: many a provider's IPv6 is
/// announced and dead. NAPTR is not asked for: Transport.txt says how SIP is carried.
package struct NameLookup: Sendable {
  /// Asked instead of the name servers of resolv.conf; IPv4.
  package var server: Endpoint?
  package var hostsFile = "/etc/hosts"

  package init(server: Endpoint? = nil) { self.server = server }

  /// An answer is asked for again no sooner and no later than this, whatever its TTL.
  package static let shortestLife = Duration.seconds(5)
  package static let longestLife = Duration.seconds(3600)
  /// What names that do not exist, and what comes without a TTL, is worth.
  package static let lifeOfNothing = Duration.seconds(30)
  package static let lifeWithoutTTL = Duration.seconds(60)
  /// After silence.
  package static let lifeOfFailure = Duration.seconds(5)
  /// More machines and addresses than this are of no use to a call.
  private static let maxPlaces = 32

  /// Answers a question. Blocks for some seconds at most.
  package func answer(_ question: NameQuestion, _ families: AddressFamilies, random: RandomSource) -> NameAnswer {
    switch question {
    case .addresses(let name): addresses(name, port: 0, families).answer
    case .service(let name, let transport): service(name, transport, families, random)
    }
  }

  /// Addresses of one name, with the seconds for which they count.
  private struct Found {
    var outcome: NameAnswer.Outcome
    var places: [NameAnswer.Place] = []
    var life: Duration

    var answer: NameAnswer {
      switch outcome {
      case .found, .guessed:
        NameAnswer(
          .found, places: Array(places.prefix(NameLookup.maxPlaces)),
          life: min(max(life, NameLookup.shortestLife), NameLookup.longestLife))
      case .none: NameAnswer(.none, life: NameLookup.lifeOfNothing)
      case .failed: NameAnswer(.failed, life: NameLookup.lifeOfFailure)
      }
    }
  }

  // MARK: SRV

  private func service(
    _ name: String, _ transport: Transport, _ families: AddressFamilies, _ random: RandomSource
  ) -> NameAnswer {
    let port: UInt16 = transport == .tls ? 5061 : 5060
    let isAddress = IPAddress(name) != nil
    guard !isAddress, isName(name), HostsFile(path: hostsFile)[name].isEmpty else {
      return addresses(name, port: port, families).answer
    }
    let prefix =
      switch transport {
      case .udp: "_sip._udp."
      case .tcp: "_sip._tcp."
      case .tls: "_sips._tcp."
      }
    switch ask(prefix + name, network_type_srv, isCompleted: !name.contains(".")) {
    case .failed:
      var guess = addresses(name, port: port, families).answer
      guard guess.outcome == .found else { return NameAnswer(.failed, life: Self.lifeOfFailure) }
      (guess.outcome, guess.life) = (.guessed, Self.lifeOfNothing)
      return guess
    case .none: return addresses(name, port: port, families).answer
    case .records(let records):
      let services = records.map(ServiceRecord.init)
      // "A Target of "." means that the service is decidedly not available at this domain" (RFC 2782).
      let offered = services.filter { !$0.target.isEmpty && $0.port > 0 }
      if offered.isEmpty { return NameAnswer(.none, life: Self.lifeOfNothing) }
      return places(of: ServiceRecord.ordered(offered, random: random), life(of: records), families)
    }
  }

  private func places(of services: [ServiceRecord], _ life: Duration, _ families: AddressFamilies) -> NameAnswer {
    var all = Found(outcome: .none, life: life)
    for service in services where all.places.count < Self.maxPlaces {
      let found = addresses(service.target, port: service.port, families)
      for place in found.places where !all.places.contains(where: { $0.endpoint == place.endpoint }) {
        all.places.append(.init(place.endpoint, priority: service.priority, weight: service.weight))
      }
      switch found.outcome {
      case .found, .guessed: all.life = min(all.life, found.life)
      case .none: all.life = min(all.life, Self.lifeOfNothing)
      case .failed:
        all.life = min(all.life, Self.lifeOfNothing)
        if all.outcome == .none { all.outcome = .failed }
      }
    }
    if !all.places.isEmpty { all.outcome = .found }
    return all.answer
  }

  // MARK: A and AAAA

  private func addresses(_ name: String, port: UInt16, _ families: AddressFamilies) -> Found {
    if let address = IPAddress(name) {
      return Found(outcome: .found, places: [.init(Endpoint(address, port))], life: Self.longestLife)
    }
    guard isName(name) else { return Found(outcome: .none, life: Self.lifeOfNothing) }
    let written = HostsFile(path: hostsFile)[name].filter(families.include)
    if !written.isEmpty { return found(written, port, Self.lifeWithoutTTL) }
    var all = Found(outcome: .none, life: Self.longestLife)
    for type in families.types {
      switch ask(name, type, isCompleted: true) {
      case .records(let records):
        let addresses = records.compactMap { IPAddress($0) }
        all.places += addresses.map { .init(Endpoint($0, port)) }
        all.life = min(all.life, life(of: records))
        all.outcome = .found
      case .none: break
      case .failed where all.outcome == .found: all.life = min(all.life, Self.lifeOfNothing)
      // Silence once is silence for the other family too: nobody waits for it twice.
      case .failed: return isLocal(name) ? systemAddresses(name, port, families, else: .failed) : failed
      }
    }
    return all.outcome == .found ? all : systemAddresses(name, port, families, else: .none)
  }

  private var failed: Found { Found(outcome: .failed, life: Self.lifeOfFailure) }

  private func found(_ addresses: [IPAddress], _ port: UInt16, _ life: Duration) -> Found {
    Found(outcome: .found, places: addresses.map { .init(Endpoint($0, port)) }, life: life)
  }

  /// A name that DNS need not know: `pbx`, `phone.local` (RFC 6762).
  private func isLocal(_ name: String) -> Bool {
    !name.contains(".") || name.asciiLowercased.hasSuffix(".local")
  }

  /// What can be no name at all costs no question.
  private func isName(_ name: String) -> Bool {
    (1...253).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  // MARK: The C library

  private enum Records {
    case records([network_record])
    case none
    case failed
  }

  private func ask(_ name: String, _ type: some BinaryInteger, isCompleted: Bool) -> Records {
    var records = [network_record](repeating: network_record(), count: Self.maxPlaces)
    let capacity = Int32(records.count)
    let count =
      if let server {
        network_ask(name, Int32(type), isCompleted ? 1 : 0, "\(server.address)", server.port, &records, capacity)
      } else {
        network_ask(name, Int32(type), isCompleted ? 1 : 0, nil, 0, &records, capacity)
      }
    if count > 0 { return .records(Array(records.prefix(Int(count)))) }
    return count == Int32(network_none) ? .none : .failed
  }

  private func life(of records: [network_record]) -> Duration {
    .seconds(Int64(records.map(\.ttl).min() ?? 0))
  }

  /// By nsswitch.conf: mDNS, the machine's own name, a directory.
  private func systemAddresses(
    _ name: String, _ port: UInt16, _ families: AddressFamilies, else outcome: NameAnswer.Outcome
  ) -> Found {
    // A name server that was put in place of the system's is the only one.
    guard server == nil else { return Found(outcome: outcome, life: Self.lifeOfNothing) }
    // The initialiser of `addrinfo` belongs to whichever module of C imports it first.
    let hints = UnsafeMutablePointer<addrinfo>.allocate(capacity: 1)
    defer { hints.deallocate() }
    memset(hints, 0, MemoryLayout<addrinfo>.size)
    hints.pointee.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, hints, &list) == 0 else { return Found(outcome: outcome, life: Self.lifeOfNothing) }
    defer { freeaddrinfo(list) }
    var addresses: [IPAddress] = []
    var entry = list
    while let current = entry?.pointee {
      if let address = current.ai_addr {
        let storage = sockaddr_storage(address, length: Int(current.ai_addrlen))
        if let ip = IPAddress(storage), families.include(ip), !addresses.contains(ip) { addresses.append(ip) }
      }
      entry = current.ai_next
    }
    return addresses.isEmpty
      ? Found(outcome: outcome, life: Self.lifeOfNothing) : found(addresses, port, Self.lifeWithoutTTL)
  }
}

extension AddressFamilies {
  fileprivate var types: [Int32] {
    (ipv4 ? [Int32(network_type_a)] : []) + (ipv6 ? [Int32(network_type_aaaa)] : [])
  }

  fileprivate func include(_ address: IPAddress) -> Bool { address.isIPv6 ? ipv6 : ipv4 }
}

extension ServiceRecord {
  fileprivate init(_ record: network_record) {
    let target = withUnsafeBytes(of: record.target) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    self.init(priority: record.priority, weight: record.weight, target: target, port: record.port)
  }
}

extension IPAddress {
  fileprivate init?(_ record: network_record) {
    let length = Int32(record.type) == Int32(network_type_a) ? 4 : 16
    self.init(bytes: withUnsafeBytes(of: record.address) { Array($0.prefix(length)) })
  }
}
