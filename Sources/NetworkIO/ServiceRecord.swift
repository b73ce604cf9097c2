package import Telephony

/// One machine that offers a service (SRV, RFC 2782).
package struct ServiceRecord: Hashable, Sendable {
  /// The least is tried first.
  package var priority: UInt16
  /// Among equals of priority: its share of the calls. 0: only where nobody else wants them.
  package var weight: UInt16
  /// The machine's name; empty: the service is decidedly not offered.
  package var target: String
  package var port: UInt16

  package init(priority: UInt16, weight: UInt16, target: String, port: UInt16) {
    self.priority = priority
    self.weight = weight
    self.target = target
    self.port = port
  }
}

extension ServiceRecord {
  /// The order in which the machines are tried: by priority, and among equals drawn by weight, each draw among those that
  /// are left (RFC 2782, "Usage rules").
  package static func ordered(_ records: [ServiceRecord], random: RandomSource) -> [ServiceRecord] {
    var order: [ServiceRecord] = []
    for priority in Set(records.map(\.priority)).sorted() {
      // "all those with weight 0 are placed at the beginning of the list"; the rest sorted, so that a draw has one result.
      var left = records.filter { $0.priority == priority }
        .sorted { ($0.weight, $0.target, $0.port) < ($1.weight, $1.target, $1.port) }
      while !left.isEmpty {
        let sum = left.reduce(UInt64(0)) { $0 + UInt64($1.weight) }
        let drawn = random.next(in: 0...sum)
        var running: UInt64 = 0
        let chosen = left.firstIndex { record in
          running += UInt64(record.weight)
          return running >= drawn
        }
        order.append(left.remove(at: chosen ?? 0))
      }
    }
    return order
  }
}
