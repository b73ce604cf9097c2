import Glibc
package import SIPMessage
package import Telephony

/// Why a socket of `Listen.txt` could not be opened.
package struct ListenError: Error, CustomStringConvertible {
  package let transport: Transport
  /// The address that was asked for.
  package let endpoint: Endpoint
  /// `EADDRINUSE` and its like.
  package let errno: Int32
  /// The system's own words.
  package let reason: String

  package var description: String { "\(transport.rawValue.asciiLowercased):\(endpoint): \(reason)" }

  init(_ transport: Transport, _ endpoint: Endpoint, errno: Int32) {
    self.transport = transport
    self.endpoint = endpoint
    self.errno = errno
    reason = String(cString: strerror(errno))
  }
}
