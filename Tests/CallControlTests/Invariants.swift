import Hunting
import Media
import SDP
import SIPUserAgent
import Telephony

@testable import CallControl

/// What must be true of a call control, whatever its peers do.
enum Invariants {
  /// After each step.
  static func inEachStep(_ shell: Shell) -> [String] {
    var faults = shell.faults
    let control = shell.control
    for (leg, place) in control.legs {
      if place.audio != nil, shell.media[leg] == nil { faults.append("\(leg) has sound without ports") }
      if control.calls[place.call] == nil, place.part != .parting { faults.append("\(leg) belongs to no call") }
    }
    for leg in shell.media.keys where control.legs[leg] == nil { faults.append("\(leg) kept its ports") }
    for (leg, media) in shell.media where media.partner != nil {
      let isHeld = media.partner.map { isHolding($0, shell) } == true && !isHolding(leg, shell)
      switch media.sound {
      case .hold?: if !isHeld { faults.append("\(leg) hears the hold sound, and is not held") }
      case nil: if isHeld { faults.append("\(leg) is held and hears nothing") }
      case .announcement?, .waiting?, .confirmPrompt?, .busyTone?: faults.append("\(leg) talks and is played to")
      }
      // A caller who left the offer to us may still owe his answer: his ACK is under way.
      let place = control.legs[leg]
      let owesAnswer = place?.part == .caller && place?.audio?.negotiated == nil
      if media.negotiated == nil, !owesAnswer { faults.append("\(leg) talks and has agreed on nothing") }
    }
    for (id, call) in control.calls {
      if call.isOver, call.callerLeg != nil || !call.branches.isEmpty { faults.append("\(id) is over but has legs") }
      if let leg = call.callerLeg, control.legs[leg] == nil { faults.append("\(id) lost its caller's leg") }
      for leg in call.branchLegs where control.legs[leg] == nil {
        faults.append("\(id) has a branch whose leg is gone")
      }
      let answered = call.branchLegs.filter { shell.media[$0]?.partner != nil }
      if answered.count > 1 { faults.append("\(id) has \(answered.count) connected branches") }
    }
    for (callID, id) in control.dialogs where control.calls[id] == nil {
      faults.append("Call-ID \(callID) belongs to no call")
    }
    for (id, bridges) in shell.bridges where bridges.count > 1 { faults.append("\(id) was connected twice") }
    return faults
  }

  private static func isHolding(_ leg: LegID, _ shell: Shell) -> Bool {
    shell.media[leg]?.negotiated?.isHeld == true
  }

  /// Of the tickets and endings, at any time.
  static func ofCalls(_ shell: Shell) -> [String] {
    var faults: [String] = []
    for (id, ending) in shell.endings {
      let tickets = shell.tickets.filter { $0.call == id }
      for ticket in tickets where ticket.closed.count != 1 {
        faults.append("\(ticket.opening.hop) of \(id) was closed \(ticket.closed.count) times")
      }
      let last = tickets.flatMap(\.closed).filter(\.isLast)
      if last.count != (tickets.isEmpty ? 0 : 1) { faults.append("\(id) has \(last.count) END") }
      if ending.dispatch != last.first { faults.append("\(id) sends its message for another ticket than the last") }
      if last.first?.hop != tickets.map(\.opening.hop).max() {
        faults.append("\(id) ends in another hop than the last")
      }
      if ending.detail.ticket != last.first?.ticket {
        faults.append("\(id): the CDR says \(ending.detail.ticket.map { "\($0)" } ?? "no ticket")")
      }
      let answered = ending.detail.answer == nil ? "" : last.first?.user
      if !tickets.isEmpty, ending.detail.answeredExtension != answered {
        faults.append("\(id): the CDR says \(ending.detail.answeredExtension)")
      }
      if let name = shell.recordings[id]?.ticket, name != tickets.first?.number {
        faults.append("\(id) is recorded under \(name)")
      }
      let opened = tickets.map(\.opening.hop)
      if opened != opened.sorted() || Set(opened).count != opened.count { faults.append("\(id) opens \(opened)") }
    }
    let numbers = shell.tickets.compactMap(\.number)
    if Set(numbers).count != numbers.count { faults.append("a number was drawn twice") }
    return faults
  }

  /// When nothing is left to happen.
  static func atTheEnd(_ shell: Shell) -> [String] {
    let control = shell.control
    var faults: [String] = []
    func expect(_ isRight: Bool, _ fault: String) { if !isRight { faults.append("left at the end: \(fault)") } }
    expect(control.callCount == 0, "calls in progress")
    expect(control.calls.isEmpty, "\(control.calls.count) calls")
    expect(control.legCount == 0, "\(control.legCount) legs")
    expect(control.dialogs.isEmpty, "\(control.dialogs.count) Call-IDs")
    expect(control.nextDeadline == nil, "a deadline")
    expect(control.userAgent.legCount == 0, "\(control.userAgent.legCount) legs of the user agent")
    expect(control.userAgent.transactionCount == 0, "\(control.userAgent.transactionCount) transactions")
    expect(shell.media.isEmpty, "\(shell.media.count) legs' ports")
    expect(shell.portsOpened == shell.portsClosed, "ports: \(shell.portsOpened) opened, \(shell.portsClosed) closed")
    expect(!shell.recordings.values.contains { $0.isOpen }, "a recording")
    let arrived = shell.events.count { if case .arrived = $0 { true } else { false } }
    expect(arrived == shell.endings.count, "\(arrived) calls came, \(shell.endings.count) ended")
    let refused = shell.events.count { event in
      guard case .refused(_, _, _, _, let reason) = event else { return false }
      switch reason {
      case .unknownNumber, .reservedNumber, .tooManyCalls, .noUsers: return true
      // Those had been taken, or are no calls.
      case .unusableOffer, .noMediaPort, .incompleteNumber, .shuttingDown, .diskTooFarBehind, .tooManyHops, .sentBack:
        return false
      }
    }
    expect(refused == shell.refused.count, "\(refused) calls were refused, \(shell.refused.count) have a CDR line")
    expect(control.parting.nextDeadline == nil, "a busy tone")
    return faults
  }
}
