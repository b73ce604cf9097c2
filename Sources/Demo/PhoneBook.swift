import Synchronization

/// The phones that share a media engine, which is made before them.
final class PhoneBook: Sendable {
  private let held = Mutex<[Phone]>([])

  var phones: [Phone] {
    get { held.withLock { $0 } }
    set { held.withLock { $0 = newValue } }
  }
}
