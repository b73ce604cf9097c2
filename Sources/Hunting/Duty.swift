/// How a call enters the hunt.
package enum HuntEntry: Hashable, Sendable {
  /// `799*731`: whoever is on duty, else 731. `799` and `799*` name no default user.
  case onDuty(default: String?)
  /// `799731`: at 731, whoever is on duty.
  case at(String)
}

/// Who is called first: the target of the CFU object.
///
/// The object is a dummy, as in the original: nothing is ever called on it, its forwarding alone is read.
package struct Duty: Hashable, Sendable {
  /// The number of the user on duty, or nil if nobody is forwarded to.
  package var target: String?

  package init(target: String? = nil) { self.target = target }
}

/// Who is rung first, and why it is he.
package struct FirstUser: Hashable, Sendable {
  package var user: User
  package var reason: Reason

  package init(user: User, reason: Reason) {
    self.user = user
    self.reason = reason
  }

  /// What made him the first.
  package enum Reason: Hashable, Sendable {
    /// He is the target of the CFU object.
    case onDuty
    /// Nobody is on duty, and `799*731` named him.
    case defaultUser
    /// Nobody is on duty and nobody was named (or no such user is there): the lowest number.
    case lowest
    /// `799731` asked for him.
    case asked
  }
}

extension HuntPlan {
  /// The first hop's user; nil only if the site has no users.
  ///
  /// An emergency call never fails because a name leads nowhere: a CFU target or a default user that does not exist is
  /// passed over, and the next rule counts.
  package func firstUser(for entry: HuntEntry) -> FirstUser? {
    switch entry {
    case .at(let number):
      if let user = user(number) { return FirstUser(user: user, reason: .asked) }
    case .onDuty(let number):
      if let user = duty.target.flatMap({ self.user($0) }) { return FirstUser(user: user, reason: .onDuty) }
      if let user = number.flatMap({ self.user($0) }) { return FirstUser(user: user, reason: .defaultUser) }
    }
    return users.first.map { FirstUser(user: $0, reason: .lowest) }
  }
}
