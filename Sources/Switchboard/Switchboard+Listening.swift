import CallControl
import Disk
import Glibc
import Logging
import NIOCore
import NetworkIO
import SIPMessage
import SIPUserAgent
import Site
package import Telephony

/// Where SIP comes in.
extension Switchboard {
  /// Where SIP is listened for over UDP.
  package var bound: [Endpoint] { sockets.bound(.udp) }

  /// Where SIP is listened for over TCP.
  package var boundTCP: [Endpoint] { sockets.bound(.tcp) }

  /// Where SIP is listened for over TLS.
  package var boundTLS: [Endpoint] { sockets.bound(.tls) }

  /// Opens every socket and takes the registrations back in one step of the loop, so that no message can come before.
  func listen(restoring stored: [StoredRegistration]) async throws {
    var opening: [(Transport, EventLoopFuture<Endpoint>)] = []
    for address in settings.listen == nil ? control.site.listen : [] {
      switch address.transport {
      case .udp: opening.append((.udp, sockets.listen(udp: address.endpoint)))
      case .tcp: opening.append((.tcp, sockets.listen(tcp: address.endpoint)))
      case .tls: opening.append((.tls, sockets.listen(tls: address.endpoint)))
      }
    }
    for endpoint in settings.listen ?? [] { opening += listenBoth(endpoint) }
    restore(stored)
    for (transport, socket) in opening {
      do {
        let bound = try await socket.get()
        logger.info("listening", metadata: ["\(transport.rawValue.asciiLowercased)": "\(bound)"])
      } catch {
        throw StartError(69, "Listen.txt: \(error); expected a free address of this machine")
      }
    }
  }

  /// UDP and TCP on one port, also where it is any free one.
  private func listenBoth(_ endpoint: Endpoint) -> [(Transport, EventLoopFuture<Endpoint>)] {
    let udp = sockets.listen(udp: endpoint)
    let port = endpoint.port == 0 ? sockets.bound(.udp).last?.port ?? 0 : endpoint.port
    return [(.udp, udp), (.tcp, sockets.listen(tcp: Endpoint(endpoint.address, port)))]
  }

  /// What connections may cost: most descriptors are for RTP. Also raises what the process may have, which is often no
  /// more than 1024 by default.
  static func connectionLimits() -> ConnectionLimits {
    var descriptors = rlimit()
    var limits = ConnectionLimits()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &descriptors) == 0 else { return limits }
    if descriptors.rlim_cur < descriptors.rlim_max {
      descriptors.rlim_cur = min(descriptors.rlim_max, max(descriptors.rlim_cur, 16_384))
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &descriptors)
    }
    let share = Int(min(descriptors.rlim_cur, 1 << 20)) / 4
    limits.incoming = min(limits.incoming, share)
    limits.outgoing = min(limits.outgoing, share)
    return limits
  }

  /// The core knows whom to listen to.
  static func gate(_ board: LateBound<Switchboard>) -> SourceGate {
    SourceGate(
      admits: { source, transport in
        board.value?.assumeIsolated { $0.control.admits(source, transport, at: currentMoment().instant) } ?? false
      },
      admitsConnection: { source, transport in
        board.value?.assumeIsolated {
          $0.control.admitsConnection(from: source, transport, at: currentMoment().instant)
        } ?? false
      },
      answersGarbage: { source, transport in
        board.value?.assumeIsolated {
          $0.control.answersGarbage(from: source, transport, at: currentMoment().instant)
        } ?? false
      },
      isKnown: { source in
        board.value?.assumeIsolated { $0.control.isKnown(source, at: currentMoment().instant) } ?? false
      })
  }

  /// One line a minute.
  func crowded(_ remote: Endpoint) {
    let now = currentMoment().instant
    if let crowdedAt, now - crowdedAt < .seconds(60) { return }
    crowdedAt = now
    logger.warning(
      "too many connections: closed", metadata: ["source": "\(remote)", "open": "\(sockets.connectionCount)"])
  }
}
