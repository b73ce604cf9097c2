import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// What a machine did, in the words of the tables.
struct Reaction: Equatable, CustomStringConvertible {
  var state: String
  var actions: [String]
  var description: String { "\(state): \(actions.isEmpty ? "-" : actions.joined(separator: ", "))" }
}

/// Holds each row `State | input | next state | actions` against what the machine does, and demands that every state is
/// met by every input once. `-` stands for no action.
func check(
  _ table: String, states: [String], inputs: [String], location: SourceLocation = #_sourceLocation,
  react: (_ state: String, _ input: String) -> Reaction?
) {
  var met: [String: Int] = [:]
  for line in table.split(separator: "\n") {
    let cells = line.split(separator: "|").map(\.trimmed)
    guard cells.count == 4 else {
      Issue.record("not a row: \(line)", sourceLocation: location)
      continue
    }
    let expected = Reaction(
      state: cells[2], actions: cells[3] == "-" ? [] : cells[3].split(separator: ",").map(\.trimmed))
    for input in cells[1].split(separator: " ").map(String.init) {
      met["\(cells[0]) \(input)", default: 0] += 1
      guard let reaction = react(cells[0], input) else {
        Issue.record("unknown state or input: \(line)", sourceLocation: location)
        continue
      }
      if reaction != expected {
        Issue.record("\(cells[0]) | \(input): expected \(expected), got \(reaction)", sourceLocation: location)
      }
    }
  }
  for state in states {
    for input in inputs {
      let count = met["\(state) \(input)"] ?? 0
      if count != 1 { Issue.record("\(state) | \(input) stands \(count) times", sourceLocation: location) }
    }
  }
}

/// `180` → a response, `A` → a timer, and so on.
func clientInput(_ word: String) -> ClientTransactionInput? {
  if let status = Int(word) { return .response(Sample.incoming().response(status, toTag: "8321234356")) }
  switch word {
  case "transportError": return .transportError
  case "cancel": return .cancel(reason: "SIP;cause=200")
  default: return timer(word).map { .timer($0) }
  }
}

/// `180` → the TU's response, `A` → a timer, and so on.
func serverInput(_ word: String) -> ServerTransactionInput? {
  if let status = Int(word) { return .respond(Sample.incoming().response(status, toTag: "8321234356")) }
  switch word {
  case "again": return .retransmission
  case "ACK": return .ack(Sample.incoming(.ack))
  case "transportError": return .transportError
  default: return timer(word).map { .timer($0) }
  }
}

/// The RFC's letter, or `timer-` and the raw value for those that have none.
private func timer(_ word: String) -> TransactionTimer? {
  TransactionTimer.allCases.first { word == "\($0.rawValue)" || word == "timer-\($0.rawValue)" }
}

func brief(_ action: ClientTransactionAction, at now: Moment) -> String {
  switch action {
  case .send(let request): "send \(request.method)"
  case .sendCancel: "sendCancel"
  case .set(let timer, let deadline): "set \(timer.rawValue) \(seconds(deadline - now.instant))"
  case .stop(let timer): "stop \(timer.rawValue)"
  case .pass(let response): "pass \(response.status)"
  case .passStray(let response): "passStray \(response.status)"
  case .timedOut: "timedOut"
  case .transportError: "transportError"
  case .terminated: "terminated"
  }
}

func brief(_ action: ServerTransactionAction, at now: Moment) -> String {
  switch action {
  case .send(let response): "send \(response.status)"
  case .set(let timer, let deadline): "set \(timer.rawValue) \(seconds(deadline - now.instant))"
  case .stop(let timer): "stop \(timer.rawValue)"
  case .passACK: "passACK"
  case .ackMissing: "ackMissing"
  case .transportError: "transportError"
  case .terminated: "terminated"
  }
}

private func seconds(_ duration: Duration) -> String {
  duration.nanoseconds % 1_000_000_000 == 0 ? "\(duration.components.seconds)" : "\(duration.inSeconds)"
}
