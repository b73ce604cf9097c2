import Hunting
import Media
import SDP
import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// The caller's leg: when it is answered, and how it ends.
extension CallController {
  /// The ports are there: the caller goes where he dialled.
  mutating func callerMediaOpened(_ leg: LegID, at now: Moment) {
    guard let id = legs[leg]?.call, let call = calls[id], case .opening(let offer, let entry) = call.stage,
      var audio = legs[leg]?.audio
    else { return }
    do throws(SDPError) {
      // Without an offer the 200 makes one, and the ACK answers it (RFC 3261 §13.2.1): some PBXs call like that.
      let agreed = try offer.map { offer throws(SDPError) in try audio.answer(offer) }
      let sdp = agreed?.sdp ?? audio.makeOffer()
      legs[leg]?.audio = audio
      if let agreed { emit(.describe(leg, agreed.audio)) }
      // An offer of ours may stand in a 200, or in a provisional answer that is acknowledged (RFC 3262 §5), which we do
      // not speak: a caller without an offer is answered at once, as else he could not hear that somebody is rung.
      if agreed == nil || entry.isAnsweredAtOnce(call.site.answer) {
        legs[leg]?.isAnswered = true
        // Sent in this step: the 200 stands before the first branch's INVITE.
        later(.userAgent(.answer(leg, sdp: sdp)))
      } else {
        // The ringing is heard in the early media; the same answer stands in the 200 (RFC 3261 §13.2.1).
        calls[id]?.promisedAnswer = sdp
        later(.userAgent(.progress(leg, status: 183, body: sdp)))
      }
      switch entry {
      case .queue(let name): enterQueue(id, name, at: now)
      case .hunt(let entry): startHunt(id, entry, at: now)
      case .plain(let number): callPlain(id, number, at: now)
      case .callback(let number): callBack(id, number, at: now)
      }
    } catch {
      refuse(id, status: 488, .unusableOffer(error), at: now)
    }
  }

  /// Somebody has answered the call: the caller who has heard the ringing in early media gets his 200.
  mutating func answerCaller(_ id: CallID) {
    guard let sdp = calls[id]?.promisedAnswer, let leg = calls[id]?.callerLeg else { return }
    calls[id]?.promisedAnswer = nil
    legs[leg]?.isAnswered = true
    later(.userAgent(.answer(leg, sdp: sdp)))
  }

  /// A call that had been taken cannot go on: it never was answered.
  mutating func refuse(_ id: CallID, status: Int, _ reason: CallEvent.RefusalReason, at now: Moment) {
    guard let call = calls.removeValue(forKey: id) else { return }
    note(.refused(caller: call.caller, dialled: call.dialled, origin: call.origin, status: status, reason: reason))
    forgetDialogs(of: call)
    if let leg = call.callerLeg { release(leg, Cause(sipStatus: status), status: status) }
    writeRefused(
      id,
      CallDetail(
        origin: call.origin.name, ring: call.arrived.wall, hangUp: now.wall, answeredExtension: "",
        dialled: call.dialled, caller: call.caller, cause: Cause(sipStatus: status)))
  }

  mutating func callerEvent(_ leg: LegID, _ event: LegEvent, at now: Moment) {
    guard let id = legs[leg]?.call else { return }
    switch event {
    case .digit(let digit, let milliseconds): pressedByInfo(leg, digit, milliseconds: milliseconds, at: now)
    case .digitRefused(let digit, let milliseconds): digitRefused(leg, digit, milliseconds: milliseconds)
    case .offered(let offer): offered(leg, offer, at: now)
    case .offerAnswered(let answer): callerAnsweredOffer(id, leg, answer, at: now)
    case .ended(let cause): callerEnded(id, leg, cause, at: now)
    case .incoming, .established, .alive, .offerRefused, .provisional, .answered, .refused: break
    }
  }

  private mutating func callerAnsweredOffer(_ id: CallID, _ leg: LegID, _ answer: [UInt8], at now: Moment) {
    let isFirst = legs[leg]?.audio?.negotiated == nil
    offerAnswered(leg, answer)
    if legs[leg]?.audio?.negotiated == nil {
      // His ACK brings no answer to our offer, or none we can use: he would hear nothing for ever.
      release(leg, .normalClearing)
      callerEnded(id, leg, .bearerCapabilityNotImplemented, at: now)
    } else if isFirst, case .queue = calls[id]?.stage, let sound = legs[leg]?.audio?.sound {
      // What was played before his address was known, he has not heard.
      play(sound, to: leg)
    }
  }

  mutating func callerEnded(_ id: CallID, _ leg: LegID, _ cause: Cause, at now: Moment) {
    forget(leg)
    calls[id]?.callerLeg = nil
    calls[id]?.cause = cause
    switch calls[id]?.stage {
    case .hunt: hunt(id, .callerEnded(cause), at: now)
    case .opening, .queue, .plain: endWithoutTicket(id, cause, at: now)
    case .ended, nil: break
    }
  }

  // MARK: Releasing him

  /// How long a caller hears the busy tone where his trunk has no automatic hang-up.
  static var busyToneTime: Duration { .seconds(30) }

  /// The call is over, and its caller is told so: by a status if he was not answered, else by BYE.
  mutating func releaseCaller(_ id: CallID, _ cause: Cause, at now: Moment) {
    guard let call = calls[id], let leg = call.callerLeg else { return }
    calls[id]?.callerLeg = nil
    if legs[leg]?.isAnswered != true {
      release(leg, cause, status: refusal(of: call, cause))
    } else if hearsBusyTone(call, leg) {
      playBusyTone(call, leg, at: now)
    } else {
      // After an answer some trunks take nothing but cause 16.
      release(leg, .normalClearing)
    }
  }

  /// The status that refuses a caller who was not answered.
  ///
  /// The number he dialled is there, so what his PBX gets from a hunt is that nobody answered or that all are busy, not
  /// a phone's own 404, 408 or 5xx, on which it might try other routes or take the line for dead. A plain call's status
  /// is passed on by its cause.
  private func refusal(of call: Call, _ cause: Cause) -> Int {
    if isShuttingDown { return 503 }
    switch (call.stage, cause) {
    case (.hunt, .userBusy): return 486
    case (.hunt, _), (_, .noUserResponding), (_, .answeredElsewhere), (_, .recoveryOnTimerExpiry): return 480
    case (.opening, _), (.queue, _), (.plain, _), (.ended, _): return cause.sipStatus
    }
  }

  private func hearsBusyTone(_ call: Call, _ leg: LegID) -> Bool {
    guard !isShuttingDown, case .trunk(let name) = call.origin, legs[leg]?.audio?.negotiated != nil else {
      return false
    }
    return call.site.trunk(name)?.automaticHangup == false
  }

  /// Everything about the call is settled now; only this leg stays for a while, and belongs to no call any more.
  private mutating func playBusyTone(_ call: Call, _ leg: LegID, at now: Moment) {
    // Messages of the leg can no longer be told by the call that they are its.
    later(.userAgent(.identify(leg, sessionID: call.session.towardCaller)))
    if case .running = call.recording { emit(.untap(leg)) }
    emit(.detectTones(leg, false))
    play(.busyTone, to: leg)
    legs[leg]?.part = .parting
    parting.set(leg, at: now.instant + Self.busyToneTime)
    note(.busyTone(call.id, leg))
  }

  /// Legs that have heard the busy tone long enough are released.
  mutating func partingDue(at now: Moment) {
    while let leg = parting.popDue(at: now.instant) { release(leg, .normalClearing) }
  }

  /// A caller who hears the busy tone does something.
  mutating func partingEvent(_ leg: LegID, _ event: LegEvent, at now: Moment) {
    switch event {
    case .ended: forget(leg)
    case .offered(let offer): offered(leg, offer, at: now)
    case .offerAnswered(let answer): offerAnswered(leg, answer)
    case .incoming, .established, .alive, .offerRefused, .provisional, .answered, .refused, .digit,
      .digitRefused:
      break
    }
  }

  // MARK: Silence

  /// Nothing has come from a leg since then: its peer is asked whether it lives. One that is silent for longer than
  /// `MaxDuration.txt` says is released, though its signalling may live on.
  mutating func silent(_ leg: LegID, since start: Instant, at now: Moment) {
    guard let place = legs[leg], place.isAnswered, let call = calls[place.call] else { return }
    // Who holds need not send anything, for hours: only his signalling tells whether he lives.
    if isOnHold(leg, in: place.call) {
      calls[place.call]?.onHoldUntil = now.instant
      return later(.userAgent(.ask(leg)))
    }
    let silence = now.instant - max(start, call.onHoldUntil ?? start)
    guard let limit = call.site.maxDuration, silence >= limit else {
      if call.site.mediaTimeout != nil { later(.userAgent(.ask(leg))) }
      return
    }
    note(.deadLeg(place.call, leg, silence: silence))
    release(leg, .normalClearing)
    switch place.part {
    case .caller: callerEnded(place.call, leg, .recoveryOnTimerExpiry, at: now)
    case .branch(let branch, _): branchOver(place.call, branch, .unreachable, .recoveryOnTimerExpiry, at: now)
    case .parting: break
    }
  }
}

extension Call.Entry {
  /// True if the caller gets his 200 at once, false if he hears the ringing in early media until somebody answers.
  ///
  /// A queue speaks to the caller, so it answers. A plain call is answered when the other end is, so that nobody pays
  /// for ringing, and the caller sees why it failed.
  func isAnsweredAtOnce(_ policy: SiteSnapshot.AnswerPolicy) -> Bool {
    switch (self, policy) {
    case (.queue, _), (.hunt, .hunt): true
    case (.hunt, .user), (.plain, _), (.callback, _): false
    }
  }
}
