/// An external number that is rung in parallel with its user, typically the technician's mobile phone.
package struct Fork: Hashable, Sendable {
  /// The number as `Fork.txt` gives it, without the trunk's prefix.
  package var number: String
  /// The key that must be pressed after answering, or nil if the bare answer counts.
  ///
  /// A mobile's voicemail answers with an ordinary 200; nothing but a key press tells it from a person.
  package var confirmKey: Character?

  package init(number: String, confirmKey: Character? = "1") {
    self.number = number
    self.confirmKey = confirmKey
  }
}

/// An internal number that can be rung: a technician's extension with his desk phone and his forks.
package struct User: Hashable, Sendable {
  /// The internal number: the name of the user's directory, and what `Called_` says in every ticket.
  package var number: String
  /// The technician's name, for people only.
  package var name: String?
  /// False if there is no desk phone at all (no Contact, no registration possible, no trunk towards a PBX).
  package var hasDeskPhone: Bool
  /// The key the desk phone must press after answering, or nil if the bare answer counts.
  package var confirmKey: Character?
  /// The external numbers rung together with the desk phone.
  package var forks: [Fork]
  /// Call forward on no response: the user of the next hop, or nil if the chain ends here.
  package var cfnr: String?
  /// How long the user is rung, from the first INVITE.
  package var cfnrTimeout: Duration

  package init(
    number: String, name: String? = nil, hasDeskPhone: Bool = true, confirmKey: Character? = nil, forks: [Fork] = [],
    cfnr: String? = nil, cfnrTimeout: Duration = .seconds(20)
  ) {
    self.number = number
    self.name = name
    self.hasDeskPhone = hasDeskPhone
    self.confirmKey = confirmKey
    self.forks = forks
    self.cfnr = cfnr
    self.cfnrTimeout = cfnrTimeout
  }

  /// The order of internal numbers as people count them: 99 comes before 100, 731 before 732.
  package static func isLower(_ a: String, than b: String) -> Bool { (a.utf8.count, a) < (b.utf8.count, b) }
}
