import Glibc
import Synchronization
package import Telephony

/// A small DNS server on loopback, by UDP and TCP on one port, whose answers a test writes.
///
/// What is not in its zone does not exist (NXDOMAIN).
package final class NameServer: Sendable {
  package enum Data: Hashable, Sendable {
    case address(String)
    case service(priority: UInt16, weight: UInt16, port: UInt16, target: String)
    case alias(String)
    /// RDATA as it stands here, under the type that was asked for.
    case raw([UInt8])
  }

  package struct Record: Hashable, Sendable {
    package var data: Data
    package var ttl: UInt32

    package init(_ data: Data, ttl: UInt32 = 300) {
      self.data = data
      self.ttl = ttl
    }
  }

  package enum Reply: Hashable, Sendable {
    case records([Record])
    /// The name exists, and has no such record.
    case nothing
    /// SERVFAIL.
    case fault
    case silence
    /// By UDP only that the answer is too long, by TCP the records.
    case truncated([Record])
    /// These bytes behind the question's ID.
    case bytes([UInt8])
  }

  /// What is asked for: a name in lower case and A, AAAA or SRV.
  package struct Question: Hashable, Sendable {
    package var type: String
    package var name: String

    package init(_ type: String, _ name: String) {
      self.type = type
      self.name = name
    }
  }

  private struct State {
    var zone: [Question: Reply] = [:]
    var asked: [Question] = []
    var isStopped = false
  }

  package let endpoint: Endpoint
  private let state = Mutex(State())
  private let udp: Int32
  private let tcp: Int32

  package struct CannotListen: Error {}

  /// - Parameter port: 0: any free one.
  package init(address: String = "127.0.0.1", port: UInt16 = 0) throws {
    guard let ip = IPAddress(address), !ip.isIPv6 else { throw CannotListen() }
    for _ in 0..<20 {
      let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      var on: Int32 = 1
      setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &on, 4)
      let chosen = Self.bind(tcp, ip, port).flatMap { listen(tcp, 16) == 0 ? $0 : nil }
      let udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      if let chosen, Self.bind(udp, ip, chosen) == chosen {
        (self.udp, self.tcp, endpoint) = (udp, tcp, Endpoint(ip, chosen))
        var thread = pthread_t()
        pthread_create(&thread, nil, nameServerThread, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
        return
      }
      close(tcp)
      close(udp)
    }
    throw CannotListen()
  }

  /// What it answers from now on; nil: the name does not exist.
  package func set(_ type: String, _ name: String, _ reply: Reply?) {
    state.withLock { $0.zone[Question(type, name)] = reply }
  }

  /// Every question so far.
  package var asked: [Question] { state.withLock { $0.asked } }

  /// Answers nobody any more.
  package func stop() { state.withLock { $0.isStopped = true } }

  private static func bind(_ descriptor: Int32, _ address: IPAddress, _ port: UInt16) -> UInt16? {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    withUnsafeMutableBytes(of: &name.sin_addr) { $0.copyBytes(from: address.bytes) }
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    } ? UInt16(bigEndian: name.sin_port) : nil
  }

  // MARK: Its thread

  fileprivate func work() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !state.withLock({ $0.isStopped }) {
      var ready = [
        pollfd(fd: udp, events: Int16(POLLIN), revents: 0), pollfd(fd: tcp, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&ready, 2, 50) > 0 else { continue }
      if ready[0].revents != 0 {
        var peer = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &peer) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
            let count = recvfrom(udp, &buffer, buffer.count, 0, peer, &size)
            if let answer = answer(Array(buffer.prefix(max(count, 0))), isStream: false) {
              sendto(udp, answer, answer.count, 0, peer, size)
            }
          }
        }
      }
      if ready[1].revents != 0 {
        let connection = accept(tcp, nil, nil)
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let count = recv(connection, &buffer, buffer.count, 0)
        if count > 2, let answer = answer(Array(buffer[2..<count]), isStream: true) {
          let bytes = big16(answer.count) + answer
          send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
        close(connection)
      }
    }
    close(udp)
    close(tcp)
  }

  private func answer(_ query: [UInt8], isStream: Bool) -> [UInt8]? {
    guard query.count > 16 else { return nil }
    var labels: [String] = []
    var index = 12
    while index < query.count, query[index] > 0, index + 1 + Int(query[index]) < query.count {
      labels.append(String(decoding: query[(index + 1)...(index + Int(query[index]))], as: UTF8.self))
      index += 1 + Int(query[index])
    }
    guard index + 4 < query.count else { return nil }
    let code = Int(query[index + 1]) << 8 | Int(query[index + 2])
    let type = code == 1 ? "A" : code == 28 ? "AAAA" : code == 33 ? "SRV" : "\(code)"
    let question = Question(type, labels.joined(separator: ".").asciiLowercased)
    let body = Array(query[12...(index + 4)])
    let reply = state.withLock { state in
      state.asked.append(question)
      return state.zone[question]
    }
    let head = { (flags: Int, answers: Int) in
      Array(query[..<2]) + big16(flags) + big16(1) + big16(answers) + big16(0) + big16(0) + body
    }
    switch reply {
    case .silence: return nil
    case .fault: return head(0x8182, 0)
    case .nothing: return head(0x8180, 0)
    case .bytes(let bytes): return Array(query[..<2]) + bytes
    case .truncated where !isStream: return head(0x8380, 0)
    case .records(let records), .truncated(let records):
      return head(0x8180, records.count) + records.flatMap { bytes($0, code) }
    case nil: return head(0x8183, 0)
    }
  }

  private func bytes(_ record: Record, _ asked: Int) -> [UInt8] {
    var type = asked
    let data: [UInt8]
    switch record.data {
    case .address(let text): data = IPAddress(text)?.bytes ?? []
    case .service(let priority, let weight, let port, let target):
      data = big16(Int(priority)) + big16(Int(weight)) + big16(Int(port)) + name(target)
    case .alias(let target): (type, data) = (5, name(target))
    case .raw(let bytes): data = bytes
    }
    return [0xC0, 0x0C] + big16(type) + big16(1) + big16(Int(record.ttl >> 16)) + big16(Int(record.ttl & 0xFFFF))
      + big16(data.count) + data
  }

  private func name(_ text: String) -> [UInt8] {
    text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
  }
}

private func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }

/// A thread's entry must be a top-level function: a closure may be inferred to belong to the main actor.
private func nameServerThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let context { Unmanaged<NameServer>.fromOpaque(context).takeRetainedValue().work() }
  return nil
}
