package import CallControl
import Hunting
package import Logging
import SIPUserAgent
import Telephony

/// Writes one line an event: a constant message, everything else as metadata, call id and ticket on each.
package struct EventLog {
  private let logger: Logger
  /// The ticket of each call in progress.
  private var tickets: [CallID: TicketNumber] = [:]

  package init(_ logger: Logger) { self.logger = logger }

  /// Writes the line of one event.
  package mutating func write(_ event: CallEvent) {
    switch event {
    case .arrived(let call, let caller, let dialled, let origin):
      line(.info, "call arrived", call, ["caller": caller.text, "dialled": dialled, "from": name(origin)])
    case .refused(let caller, let dialled, let origin, let status, let reason):
      line(
        .warning, "call refused", nil,
        [
          "caller": caller.text, "dialled": dialled, "from": name(origin), "status": "\(status)",
          "reason": "\(reason)",
        ])
    case .queueEntered(let call, let queue): line(.info, "queue entered", call, ["queue": queue])
    case .wrongKey(let call, let key): line(.info, "wrong key", call, ["key": "\(key)"])
    case .chosen(let call, let key, let destination):
      line(.info, "destination chosen", call, ["key": key.map { "\($0)" } ?? "none", "destination": destination])
    case .ticketOpened(let call, let ticket, let user):
      tickets[call] = ticket
      line(.info, "ticket opened", call, ["user": user])
    case .ticketClosed(let call, let ticket):
      tickets[call] = ticket.ticket
      line(.info, "ticket closed", call, ["user": ticket.user, "last": ticket.isLast ? "yes" : "no"])
    case .dispatched(let call, let ticket): line(.info, "messages ordered", call, ["user": ticket.user])
    case .branchCalled(let call, let branch, let target):
      line(.info, "phone called", call, ["branch": "\(branch)", "target": target])
    case .branchSilent(let call, let branch, let target):
      line(.warning, "no response for 2 s", call, ["branch": "\(branch)", "target": target])
    case .branchStuck(let call, let branch, let target):
      line(
        .warning, "no ringing for 8 s; the next trunk is tried too", call, ["branch": "\(branch)", "target": target])
    case .branchWayFailed(let call, let branch, let target, let status):
      line(
        .warning, "this way failed", call,
        ["branch": "\(branch)", "target": target, "status": "\(status)"])
    case .branchHasNoWay(let call, let branch, let user, let isRegistrationMissing):
      line(
        .warning,
        isRegistrationMissing ? "the phone is not registered" : "no way leads to this phone; see pikett check",
        call, ["branch": "\(branch)", "user": user])
    case .branchHasNoPort(let call, let branch):
      line(.error, "no RTP port is free (RTPPorts.txt); this way failed", call, ["branch": "\(branch)"])
    case .mediaFault(let call, let leg, let fault):
      line(.warning, "SDP cannot be used", call, ["leg": "\(leg)", "fault": "\(fault)"])
    case .deadLeg(let call, let leg, let silence):
      line(.warning, "nothing was heard for too long", call, ["leg": "\(leg)", "seconds": "\(silence.inSeconds)"])
    case .cameThrough(let call, let number, let reason):
      line(
        .info, "the call was for another number first", call, ["number": "\(number)", "reason": "\(reason ?? "-")"])
    case .held(let call, let leg): line(.info, "the call is put on hold", call, ["leg": "\(leg)"])
    case .resumed(let call, let leg): line(.info, "the call is taken back from hold", call, ["leg": "\(leg)"])
    case .busyTone(let call, let leg): line(.info, "the caller hears the busy tone", call, ["leg": "\(leg)"])
    case .ended(let call, let detail):
      line(.info, "call ended", call, ["cause": "\(detail.cause.rawValue) \(detail.cause.text)"])
      tickets[call] = nil
    case .messageUndeliverable(let name, let user):
      line(.warning, "no phone for the instant message", nil, ["message": name, "user": user])
    case .hunt(let call, let note): write(note, of: call)
    case .userAgent(let note): write(note)
    case .trunk(let name, let note): write(note, of: name)
    }
  }

  private func write(_ note: TrunkNote, of trunk: String) {
    switch note {
    case .registered(let place, let seconds):
      line(.info, "registered at the trunk", nil, ["trunk": trunk, "at": "\(place)", "seconds": "\(seconds)"])
    case .registrationRefused(let status, let reason, let place):
      line(
        .error, "the trunk refuses our registration", nil,
        [
          "trunk": trunk, "at": "\(place)", "status": "\(status) \(reason)",
          "check": "trunks/\(trunk)/\(filesToCheck(status))",
        ])
    case .registrationUnanswered(let place, let status):
      line(
        .error, "no registration at the trunk: nobody answers", nil,
        [
          "trunk": trunk, "at": "\(place)", "status": status.map { "\($0)" } ?? "none",
          "check": "trunks/\(trunk)/Host.txt",
        ])
    case .unregistered(let place): line(.info, "unregistered at the trunk", nil, ["trunk": trunk, "at": "\(place)"])
    case .unheard(let place):
      line(
        .warning, "nothing has come from the trunk yet, not even an answer to OPTIONS", nil,
        ["trunk": trunk, "at": "\(place)", "check": "trunks/\(trunk)/Host.txt Qualify.txt"])
    case .silent(let place):
      line(.error, "the trunk no longer answers", nil, ["trunk": trunk, "at": "\(place)"])
    case .back(let place): line(.info, "the trunk answers", nil, ["trunk": trunk, "at": "\(place)"])
    case .unresolved(let names):
      line(
        .error, "no address is known for the trunk", nil,
        [
          "trunk": trunk, "names": names.joined(separator: ","), "check": "trunks/\(trunk)/Host.txt",
        ])
    }
  }

  /// What most likely is wrong where a registrar answers so.
  private func filesToCheck(_ status: Int) -> String {
    switch status {
    case 401, 403, 407: "Login.txt AuthUser.txt Password.txt"
    case 404, 416, 484, 604: "Login.txt Domain.txt"
    case 423: "Expires.txt"
    case 301, 302: "Host.txt"
    default: "Host.txt Login.txt Domain.txt"
    }
  }

  private func write(_ note: HuntNote, of call: CallID) {
    switch note {
    case .first(let first):
      line(.info, "first user", call, ["user": first.user.number, "why": "\(first.reason)"])
    case .ringing(let hop, _, let user): line(.info, "ringing", call, ["hop": "\(hop.rawValue)", "user": user])
    case .diskSlow(let hop): line(.error, "the disk is slow; ringing all the same", call, ["hop": "\(hop.rawValue)"])
    case .diskRefused(let hop, _):
      line(.error, "the disk refuses the journal; ringing all the same", call, ["hop": "\(hop.rawValue)"])
    case .failed(let branch, let failure, let cause):
      line(
        .warning, "phone not reached", call,
        ["branch": "\(branch)", "why": "\(failure)", "cause": "\(cause.rawValue) \(cause.text)"])
    case .mustConfirm(let branch, let key):
      line(.info, "answered; must confirm", call, ["branch": "\(branch)", "key": "\(key)"])
    case .wrongKey(let branch, let pressed):
      line(.info, "wrong key from the technician", call, ["branch": "\(branch)", "key": "\(pressed)"])
    case .unconfirmed(let branch): line(.info, "hung up without confirming", call, ["branch": "\(branch)"])
    case .confirmTimeout(let branch): line(.info, "not confirmed in time", call, ["branch": "\(branch)"])
    case .held(let hop): line(.info, "held for the confirmation", call, ["hop": "\(hop.rawValue)"])
    case .noResponse(let hop, let user): line(.info, "no response", call, ["hop": "\(hop.rawValue)", "user": user])
    case .nobodyLeft(let hop, let user):
      line(.info, "no phone left to ring", call, ["hop": "\(hop.rawValue)", "user": user])
    case .pause(let pause): line(.warning, "nobody could be rung; waiting", call, ["seconds": "\(pause.inSeconds)"])
    case .connected(let branch, let user): line(.info, "connected", call, ["branch": "\(branch)", "user": user])
    case .lateAnswer(let branch): line(.info, "answered too late", call, ["branch": "\(branch)"])
    case .ended(let end): line(.info, "hunt over", call, ["why": "\(end)"])
    }
  }

  private func write(_ note: UserAgentNote) {
    switch note {
    case .registered(let user, let contact, let seconds, let source):
      line(
        .info, "phone registered", nil,
        ["user": user, "contact": contact, "seconds": "\(seconds)", "source": "\(source)"])
    case .unregistered(let user, let contact):
      line(.info, "phone unregistered", nil, ["user": user, "contact": contact])
    case .authenticationFailed(let user, let source):
      line(.warning, "wrong user name or password", nil, ["user": user, "source": "\(source)"])
    case .replayed(let user, let source):
      line(.warning, "a password's proof was used twice", nil, ["user": user, "source": "\(source)"])
    case .registrationRefused(let user, let status, let source):
      line(
        .warning, "registration refused", nil, ["user": user, "status": "\(status)", "source": "\(source)"])
    case .challengeUnanswered(let realm, let source):
      line(
        .warning, "a password is asked for, and ours is missing or does not suit", nil,
        ["realm": realm, "source": "\(source)"])
    case .ambiguousTrunk(let names, let source):
      line(
        .warning, "several trunks call from this address; the first is taken", nil,
        ["trunks": names.joined(separator: ","), "source": "\(source)"])
    case .silenced(let source, let misconduct, let time):
      line(
        .warning, "a stranger is silenced", nil,
        [
          "source": "\(source.address)", "seconds": "\(time.components.seconds)",
          "for": misconduct == .guessing ? "wrong passwords" : "too many requests",
          "see": misconduct == .guessing ? "limits/Failures.txt" : "limits/Requests.txt",
        ])
    case .heardAgain(let source, let time):
      line(
        .notice, "a stranger is heard again", nil,
        ["source": "\(source.address)", "seconds": "\(time.components.seconds)"])
    case .untold(let count):
      line(.warning, "strangers did more of the kind", nil, ["lines": "\(count)"])
    case .neverAcknowledged(let leg):
      line(.warning, "our answer was never acknowledged", nil, ["leg": "\(leg)"])
    case .sessionExpired(let leg):
      line(.warning, "the peer has not refreshed the session; asked whether it lives", nil, ["leg": "\(leg)"])
    case .refused(let method, let status, let source):
      line(
        .notice, "request refused", nil, ["method": "\(method)", "status": "\(status)", "source": "\(source)"])
    case .extraAnswer(let leg): line(.notice, "an answer too many; released", nil, ["leg": "\(leg)"])
    case .protocolFault(let fault, let source):
      line(.notice, "a message that does not fit", nil, ["fault": text(fault), "source": "\(source)"])
    }
  }

  private func text(_ fault: ProtocolFault) -> String {
    switch fault {
    case .outOfOrder: "out of order"
    case .noDialog(let method): "\(method) for a call that is not there"
    case .strayResponse(let status): "a response \(status) to nothing that was sent"
    }
  }

  private func line(_ level: Logger.Level, _ message: Logger.Message, _ call: CallID?, _ data: [String: String]) {
    var metadata = data.mapValues { Logger.MetadataValue.string($0) }
    if let call {
      metadata["call"] = .stringConvertible(call)
      if let ticket = tickets[call] { metadata["ticket"] = .stringConvertible(ticket) }
    }
    logger.log(level: level, message, metadata: metadata)
  }

  private func name(_ origin: PeerIdentity) -> String {
    switch origin {
    case .trunk(let name): "trunk \(name)"
    case .user(let number): "user \(number)"
    }
  }
}
