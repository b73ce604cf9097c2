import Audio
import Capture
import Telephony
import Testing

@testable import CallAudio

@Suite struct ConversionTests {
  private static let reply = (from: TestStream.called, to: TestStream.caller)

  @Test func bothDirectionsOnOneClock() throws {
    var capture = CaptureBuilder()
    capture.call(to: 3_000_000)
    let left = TestStream(.aLaw, packets: 50)
    let right = TestStream(.muLaw, ssrc: 2, from: Self.reply.from, to: Self.reply.to, packets: 40, seed: 2)
    left.sendAll(into: &capture, from: 500_000)
    right.sendAll(into: &capture, from: 637_125)
    let heard = try convert(capture.bytes)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, silence(1097) + right.samples + silence(8000 - 1097 - 6400))
    let call = try #require(heard.survey.calls.first)
    #expect(call.start == WallTime(microseconds: CaptureBuilder.start + 500_000))
    #expect(call.caller == "03472619287" && call.called == "799" && call.callID == "one@test")
    #expect(call.left.codecs == [.pcma] && call.left.packetCount == 50 && call.left.lostCount == 0)
    #expect(call.right.codecs == [.pcmu] && call.right.packetCount == 40 && call.right.lostCount == 0)
  }

  @Test func lossIsSilence() throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.muLaw)
    stream.sendAll(into: &capture, from: 10_000, except: [3, 4, 20])
    let heard = try convert(capture.bytes)
    expectSame(
      heard.left,
      stream.samples(0..<3) + silence(320) + stream.samples(5..<20) + silence(160) + stream.samples(21..<50))
    expectSame(heard.right, silence(8000))
    #expect(heard.survey.calls.first?.left.lostCount == 3)
  }

  @Test func reorderedAndRepeatedPackets() throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.aLaw)
    for index in 0..<50 {
      let late: Int64 = index % 7 == 3 ? 45_000 : 0
      stream.send(index, into: &capture, at: 10_000 + Int64(index) * 20_000 + late)
      if index % 5 == 0 { stream.send(index, into: &capture, at: 12_000 + Int64(index) * 20_000 + late) }
    }
    expectSame(try convert(capture.bytes).left, stream.samples)
  }

  @Test func sequenceNumbersAndTimestampsWrap() throws {
    var capture = CaptureBuilder()
    capture.call()
    var stream = TestStream(.aLaw, packets: 60)
    stream.firstSequence = 65_510
    stream.firstTimestamp = UInt32.max - 160 * 30 + 7
    stream.sendAll(into: &capture, from: 10_000, except: [30])
    let heard = try convert(capture.bytes)
    expectSame(heard.left, stream.samples(0..<30) + silence(160) + stream.samples(31..<60))
    #expect(heard.survey.calls.first?.left.lostCount == 1)
  }

  @Test func newSSRCGoesOnWhereItCame() throws {
    var capture = CaptureBuilder()
    capture.call()
    let first = TestStream(.aLaw, packets: 20)
    var second = TestStream(.muLaw, ssrc: 99, packets: 20, seed: 3)
    second.firstTimestamp = 777_777
    first.sendAll(into: &capture, from: 0)
    second.sendAll(into: &capture, from: 450_000)
    let heard = try convert(capture.bytes)
    expectSame(heard.left, first.samples + silence(400) + second.samples)
    #expect(heard.survey.calls.first?.left.codecs == [.pcma, .pcmu])
  }

  @Test func keyPressesAreSilenceAndComfortNoiseIsHeard() throws {
    var capture = CaptureBuilder()
    capture.call(types: "8 101 13", extra: "a=rtpmap:101 telephone-event/8000\r\n")
    let stream = TestStream(.aLaw, packets: 300)
    stream.sendAll(into: &capture, from: 0, except: Set(50..<220))
    for index in 0..<150 {
      let time = Int64(index + 50) * 20_000
      capture.rtp(
        [1, 10, 0, UInt8(index)], type: 101, sequence: 2000 + UInt16(index), timestamp: 1000 + 50 * 160, ssrc: 1,
        stream.from, stream.to, at: time)
    }
    for index in 200..<220 {
      capture.rtp(
        [60], type: 13, sequence: 2000 + UInt16(index), timestamp: 1000 + UInt32(index) * 160, ssrc: 1, stream.from,
        stream.to, at: Int64(index) * 20_000)
    }
    let heard = try convert(capture.bytes)
    let quiet = 50 * 160..<200 * 160
    let noise = 200 * 160..<220 * 160
    expectSame(Array(heard.left[..<quiet.upperBound]), stream.samples(0..<50) + silence(quiet.count))
    // -60 dB against a square wave at full scale.
    let power = heard.left[noise].reduce(0.0) { $0 + Double($1) * Double($1) } / Double(noise.count)
    #expect((0.8...1.2).contains(power / (32.768 * 32.768)), "\(power)")
    expectSame(Array(heard.left[noise.upperBound...]), stream.samples(220..<300))
    #expect(heard.survey.calls.first?.left.codecs == [.pcma])
  }

  @Test func dynamicPayloadTypesAsTheReceiverNamesThem() throws {
    var capture = CaptureBuilder()
    capture.call(types: "97 8", extra: "a=rtpmap:97 PCMU/8000\r\n")
    var stream = TestStream(.muLaw)
    stream.type = 97
    stream.sendAll(into: &capture, from: 0)
    expectSame(try convert(capture.bytes).left, stream.samples)
  }

  @Test func jitterAndBurstsDoNotMoveTheSound() throws {
    var capture = CaptureBuilder()
    capture.call()
    let left = TestStream(.aLaw, packets: 400)
    let right = TestStream(.aLaw, ssrc: 2, from: Self.reply.from, to: Self.reply.to, packets: 400, seed: 5)
    var generator = SeededGenerator(seed: 11)
    for index in 0..<400 {
      let sent = Int64(index) * 20_000
      // Packet 10 is the fastest; packets 200 to 230 are held back and come all at once.
      var delay = index == 10 ? 0 : Int64.random(in: 1000...55_000, using: &generator)
      if (200..<230).contains(index) { delay = (230 - Int64(index)) * 20_000 }
      left.send(index, into: &capture, at: sent + delay)
      right.send(index, into: &capture, at: sent)
    }
    let heard = try convert(capture.bytes)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, right.samples)
  }

  @Test func aBurstAtTheBeginning() throws {
    var capture = CaptureBuilder()
    capture.call()
    let left = TestStream(.aLaw, packets: 100)
    let right = TestStream(.aLaw, ssrc: 2, from: Self.reply.from, to: Self.reply.to, packets: 100, seed: 5)
    for index in 0..<100 {
      left.send(index, into: &capture, at: max(Int64(index) * 20_000, 400_000 + Int64(index)))
      right.send(index, into: &capture, at: Int64(index) * 20_000)
    }
    let heard = try convert(capture.bytes)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, right.samples)
  }

  @Test(arguments: [1_500_000, 30_000_000]) func timestampsThatStandStillOnHold(pause: Int64) throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.aLaw, packets: 200)
    for index in 0..<200 {
      stream.send(index, into: &capture, at: Int64(index) * 20_000 + (index < 100 ? 0 : pause))
    }
    let heard = try convert(capture.bytes)
    expectSame(heard.left, stream.samples(0..<100) + silence(Int(pause) / 125) + stream.samples(100..<200))
  }

  @Test(arguments: [UInt32(5_000_000), 4_000_000_000, 400_000]) func timestampsThatJump(by step: UInt32) throws {
    var capture = CaptureBuilder()
    capture.call()
    var stream = TestStream(.aLaw, packets: 200)
    for index in 0..<200 {
      if index == 100 { stream.firstTimestamp &+= step }
      stream.send(index, into: &capture, at: Int64(index) * 20_000)
    }
    // One that was overtaken by the jump still finds its place.
    stream.firstTimestamp &-= step
    stream.send(99, into: &capture, at: 100 * 20_000 + 3000)
    expectSame(try convert(capture.bytes).left, stream.samples)
  }

  @Test(arguments: [-200.0, 200.0]) func aClockThatDriftsIsBroughtBack(partsPerMillion: Double) throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.aLaw, packets: 1000)
    let packets = 60_000
    for index in 0..<packets {
      let time = Double(index) * 20_000 * (1 + partsPerMillion / 1e6)
      capture.rtp(
        stream.payload(index % 1000), type: 8, sequence: UInt16(truncatingIfNeeded: index),
        timestamp: UInt32(truncatingIfNeeded: index * 160), ssrc: 1, stream.from, stream.to, at: Int64(time))
    }
    let heard = try convert(capture.bytes)
    let wanted = Int(Double(packets) * 160 * (1 + partsPerMillion / 1e6))
    #expect(abs(heard.left.count - wanted) < 8 * 3, "20 minutes and 0.24 s of drift end within 3 ms of the clock")
  }

  @Test func oneDirectionAfterTheOtherInTheFile() throws {
    var capture = CaptureBuilder()
    capture.call()
    let left = TestStream(.aLaw, packets: 800)
    let right = TestStream(.muLaw, ssrc: 2, from: Self.reply.from, to: Self.reply.to, packets: 800, seed: 2)
    left.sendAll(into: &capture, from: 0)
    right.sendAll(into: &capture, from: 0)
    let heard = try convert(capture.unorderedBytes)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, right.samples)
  }

  @Test func ipv6() throws {
    var capture = CaptureBuilder()
    capture.call(
      caller: "[2001:db8::1]:4000", called: "[2001:db8::2]:4002",
      signalling: ("[2001:db8::1]:5060", "[2001:db8::2]:5060"))
    let stream = TestStream(.aLaw, from: "[2001:db8::1]:4000", to: "[2001:db8::2]:4002")
    stream.sendAll(into: &capture, from: 0)
    expectSame(try convert(capture.bytes).left, stream.samples)
  }

  @Test func monoAndSplit() throws {
    var capture = CaptureBuilder()
    capture.call()
    let left = TestStream(.aLaw)
    let right = TestStream(.muLaw, ssrc: 2, from: Self.reply.from, to: Self.reply.to, seed: 2)
    left.sendAll(into: &capture, from: 0)
    right.sendAll(into: &capture, from: 0)
    let split = try convert(capture.bytes, layout: .split)
    #expect(split.files.count == 2)
    expectSame(split.files[0][0], left.samples)
    expectSame(split.files[1][0], right.samples)
    let mono = try convert(capture.bytes, layout: .mono)
    #expect(mono.files.count == 1)
    expectSame(mono.left, zip(left.samples, right.samples).map { Int16(clamping: Int($0) + Int($1)) })
  }

  @Test func undecodableCodecsAreNamed() throws {
    var capture = CaptureBuilder()
    capture.call(types: "4 8")
    var stream = TestStream(.aLaw)
    stream.type = 4
    stream.sendAll(into: &capture, from: 0)
    let survey = try convert(capture.bytes).survey
    #expect(survey.calls.first?.undecodableCodecs == ["G723"])
    #expect(survey.calls.first?.left.codecs == [.other("G723", clockRate: 8000)])
  }

  @Test(arguments: [300_000_000_000_000, 900_000_000_000_000, -1_000_000_000_000_000] as [Int64])
  func aDamagedTimeOfDayCostsOnePacket(offset: Int64) throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.aLaw)
    stream.sendAll(into: &capture, from: 0, except: [30])
    stream.send(30, into: &capture, at: offset)
    let heard = try convert(capture.unorderedBytes)
    expectSame(heard.left, stream.samples(0..<30) + silence(160) + stream.samples(31..<50))
  }
}
