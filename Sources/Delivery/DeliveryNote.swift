package import Disk

/// What the delivery has to tell: one line each on stderr, without secrets.
package enum DeliveryNote: Hashable, Sendable, CustomStringConvertible {
  /// The provider has taken the message.
  case sent(id: String, user: String, provider: String)
  /// It did not work, and is tried again (`due` in seconds from now, with `provider`).
  case postponed(id: String, reason: String, seconds: Int)
  /// It has failed for good.
  case failed(id: String, reason: String)
  /// The spool could not be read or written.
  case disk(DiskError)
  /// A file of the site could not be read as it should.
  case site(String)

  package var description: String {
    switch self {
    case .sent(let id, let user, let provider): "\(id): SMS for user \(user) taken by \(provider)"
    case .postponed(let id, let reason, let seconds): "\(id): not sent: \(reason); tried again in \(seconds) s"
    case .failed(let id, let reason): "\(id): failed for good: \(reason)"
    case .disk(let error): "\(error)"
    case .site(let fault): fault
    }
  }
}
