import SIPMessage
import Telephony

/// Where users' phones can be reached (RFC 3261 §10.3). Knows nothing of passwords: the owner has checked them.
struct Registrar: Sendable {
  enum Refusal: Error, Hashable, Sendable {
    /// 400: what is wrong.
    case malformed(String)
    /// 423 with Min-Expires.
    case tooBrief(minimum: Int)
    /// 500: the same Call-ID with a number that is not above the last one (§10.3 step 7).
    case outOfOrder
  }

  /// What a REGISTER did.
  struct Result: Hashable, Sendable {
    /// All contacts after it, in their order.
    var contacts: [RegisteredContact]
    var added: [RegisteredContact] = []
    var removed: [RegisteredContact] = []
    /// True if anything is to be stored: also a new end of an old contact.
    var isChanged: Bool { !added.isEmpty || !removed.isEmpty }
  }

  private var contacts: [String: [RegisteredContact]] = [:]

  /// A Contact longer than this is refused: it would be kept.
  static let longestContact = 1024

  /// Users with at least one contact, in order.
  var users: [String] { contacts.keys.sorted() }

  /// The living contacts: highest preference first, among equals the newest first.
  func contacts(of user: String, at now: Instant) -> [RegisteredContact] {
    (contacts[user] ?? []).filter { $0.expiresAt > now }.sorted { a, b in
      if a.preference != b.preference { return a.preference > b.preference }
      if a.registeredAt != b.registeredAt { return a.registeredAt > b.registeredAt }
      return a.uri.description < b.uri.description
    }
  }

  /// Who has registered from this address and port, in order.
  func users(at remote: Endpoint, _ now: Instant) -> [String] {
    contacts.filter { $0.value.contains { $0.flow.remote == remote && $0.expiresAt > now } }.keys.sorted()
  }

  /// True if a phone lives at this address.
  func knows(_ address: IPAddress, at now: Instant) -> Bool {
    contacts.values.contains { $0.contains { $0.flow.remote.address == address && $0.expiresAt > now } }
  }

  /// When the user's next contact expires.
  func nextExpiry(of user: String) -> Instant? { contacts[user]?.map(\.expiresAt).min() }

  /// Serves a REGISTER for `user`: wholly or not at all.
  mutating func register(
    _ request: Request, user: String, flow: Flow, limits: RegistrarLimits, at now: Moment
  ) throws(Refusal) -> Result {
    guard let callID = request.headers.callID, let cseq = (try? request.headers.cseq())?.number else {
      throw .malformed("Call-ID and CSeq")
    }
    let common: Int?
    do throws(HeaderError) { common = try request.headers.expires() } catch { throw .malformed(error.detail) }
    guard let path = request.headers.looseRoutes("Path") else { throw .malformed("Path") }
    var living = contacts(of: user, at: now.instant)
    var result = Result(contacts: [])

    if request.headers.isStarContact {
      guard common == 0, request.headers.lines("Contact").count == 1 else {
        throw .malformed("Contact * needs Expires: 0 and no other Contact")
      }
      guard living.allSatisfy({ $0.callID != callID || $0.cseq < cseq }) else { throw .outOfOrder }
      result.removed = living
      living = []
    } else {
      let wanted: [NameAddress]
      do throws(HeaderError) { wanted = try request.headers.contacts() } catch { throw .malformed(error.detail) }
      guard wanted.count <= limits.maxContacts else { throw .malformed("too many Contacts") }
      for contact in wanted {
        guard contact.uri.isSIP, contact.uri.description.utf8.count <= Self.longestContact else {
          throw .malformed("Contact must be a sip URI of reasonable length")
        }
        let seconds = try granted(contact.expires ?? common, limits)
        let index = living.firstIndex { $0.uri.isEquivalent(to: contact.uri) }
        if let index {
          guard living[index].callID != callID || living[index].cseq < cseq else { throw .outOfOrder }
        }
        let old = index.map { living.remove(at: $0) }
        guard seconds > 0 else {
          if let old { result.removed.append(old) }
          continue
        }
        let lifetime = Duration.seconds(seconds)
        var new = RegisteredContact(
          uri: contact.uri, flow: flow, preference: contact.thousandthsOfQ ?? 1000,
          expiresAt: now.instant + lifetime, expiresAtWall: now.wall + lifetime, registeredAt: now.wall,
          callID: callID, cseq: cseq, userAgent: request.headers["User-Agent"].map { String($0.prefix(128)) })
        new.path = path
        living.append(new)
        result.added.append(new)
      }
      while living.count > limits.maxContacts, let oldest = living.indices.min(by: { isOlder(living[$0], living[$1]) })
      {
        result.removed.append(living.remove(at: oldest))
      }
    }
    contacts[user] = living.isEmpty ? nil : living
    result.contacts = contacts(of: user, at: now.instant)
    return result
  }

  /// Drops the user's contacts whose time is over.
  mutating func expire(_ user: String, at now: Instant) -> [RegisteredContact] {
    remove(user) { $0.expiresAt <= now }
  }

  /// A connection is gone: the contacts that came over it are called at their own address, or dropped where none is known
  /// (RFC 5626 §4.2.2: the connection was the only way).
  /// - Returns: the users of whom something has changed, in order, and what was dropped.
  mutating func connectionLost(_ flow: Flow) -> (users: [String], dropped: [StoredRegistration]) {
    var changed: [String] = []
    var dropped: [StoredRegistration] = []
    for user in users {
      let old = contacts[user] ?? []
      let new = old.compactMap { $0.flow == flow ? $0.withoutConnection() : $0 }
      guard new != old else { continue }
      contacts[user] = new.isEmpty ? nil : new
      changed.append(user)
      dropped += old.filter { $0.flow == flow && $0.withoutConnection() == nil }
        .map { StoredRegistration(user: user, contact: $0) }
    }
    return (changed, dropped)
  }

  /// The way that leads where this one led when its connection is gone: the same to whom we connect, to a phone that
  /// connected to us its own address.
  /// - Returns: nil if there is none.
  func way(without connection: Flow) -> Flow? {
    let phones = users.flatMap { contacts[$0] ?? [] }.filter { $0.flow == connection }
    return phones.isEmpty ? connection : phones.lazy.compactMap { $0.withoutConnection()?.flow }.first
  }

  /// Drops the users who are no longer known.
  /// - Returns: what was dropped, by user.
  mutating func keep(_ isKnown: (String) -> Bool) -> [StoredRegistration] {
    let gone = users.filter { !isKnown($0) }
    return gone.flatMap { user in
      (contacts.removeValue(forKey: user) ?? []).map { StoredRegistration(user: user, contact: $0) }
    }
  }

  /// Everything that lives, for a store.
  func stored(at now: Instant) -> [StoredRegistration] {
    users.flatMap { user in contacts(of: user, at: now).map { StoredRegistration(user: user, contact: $0) } }
  }

  /// Takes back what a store has kept, what still lives by the wall's clock, and what needs no connection that is gone.
  /// - Parameter longest: no contact is granted longer, whatever the wall's clock was when it was written.
  mutating func restore(_ stored: [StoredRegistration], longest: Duration, at now: Moment) {
    for entry in stored {
      guard var contact = entry.contact.withoutConnection() else { continue }
      let left = min(contact.expiresAtWall - now.wall, longest)
      contact.expiresAt = now.instant + left
      contact.expiresAtWall = now.wall + left
      guard left > .zero else { continue }
      contacts[entry.user, default: []].removeAll { $0.uri.isEquivalent(to: contact.uri) }
      contacts[entry.user, default: []].append(contact)
    }
  }

  /// §10.3 step 7: 0 removes, short is refused, long is cut.
  private func granted(_ wanted: Int?, _ limits: RegistrarLimits) throws(Refusal) -> Int {
    let seconds = wanted ?? limits.defaultExpires
    if seconds == 0 { return 0 }
    guard seconds >= limits.minExpires else { throw .tooBrief(minimum: limits.minExpires) }
    return min(seconds, limits.maxExpires)
  }

  private func isOlder(_ a: RegisteredContact, _ b: RegisteredContact) -> Bool {
    (a.registeredAt, a.expiresAt, a.uri.description) < (b.registeredAt, b.expiresAt, b.uri.description)
  }

  private mutating func remove(_ user: String, where isGone: (RegisteredContact) -> Bool) -> [RegisteredContact] {
    let gone = (contacts[user] ?? []).filter(isGone)
    guard !gone.isEmpty else { return [] }
    let rest = (contacts[user] ?? []).filter { !isGone($0) }
    contacts[user] = rest.isEmpty ? nil : rest
    return gone
  }
}
