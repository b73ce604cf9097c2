import NetworkIO
import PikettTesting
import Telephony
import Testing

/// The order of RFC 2782.
@Suite struct ServiceRecordTests {
  private func record(_ priority: UInt16, _ weight: UInt16, _ target: String) -> ServiceRecord {
    ServiceRecord(priority: priority, weight: weight, target: target, port: 5060)
  }

  @Test func `priority comes before weight`() {
    let records = [record(2, 60_000, "c"), record(1, 0, "b"), record(0, 1, "a")]
    for seed in 0..<50 as Range<UInt64> {
      #expect(ServiceRecord.ordered(records, random: .seeded(seed)).map(\.target) == ["a", "b", "c"])
    }
  }

  @Test func `the first is drawn by weight`() {
    let records = [record(1, 10, "ten"), record(1, 30, "thirty"), record(1, 60, "sixty"), record(1, 0, "zero")]
    var firsts: [String: Int] = [:]
    let random = RandomSource.seeded(7)
    for _ in 0..<10_000 {
      let order = ServiceRecord.ordered(records, random: random).map(\.target)
      #expect(Set(order).count == 4)
      firsts[order[0], default: 0] += 1
    }
    // A draw is from 0 to 100, both included: 0 is the weightless one's.
    #expect((50...200).contains(firsts["zero"] ?? 0))
    #expect((850...1150).contains(firsts["ten"] ?? 0))
    #expect((2750...3200).contains(firsts["thirty"] ?? 0))
    #expect((5650...6200).contains(firsts["sixty"] ?? 0))
  }

  @Test func `without weights all are equal to the eye`() {
    let order = ServiceRecord.ordered([record(1, 0, "b"), record(1, 0, "a")], random: .seeded(3)).map(\.target)
    #expect(order.sorted() == ["a", "b"])
    #expect(ServiceRecord.ordered([], random: .seeded(1)).isEmpty)
  }
}
