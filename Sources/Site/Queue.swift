package import Telephony

/// A waiting queue, the object a trunk calls: `queues/NAME/`.
package struct Queue: Hashable, Sendable {
  /// The directory's name, as it is spelled.
  package var name: String
  /// The numbers by which it is called.
  package var numbers: [PhoneNumber] = []
  /// The path of `Announcement.wav`; nil: the built-in one.
  package var announcement: String?
  /// The path of `Hold.wav`, which the caller hears in place of ringback.
  package var hold: String?
  /// Where each key leads, in the order 1 to 9, 0, `*`, `#`.
  package var maps: [KeyMap] = []
  /// The silence after the announcement.
  package var timeout = Duration.seconds(10)
  /// How often silence repeats the announcement.
  package var repeats = 3
  /// What happens when the announcement has been repeated often enough.
  package var onSilence = OnSilence.hangup

  package init(name: String) { self.name = name }

  /// One key and its destination.
  package struct KeyMap: Hashable, Sendable {
    /// `0` to `9`, `*` or `#`.
    package var key: Character
    package var destination: PhoneNumber

    package init(key: Character, destination: PhoneNumber) {
      self.key = key
      self.destination = destination
    }
  }

  /// What happens when the caller never presses a key.
  package enum OnSilence: Hashable, Sendable {
    case hangup
    /// As if he had pressed 1, or else the only key that leads somewhere.
    case proceed
    case destination(PhoneNumber)
  }

  /// Where `key` leads, or nil if it is a wrong key.
  package func destination(of key: Character) -> PhoneNumber? { maps.first { $0.key == key }?.destination }

  /// Where a silent caller is taken; nil: he is released.
  package var destinationOnSilence: PhoneNumber? {
    switch onSilence {
    case .hangup: nil
    case .proceed: destination(of: "1") ?? (maps.count == 1 ? maps.first?.destination : nil)
    case .destination(let number): number
    }
  }
}

/// An object whose forwarding names who is on duty: `forwards/NAME/`.
package struct Forward: Hashable, Sendable {
  /// The directory's name, as it is spelled.
  package var name: String
  /// The user it is forwarded to; nil: nobody.
  package var target: String?
  /// The file that holds the target, for who changes it: `forwards/TED_CFU/Target.txt`.
  package var path: String

  package init(name: String, target: String?, path: String) {
    self.name = name
    self.target = target
    self.path = path
  }
}
