/// Everything a hunt must know about the site; taken once, when the hunt begins, so that an edit counts for the next call.
package struct HuntPlan: Hashable, Sendable {
  /// The number of the ticketing object (`XMLnumber.txt`).
  package let xmlNumber: String
  /// All users, lowest number first.
  package let users: [User]
  /// Who is on duty.
  package let duty: Duty
  /// How often the chain may be gone through; nil: for ever, as in the original.
  package let maxRounds: Int?
  /// How long a caller may be hunted for; nil: for ever.
  package let maxDuration: Duration?

  package init(
    xmlNumber: String = "799", users: [User], duty: Duty = Duty(), maxRounds: Int? = nil,
    maxDuration: Duration? = .seconds(7200)
  ) {
    self.xmlNumber = xmlNumber
    self.users = users.sorted { User.isLower($0.number, than: $1.number) }
    self.duty = duty
    self.maxRounds = maxRounds
    self.maxDuration = maxDuration
  }

  /// The user with this number.
  package func user(_ number: String) -> User? { users.first { $0.number == number } }

  /// Who is rung next if `user` does not respond; nil if the chain ends with him.
  package func userAfter(_ user: User) -> User? { user.cfnr.flatMap { self.user($0) } }

  /// The CFNR chain that begins with `number`: who is rung, in which order, and where it goes back to.
  package func chain(from number: String) -> Chain {
    var links: [User] = []
    var next = user(number)
    while let user = next {
      if let first = links.firstIndex(where: { $0.number == user.number }) {
        return Chain(users: links, loopsBackTo: first, missing: nil)
      }
      links.append(user)
      next = userAfter(user)
    }
    return Chain(users: links, loopsBackTo: nil, missing: links.isEmpty ? number : links.last?.cfnr)
  }

  /// The hops of a hunt in which nobody answers.
  package struct Chain: Hashable, Sendable, CustomStringConvertible {
    /// The users, each once, in the order in which they are rung.
    package let users: [User]
    /// The place in `users` at which the chain goes on after the last one; nil if it ends.
    package let loopsBackTo: Int?
    /// The number to which the last CFNR points although there is no such user.
    package let missing: String?

    /// `732 → 733 → 731 → back to 732`, `731 → 732 → end`, or `731 → 735 (no such user)`.
    package var description: String {
      var words = users.map(\.number)
      if let loopsBackTo, users.indices.contains(loopsBackTo) {
        words.append("back to \(users[loopsBackTo].number)")
      } else if let missing {
        words.append("\(missing) (no such user)")
      } else {
        words.append("end")
      }
      return words.joined(separator: " → ")
    }
  }
}
