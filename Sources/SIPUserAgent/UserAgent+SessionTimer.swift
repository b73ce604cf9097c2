import SIPMessage
import SIPTransaction
import Telephony

/// Session timers on established legs (RFC 4028).
extension UserAgent {
  /// After a refresh that met an overload or another request; never longer than a sixth of the session.
  private static let refreshPause = 30

  /// Our 2xx to an INVITE or UPDATE settles the session's timer.
  mutating func settleSession(_ id: LegID, _ request: Request, _ response: inout Response, at now: Moment) {
    let timer = SessionTimer(answering: request.headers, current: legs[id]?.session)
    if let timer {
      response.headers.add("Session-Expires", timer.response)
      // "If the refresher parameter is set to 'uac', the UAS MUST place a Require header field into the response with the
      // value 'timer'" (§9)
      if !timer.isRefresher { response.headers.add("Require", "timer") }
    }
    if let minimum = request.headers.minSessionExpires { legs[id]?.minSessionExpires = minimum }
    startSession(id, timer ?? ownDuty(id), at: now)
  }

  /// The peer's 2xx to a re-INVITE or UPDATE of ours.
  mutating func sessionRefreshed(_ id: LegID, _ response: Response, at now: Moment) {
    startSession(id, SessionTimer(answer: response.headers) ?? ownDuty(id), at: now)
  }

  /// A peer that forgets the timer in a later message may still count on our refreshes (§7.2).
  private func ownDuty(_ id: LegID) -> SessionTimer? { legs[id]?.session.flatMap { $0.isRefresher ? $0 : nil } }

  /// The session lives from now on for its interval.
  mutating func startSession(_ id: LegID, _ timer: SessionTimer?, at now: Moment) {
    legs[id]?.session = timer
    timers.cancel(.refresh(id))
    timers.cancel(.expiry(id))
    guard let timer else { return }
    if timer.isRefresher {
      timers.set(.refresh(id), at: now.instant + timer.refreshAfter)
    } else {
      timers.set(.expiry(id), at: now.instant + timer.endAfter)
    }
  }

  /// Half of the interval is over: UPDATE where the peer knows it, else a re-INVITE "with the same SDP" (§7.4, §10).
  mutating func refreshDue(_ id: LegID, at now: Moment) {
    guard let leg = legs[id], leg.session?.isRefresher == true, !leg.isRefreshing else { return }
    // Before its ACK nothing is refreshed; it will come or end the leg.
    guard case .talking = leg.phase else { return refreshLater(id, after: nil, at: now) }
    guard leg.allowsUpdate else {
      guard let sdp = leg.localSDP else { return }
      return offers(id, .refresh(sdp: sdp), at: now)
    }
    guard var request = legs[id]?.dialog?.request(.update), let dialog = legs[id]?.dialog else { return }
    legs[id]?.isRefreshing = true
    request.headers.add("Contact", contact(leg.contactUser, on: dialog.flow, for: leg.invite).description)
    describeOurselves(&request.headers, takesReliable: false)
    for (name, value) in leg.sessionRequest { request.headers.add(name, value) }
    if let sessionID = leg.sessionID { request.headers.add("Session-ID", sessionID) }
    if leg.authentication.hasAnswers {
      legs[id]?.authentication.authorize(&request, functions: functions, random: random)
    }
    send(request, on: dialog.flow, for: .refresh(id), at: now)
  }

  /// The answer to our UPDATE.
  mutating func refreshAnswered(_ id: LegID, _ response: Response, at now: Moment) {
    guard response.isFinal, var leg = legs[id], leg.isRefreshing else { return }
    leg.isRefreshing = false
    leg.unsentQuestions = 0
    legs[id] = leg
    switch response.status {
    case 200..<300:
      leg.authentication.accepted()
      legs[id]?.authentication = leg.authentication
      legs[id]?.hears(response.headers, sdp: nil)
      legs[id]?.dialog?.refreshTarget(response.headers)
      sessionRefreshed(id, response, at: now)
    case 401, 407:
      let isUnanswerable = leg.authentication.take(response) != nil
      legs[id]?.authentication = leg.authentication
      if isUnanswerable { return refreshLater(id, after: nil, at: now) }
      refreshDue(id, at: now)
    // Who cannot do with an UPDATE gets a re-INVITE.
    case 400, 403, 405, 415, 420, 488, 501, 606:
      legs[id]?.allowsUpdate = false
      refreshDue(id, at: now)
    case 408, 481: end(id, response.headers.reasonCause ?? Cause(sipStatus: response.status), at: now)
    case 422 where leg.takesMinimum(of: response):
      legs[id] = leg
      refreshDue(id, at: now)
    default: refreshLater(id, after: response.headers.retryAfter, at: now)
    }
  }

  /// No answer to our UPDATE ends the leg; one that did not leave is sent once more.
  mutating func refreshFailed(_ id: LegID, _ status: Int, at now: Moment) {
    guard let leg = legs[id], leg.isRefreshing else { return }
    legs[id]?.isRefreshing = false
    legs[id]?.unsentQuestions += 1
    if status == 408 || leg.unsentQuestions > 0 { return end(id, Cause(sipStatus: 408), at: now) }
    refreshLater(id, after: nil, at: now)
  }

  mutating func refreshLater(_ id: LegID, after seconds: Int?, at now: Moment) {
    guard let leg = legs[id], let timer = leg.session, timer.isRefresher else { return }
    let longest = max(min(Self.refreshPause, timer.interval / 6), 3)
    // The pause after a 491 would do as well: the other request is over by then.
    timers.set(.refresh(id), at: now.instant + max(.seconds(min(seconds ?? longest, longest)), glarePause(leg)))
  }

  /// The peer has not refreshed the session. The RFC would have us hang up (§10), yet a talk that lives is not cut because
  /// one peer forgets a duty: we do it from now on, and one that is dead does not answer.
  mutating func sessionExpired(_ id: LegID, at now: Moment) {
    guard legs[id]?.session?.isRefresher == false else { return }
    actions.append(.log(.sessionExpired(id)))
    legs[id]?.session?.isRefresher = true
    refreshDue(id, at: now)
  }
}

extension Leg {
  /// The interval that we ask for.
  var sessionInterval: Int { max(session?.interval ?? SessionTimer.usual, minSessionExpires ?? 0) }

  /// The session's lines in a re-INVITE or UPDATE of ours (RFC 4028 §7.4).
  var sessionRequest: [(HeaderName, String)] {
    let timer: (HeaderName, String) = (
      "Session-Expires",
      session.map { timer in
        var timer = timer
        timer.interval = sessionInterval
        return timer.request
      } ?? "\(sessionInterval)"
    )
    return [timer] + (minSessionExpires.map { [("Min-SE", "\($0)")] } ?? [])
  }

  /// Takes the Min-SE of a 422.
  /// - Returns: false if it demands nothing that we have not offered.
  mutating func takesMinimum(of response: Response) -> Bool {
    guard let minimum = response.headers.minSessionExpires, minimum > sessionInterval, longerSessions < 4
    else { return false }
    longerSessions += 1
    minSessionExpires = minimum
    return true
  }
}

extension Headers {
  /// Retry-After's seconds (RFC 3261 §20.33); nil if there is none that can be read.
  var retryAfter: Int? { self["Retry-After"].flatMap { Int($0.trimmed.prefix { $0.isASCII && $0.isNumber }) } }
}
