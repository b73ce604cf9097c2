import Telephony
import Testing

@testable import Media

@Suite struct DigitRelayTests {
  typealias Press = DigitRelay.Press

  /// What is sent, and when, in milliseconds.
  private func run(
    _ target: DigitRelay.Target?, sendsEvents: Bool = true, _ script: [(at: Int, DigitRelay.Input)]
  ) -> [(Int, Press)] {
    var relay = DigitRelay()
    var sent: [(Int, Press)] = []
    func step(_ input: DigitRelay.Input, _ time: Int) {
      let now = Instant(nanoseconds: Int64(time) * 1_000_000)
      sent += relay.handle(input, to: target, sendsEvents: sendsEvents, at: now).map { (time, $0) }
    }
    func wake(before time: Int) {
      while let due = relay.nextDeadline, due.nanoseconds < Int64(time) * 1_000_000 {
        step(.timersDue, Int(due.nanoseconds / 1_000_000))
      }
    }
    for (at, input) in script {
      wake(before: at)
      step(input, at)
    }
    wake(before: 1_000_000)
    return sent
  }

  private func digits(_ sent: [(Int, Press)]) -> [String] { sent.map { "\($0.0): \($0.1.digit) \($0.1.milliseconds)" } }

  private let event: [(at: Int, DigitRelay.Input)] = [
    (1000, .eventBegan("5")), (1160, .eventEnded("5", milliseconds: 160)),
  ]

  @Test func `an event goes where it is understood, with its length`() {
    #expect(digits(run(.events, event)) == [])  // the engine passes its packets on
    #expect(digits(run(.info, event)) == ["1160: 5 160"])
    #expect(digits(run(.tones, event)) == ["1260: 5 160"])
    #expect(digits(run(nil, event)) == [])
  }

  @Test func `INFO goes where it is understood`() {
    for target in [DigitRelay.Target.events, .info] {
      #expect(digits(run(target, sendsEvents: false, [(1000, .info("5", milliseconds: 250))])) == ["1000: 5 250"])
      // An event might still tell the same press.
      #expect(digits(run(target, [(1000, .info("5", milliseconds: 250))])) == ["1300: 5 250"])
    }
    #expect(digits(run(.tones, sendsEvents: false, [(1000, .info("5", milliseconds: nil))])) == ["1300: 5 100"])
  }

  @Test(arguments: [DigitRelay.Target.events, .info, .tones])
  func `one press by event and INFO is one, whichever comes first and however long it is held`(
    target: DigitRelay.Target
  ) {
    let once = target == .events ? 0 : 1
    #expect(run(target, event + [(1200, .info("5", milliseconds: 160))]).count == once)
    #expect(run(target, [(900, .info("5", milliseconds: 160))] + event).count == once)
    #expect(run(target, [event[0], (1100, .info("5", milliseconds: 160)), event[1]]).count == once)
    let long: [(at: Int, DigitRelay.Input)] = [(1000, .eventBegan("5")), (4000, .eventEnded("5", milliseconds: 3000))]
    #expect(run(target, long + [(4100, .info("5", milliseconds: 3000))]).count == once)
  }

  @Test func `tones that are in the audio are not made a second time`() {
    #expect(run(.tones, [(950, .tone("5"))] + event).isEmpty)
    #expect(run(.tones, [event[0], (1050, .tone("5")), event[1]]).isEmpty)
    #expect(run(.tones, event + [(1200, .tone("5"))]).isEmpty)
    #expect(run(.tones, [(1000, .tone("5")), (1200, .info("5", milliseconds: 160))]).isEmpty)
    #expect(run(.tones, [(1000, .tone("5")), (3200, .info("5", milliseconds: 2200))]).isEmpty)
    #expect(run(.tones, [(1000, .info("5", milliseconds: 160)), (1050, .tone("5"))]).isEmpty)
    // Another key, or the same one pressed again, is another press.
    #expect(run(.tones, [(950, .tone("6"))] + event).count == 1)
    #expect(run(.tones, [(100, .tone("5"))] + event).count == 1)
  }

  @Test func `the same key pressed again counts again`() {
    let twice = event + event.map { ($0.at + 300, $0.1) }
    #expect(digits(run(.info, twice)) == ["1160: 5 160", "1460: 5 160"])
    let info: [(at: Int, DigitRelay.Input)] = [
      (1000, .info("5", milliseconds: nil)), (1200, .info("5", milliseconds: nil)),
    ]
    #expect(run(.events, sendsEvents: false, info).count == 2)
    #expect(run(.events, info).count == 2)
  }

  @Test func `a press that began before the two were joined stays with us`() {
    var relay = DigitRelay()
    let now = Instant(nanoseconds: 1)
    #expect(relay.handle(.eventBegan("1"), to: nil, sendsEvents: true, at: now).isEmpty)
    #expect(relay.handle(.eventEnded("1", milliseconds: 90), to: .info, sendsEvents: true, at: now).isEmpty)
    #expect(relay.handle(.info("1", milliseconds: 90), to: .info, sendsEvents: true, at: now).isEmpty)
    // An end without a beginning.
    #expect(relay.handle(.eventEnded("2", milliseconds: 90), to: .info, sendsEvents: true, at: now).isEmpty)
    #expect(relay.nextDeadline == nil)
  }

  @Test func `a flood of presses does not grow`() {
    var relay = DigitRelay()
    var sent = 0
    for time in 0..<1000 {
      let now = Instant(nanoseconds: Int64(time))
      sent += relay.handle(.info("1", milliseconds: 50), to: .events, sendsEvents: true, at: now).count
      _ = relay.handle(.tone("2"), to: .events, sendsEvents: true, at: now)
    }
    sent += relay.handle(.timersDue, to: .events, sendsEvents: true, at: Instant(nanoseconds: 1_000_000_000)).count
    #expect(sent == 16)
  }
}
