import Telephony
import Testing

@testable import SIPUserAgent

/// Sources that scan and guess, in virtual time.
@Suite struct SourceGuardTests {
  private let start = Instant(nanoseconds: 5_000_000_000)

  private func source(_ index: Int, isConnected: Bool = false) -> SourceGuard.Source {
    let bytes = [198, 18 + UInt8(index >> 16 & 1), UInt8(index >> 8 & 255), UInt8(index & 255)]
    guard let address = IPAddress(bytes: bytes) else { preconditionFailure("four bytes are an address") }
    return SourceGuard.Source(address, isConnected: isConnected)
  }

  private func source(_ text: String) throws -> SourceGuard.Source {
    SourceGuard.Source(try #require(IPAddress(text)), isConnected: false)
  }

  /// Offends until it is silenced.
  private func silence(
    _ guardian: inout SourceGuard, _ source: SourceGuard.Source, _ offence: SourceGuard.Offence = .request,
    at now: Instant
  ) -> (offences: Int, time: Duration, isNew: Bool)? {
    for count in 1...100_000 {
      switch guardian.count(offence, against: source, at: now) {
      case .tolerated: continue
      case .silent: return nil
      case .silenced(let time, let isNew): return (count, time, isNew)
      }
    }
    return nil
  }

  @Test func `sixty requests a minute, twenty wrong passwords an hour`() throws {
    var guardian = SourceGuard()
    #expect(silence(&guardian, source(1), at: start)?.offences == 61)
    #expect(silence(&guardian, source(2), .failure, at: start)?.offences == 21)
    // Just as much as is allowed, for two hours.
    for second in 0..<7200 {
      let now = start + .seconds(second)
      #expect(guardian.count(.request, against: source(3), at: now) == .tolerated)
      guard second.isMultiple(of: 180) else { continue }
      #expect(guardian.count(.failure, against: source(3), at: now) == .tolerated)
    }
  }

  @Test func `silence doubles to a day, is told once, and so is the end of a long one`() {
    var guardian = SourceGuard()
    var now = start
    var times: [Int64] = []
    var told: [Int64] = []
    var ends: [Int64] = []
    for _ in 0..<14 {
      guard let (_, time, isNew) = silence(&guardian, source(1), at: now) else { break }
      times.append(time.components.seconds)
      if isNew { told.append(time.components.seconds) }
      #expect(guardian.isSilenced(source(1), at: now + time + .nanoseconds(-1)))
      #expect(guardian.count(.failure, against: source(1), at: now + time + .nanoseconds(-1)) == .silent)
      now = now + time
      #expect(!guardian.isSilenced(source(1), at: now))
      for _ in 0..<2 {
        if let length = guardian.heard(source(1), at: now) { ends.append(length.components.seconds) }
      }
    }
    #expect(times == [60, 120, 240, 480, 960, 1920, 3840, 7680, 15_360, 30_720, 61_440, 86_400, 86_400, 86_400])
    #expect(told == [60] + times[7...])
    #expect(ends == Array(times[6...]))
    // A day without a relapse: it begins again with a minute.
    now = now + .seconds(86_400)
    #expect(silence(&guardian, source(1), at: now)?.time == .seconds(60))
  }

  @Test func `what is allowed, and what is switched off`() {
    var guardian = SourceGuard(SourceLimits(requests: 5, failures: nil, silence: .seconds(10)))
    #expect(
      silence(&guardian, source(1), at: start).map { [$0.offences, Int($0.time.components.seconds)] } == [6, 10])
    #expect(silence(&guardian, source(2), .failure, at: start) == nil)
    // An edit lifts every silence.
    guardian.limits.requests = 6
    #expect(!guardian.isSilenced(source(1), at: start))
    guardian.limits.silence = nil
    #expect(silence(&guardian, source(1), at: start) == nil)
    guardian.limits.strangers = nil
    #expect((0..<100_000).allSatisfy { _ in guardian.hasRoom(isConnected: false, at: start) })
  }

  @Test func `IPv6 counts by /64, and datagrams do not silence connections`() throws {
    var guardian = SourceGuard()
    #expect(silence(&guardian, try source("2001:db8:1:2::1"), at: start)?.offences == 61)
    #expect(guardian.isSilenced(try source("2001:db8:1:2:ffff::9"), at: start))
    #expect(!guardian.isSilenced(try source("2001:db8:1:3::1"), at: start))
    // An IPv4 address whose bytes begin a /64 is another.
    #expect(!guardian.isSilenced(try source("32.1.13.184"), at: start))
    #expect(silence(&guardian, source(1), at: start)?.offences == 61)
    #expect(!guardian.isSilenced(source(1, isConnected: true), at: start))
  }

  @Test func `strangers together have a share, by datagrams and by connections`() {
    var guardian = SourceGuard(SourceLimits(strangers: 100))
    let datagrams = (0..<1000).count { _ in guardian.hasRoom(isConnected: false, at: start) }
    let connections = (0..<1000).count { _ in guardian.hasRoom(isConnected: true, at: start) }
    #expect([datagrams, connections] == [100, 100])
    let later = (0..<1000).count { guardian.hasRoom(isConnected: false, at: start + .milliseconds(Int64($0))) }
    #expect((99...101).contains(later))
  }

  // MARK: - Memory

  @Test func `the table is bounded, and forgives`() {
    var guardian = SourceGuard(SourceLimits(sources: 64))
    for index in 0..<10_000 { _ = guardian.count(.request, against: source(index), at: start) }
    #expect(guardian.count == 64)
    let living = (0..<10_000).map { source($0) }.filter { guardian.remembers($0) }
    #expect(living.count == 64)
    for source in living.shuffledBySeed { guardian.forgive(source) }
    #expect(guardian.count == 0)
    #expect(living.allSatisfy { !guardian.remembers($0) })
  }

  @Test func `nobody is forgotten for a crowd of newcomers while he is silent, or the guiltiest`() {
    var guardian = SourceGuard(SourceLimits(sources: 256))
    #expect(silence(&guardian, source(1), at: start)?.offences == 61)
    for _ in 0..<15 { _ = guardian.count(.failure, against: source(2), at: start) }
    var now = start
    for index in 0..<10_000 {
      now = now + .milliseconds(5)
      _ = guardian.count(.request, against: source(100 + index), at: now)
    }
    #expect(guardian.isSilenced(source(1), at: now))
    #expect(guardian.remembers(source(2)))
    // His silence over, his relapse still costs him double.
    #expect(silence(&guardian, source(1), at: start + .seconds(61))?.time == .seconds(120))
  }

  @Test func `where everybody is silenced, newcomers share one account`() {
    var guardian = SourceGuard(SourceLimits(sources: 32))
    for index in 0..<32 { #expect(silence(&guardian, source(index), at: start)?.offences == 61) }
    let answered = (0..<5000).count { guardian.count(.request, against: source(1000 + $0), at: start) == .tolerated }
    #expect(answered == 600)
    #expect((0..<32).allSatisfy { guardian.isSilenced(source($0), at: start) })
    // When the first are free again, newcomers find a place.
    #expect(guardian.count(.request, against: source(7000), at: start + .seconds(61)) == .tolerated)
    #expect(guardian.remembers(source(7000)))
  }

  /// Whatever comes in whatever order: the table stays whole and bounded, and nobody is answered more than is allowed.
  @Test(arguments: 0..<20)
  func `random offences`(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var guardian = SourceGuard(SourceLimits(requests: 10, failures: 5, sources: 16))
    var now = start
    var answered: [SourceGuard.Source: [Instant]] = [:]
    for _ in 0..<5000 {
      now = now + .milliseconds(Int64(generator.next() % 400))
      // Few enough for all to be remembered.
      let one = source(Int(generator.next() % 16))
      switch generator.next() % 50 {
      case 0: guardian.forgive(one)
      case 1...5: _ = guardian.count(.failure, against: one, at: now)
      default:
        if case .tolerated = guardian.count(.request, against: one, at: now) { answered[one, default: []].append(now) }
      }
      if guardian.isSilenced(one, at: now) { #expect(guardian.count(.request, against: one, at: now) == .silent) }
      #expect(guardian.count <= 16)
    }
    #expect(!answered.isEmpty)
  }

  @Test func `strangers bring few lines into the log, and the rest is counted`() {
    var limit = NoteLimit()
    #expect((0..<100).compactMap { _ in limit.take(at: start) } == Array(repeating: 0, count: 20))
    #expect(limit.take(at: start + .seconds(6)) == 80)
    #expect(limit.take(at: start + .seconds(6)) == nil)
    let lines = (0..<3600).compactMap { limit.take(at: start + .seconds(200 + $0)) }.count
    #expect((600...620).contains(lines))
  }
}

extension [SourceGuard.Source] {
  fileprivate var shuffledBySeed: [Element] {
    var generator = SeededGenerator(seed: 7)
    return shuffled(using: &generator)
  }
}
