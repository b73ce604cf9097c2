import Hunting
import Site
import Telephony

extension SiteSnapshot {
  /// Under which numbers each queue is called, where its keys lead, and what silence does.
  ///
  /// - Parameter broken: the paths that have errors: a sound among them is not what the caller hears.
  func queueTable(broken: Set<String>) -> Table {
    var table = Table(["name", "numbers", "keys", "on silence", "announcement", "while waiting"])
    for queue in queues {
      table.append(lines: [
        [queue.name], queue.numbers.map(\.digits), queue.maps.map { "\($0.key) → \(text($0.destination))" },
        onSilence(queue), [sound(queue.announcement, "built in", broken)], [sound(queue.hold, "ringing tone", broken)],
      ])
    }
    return table
  }

  private func sound(_ path: String?, _ standard: String, _ broken: Set<String>) -> String {
    guard let path else { return standard }
    return broken.contains(path) ? "\(standard) (its file is broken)" : "its own"
  }

  private func onSilence(_ queue: Queue) -> [String] {
    let repeats =
      switch queue.repeats {
      case 0: "after \(inSeconds(queue.timeout))"
      case 1: "after \(inSeconds(queue.timeout)), repeated once"
      default: "after \(inSeconds(queue.timeout)), repeated \(queue.repeats) times"
      }
    return [repeats, queue.destinationOnSilence.map { "→ \(text($0))" } ?? "hang up"]
  }

  /// `799*731 (hunt)`.
  private func text(_ number: PhoneNumber) -> String { "\(number.digits) (\(meaning(of: number)))" }

  private func meaning(of number: PhoneNumber) -> String {
    switch numberPlan.destination(of: number) {
    case .hunt(.onDuty): "hunt"
    case .hunt(.at(let user)): "hunt from \(user)"
    case .queue(let name): "queue \(name)"
    case .user: "user, no ticket"
    case .reserved: "feature code, not a destination"
    case .incomplete: "incomplete"
    case .unknown:
      trunks(forPlain: number).isEmpty ? "unknown" : "by \(trunks(forPlain: number).joined(separator: ", ")), no ticket"
    }
  }
}
