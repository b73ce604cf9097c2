import PikettTesting
import Telephony
import Testing

@testable import CallAudio

/// The arithmetic of a stream's place in time, with streams too long for a capture.
@Suite struct TimelineTests {
  /// Packets of 20 ms, of which the tests say when they come, and where they were placed.
  private struct Simulation {
    var timeline = StreamTimeline()
    var rate: Int32 = 8000
    private(set) var sent: [(record: Int, timestamp: UInt32, truth: Int64)] = []

    /// - Parameters:
    ///   - truth: when it was sent, on the capture's clock.
    ///   - delay: how long the network took.
    mutating func packet(_ timestamp: UInt32, truth: Int64, delay: Int64, isKept: Bool) {
      record += 1
      timeline.take(
        record: record, timestamp: timestamp, arrival: truth + delay, units: Int64(rate) / 50, rate: rate)
      if isKept { sent.append((record, timestamp, truth)) }
    }

    private(set) var record = 0

    var stretches: [SoundPart.Stretch] {
      mutating get {
        timeline.finish()
        return timeline.runs.flatMap { ClockFit.stretches(of: $0) }
      }
    }

    /// The farthest that a packet lies from where it belongs, in nanoseconds.
    mutating func worst(_ stretches: [SoundPart.Stretch]) -> Int64 {
      var worst: Int64 = 0
      var index = 0
      for one in sent {
        while index + 1 < stretches.count, stretches[index + 1].firstRecord <= one.record { index += 1 }
        worst = max(worst, abs(stretches[index].time(of: one.timestamp) - one.truth))
      }
      return worst
    }
  }

  @Test(arguments: [(100.0, Int32(8000)), (-200, 48_000), (200, 16_000)])
  func tenHoursStayWithinMilliseconds(partsPerMillion: Double, rate: Int32) {
    var simulation = Simulation()
    simulation.rate = rate
    var generator = SeededGenerator(seed: UInt64(rate) + 1)
    let packets = 10 * 3600 * 10
    for index in 0..<packets {
      let truth = Int64((Double(index) * 100e6 * (1 + partsPerMillion / 1e6)).rounded())
      let timestamp = UInt32(truncatingIfNeeded: index * Int(rate) / 10) &+ 0xFFFF_0000
      simulation.packet(
        timestamp, truth: truth, delay: Int64.random(in: 0...60_000_000, using: &generator), isKept: index % 5 == 0)
    }
    let stretches = simulation.stretches
    #expect(simulation.worst(stretches) < 5_000_000)
    #expect(stretches.count < 600, "no more lines than windows")
    for (one, next) in zip(stretches, stretches.dropFirst()) {
      #expect(abs(one.time(of: next.timestamp) - next.time) < 300_000, "no audible step between two lines")
    }
  }

  @Test func aSteadyClockIsTakenAsItIs() {
    var simulation = Simulation()
    var generator = SeededGenerator(seed: 2)
    for index in 0..<50 * 600 {
      // A queue that fills for half a minute.
      let queue: Int64 = (10_000..<11_500).contains(index) ? 40_000_000 : 0
      let delay = queue + Int64.random(in: 0...15_000_000, using: &generator)
      simulation.packet(UInt32(index * 160), truth: Int64(index) * 20_000_000, delay: delay, isKept: true)
    }
    let stretches = simulation.stretches
    #expect(stretches.count == 1 && stretches[0].slope == 1)
    #expect(simulation.worst(stretches) < 1_000_000)
  }

  @Test func dayLongStreamsOutliveTheirTimestamps() {
    var simulation = Simulation()
    simulation.rate = 90_000
    // 2^31 units are 6.6 hours.
    for index in 0..<30 * 3600 {
      let truth = Int64(index) * 1_000_000_000
      simulation.packet(UInt32(truncatingIfNeeded: index * 90_000), truth: truth, delay: 0, isKept: true)
    }
    let stretches = simulation.stretches
    #expect(simulation.worst(stretches) == 0)
    #expect(stretches.allSatisfy { $0.slope == 1 })
  }

  @Test func anotherClockRateInMidStream() {
    var simulation = Simulation()
    for index in 0..<500 {
      simulation.packet(UInt32(index * 160), truth: Int64(index) * 20_000_000, delay: 0, isKept: true)
    }
    simulation.rate = 48_000
    for index in 500..<1000 {
      simulation.packet(UInt32(7 + index * 960), truth: Int64(index) * 20_000_000, delay: 0, isKept: true)
    }
    let stretches = simulation.stretches
    #expect(stretches.map(\.clockRate) == [8000, 48_000])
    #expect(simulation.worst(stretches) == 0)
  }

  @Test func jitterAsRFC3550HasIt() {
    var timeline = StreamTimeline()
    for index in 0..<2000 {
      // Every other packet is 8 ms late: the differences are 8 ms each, and so is what the estimator comes to.
      timeline.take(
        record: index, timestamp: UInt32(index * 160),
        arrival: Int64(index) * 20_000_000 + (index % 2 == 0 ? 0 : 8_000_000),
        units: 160, rate: 8000)
    }
    #expect(abs(timeline.jitter - 8_000_000) < 1000)
    #expect(timeline.mostJitter <= 8_000_000 && timeline.meanJitter > 7_800_000)
  }

  @Test func nonsenseNeverTraps() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<300 {
      var timeline = StreamTimeline()
      var arrival = Int64.random(in: .min ... .max, using: &generator)
      var timestamp = UInt32.random(in: 0...UInt32.max, using: &generator)
      let rate = [1000, 8000, 384_000][Int.random(in: 0...2, using: &generator)]
      for record in 0..<400 {
        switch Int.random(in: 0...4, using: &generator) {
        case 0: arrival = Int64.random(in: .min ... .max, using: &generator)
        case 1: timestamp = UInt32.random(in: 0...UInt32.max, using: &generator)
        case 2: timestamp &+= 0x7FFF_FFFF
        default:
          timestamp &+= 160
          arrival &+= 20_000_000
        }
        timeline.take(
          record: record, timestamp: timestamp, arrival: arrival,
          units: Int64.random(in: 0...70_000, using: &generator),
          rate: Int32(rate))
      }
      timeline.finish()
      #expect(timeline.runs.flatMap { ClockFit.stretches(of: $0) }.count >= timeline.runs.count)
    }
  }
}
