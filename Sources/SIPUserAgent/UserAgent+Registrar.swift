import SIPMessage
import SIPTransaction
import Telephony

/// REGISTER of phones and gateways (RFC 3261 §10.3).
extension UserAgent {
  mutating func receiveRegister(
    _ request: Request, _ transaction: ServerTransactionID, _ flow: Flow, from identity: PeerIdentity, at now: Moment
  ) {
    // Step 4: "the registrar SHOULD determine if the authenticated user is authorized to modify registrations for this
    // address-of-record": his own one only.
    let user = directory.account(of: identity) ?? ""
    // "The address-of-record MUST be a SIP URI or SIPS URI." (§10.3)
    guard (try? request.headers.to())?.uri.isSIP == true else {
      actions.append(.log(.registrationRefused(user: user, status: 400, source: flow.remote)))
      return refuse(request, transaction, 400, flow, at: now)
    }
    guard let wanted = (try? request.headers.to())?.uri.user, wanted == user, !user.isEmpty else {
      actions.append(.log(.registrationRefused(user: user, status: 403, source: flow.remote)))
      return refuse(request, transaction, 403, flow, at: now)
    }
    do throws(Registrar.Refusal) {
      let result = try registrar.register(request, user: user, flow: flow, limits: settings.registrar, at: now)
      note(result, user, flow)
      setExpiryTimer(user)
      var response = request.response(200, toTag: transactions.statelessTag(request))
      for contact in result.contacts { response.headers.add("Contact", text(contact, at: now.instant)) }
      // "The registrar copies the Path header field values into the response" (RFC 3327 §5.3).
      for path in request.headers.lines("Path") { response.headers.add("Path", path) }
      // "The response SHOULD include a Date header field" (§10.3 step 8): many phones set their clock by it.
      response.headers.add("Date", dateHeader(now.wall))
      response.headers.add("Server", settings.userAgentName)
      respond(response, transaction, at: now)
      if result.isChanged { actions.append(.registrationsChanged(user: user)) }
    } catch {
      let (status, fields): (Int, [(HeaderName, String)]) =
        switch error {
        case .malformed: (400, [])
        case .tooBrief(let minimum): (423, [("Min-Expires", "\(minimum)")])
        case .outOfOrder: (500, [])
        }
      actions.append(.log(.registrationRefused(user: user, status: status, source: flow.remote)))
      refuse(request, transaction, status, flow, with: fields, at: now)
    }
  }

  mutating func expireContacts(of user: String, at now: Moment) {
    let gone = registrar.expire(user, at: now.instant)
    setExpiryTimer(user)
    guard !gone.isEmpty else { return }
    for contact in gone { actions.append(.log(.unregistered(user: user, contact: contact.uri.description))) }
    actions.append(.registrationsChanged(user: user))
  }

  mutating func setExpiryTimer(_ user: String) {
    if let expiry = registrar.nextExpiry(of: user) {
      timers.set(.registration(user), at: expiry)
    } else {
      timers.cancel(.registration(user))
    }
  }

  private mutating func note(_ result: Registrar.Result, _ user: String, _ flow: Flow) {
    for contact in result.removed { actions.append(.log(.unregistered(user: user, contact: contact.uri.description))) }
    for contact in result.added {
      let seconds = Int((contact.expiresAtWall - contact.registeredAt).milliseconds / 1000)
      actions.append(
        .log(
          .registered(user: user, contact: contact.uri.description, seconds: seconds, source: flow.remote)))
    }
  }

  /// A contact as the 200 lists it: "Each Contact value MUST feature an "expires" parameter".
  private func text(_ contact: RegisteredContact, at now: Instant) -> String {
    var address = NameAddress(contact.uri)
    // Rounded up, so that a binding just made is told with all its seconds.
    address.parameters["expires"] = "\(((contact.expiresAt - now).milliseconds + 999) / 1000)"
    if contact.preference < 1000 {
      address.parameters["q"] = "0." + padded(contact.preference, 3)
    }
    return address.description
  }
}
