import Hunting
import Records
import Spool
import Testing

/// What must hold of a site after a start, whatever happened before.
func checkWhole(_ scene: Scene, _ context: String, sourceLocation: SourceLocation = #_sourceLocation) {
  let files = scene.ticketFiles
  let numbers = scene.numbers
  #expect(
    Set(numbers).count == numbers.count, "a number has two files: \(files) \(context)", sourceLocation: sourceLocation)
  // Nobody has set the counter: the numbers run from 1 without a gap.
  #expect(
    numbers == Array(1..<UInt64(numbers.count + 1)), "a number is missing: \(files) \(context)",
    sourceLocation: sourceLocation)
  for case .durable(let number) in scene.results.all {
    #expect(
      numbers.contains(number.rawValue), "ticket \(number) was promised and is lost: \(context)",
      sourceLocation: sourceLocation)
  }
  #expect(
    scene.keeper.nextNumber.rawValue == UInt64(numbers.count + 1), "the next number: \(context)",
    sourceLocation: sourceLocation)
  let callers = Set(files.compactMap { $0.split(separator: "_").dropFirst(7).first.map(String.init) })
  for caller in callers.sorted() {
    let own = files.filter { $0.contains("_Caller_\(caller)_") }
    let ends = own.filter { $0.contains("_END_") }
    #expect(ends.count == 1, "one END a call: \(own) \(context)", sourceLocation: sourceLocation)
    for channel in MessageChannel.allCases {
      let messages = scene.messages(channel).filter { $0.caller == caller }
      #expect(messages.count == 1, "one message a call: \(messages) \(context)", sourceLocation: sourceLocation)
      #expect(
        ends.first?.hasPrefix("\(messages.first?.text ?? "?")_END_") == true,
        "the message is that of the END ticket: \(messages) \(ends) \(context)", sourceLocation: sourceLocation)
    }
    let lines = scene.cdrLines.filter { $0.contains("|\(caller)|") }
    #expect(lines.count == 1, "one CDR line a call: \(lines) \(context)", sourceLocation: sourceLocation)
  }
  for line in scene.cdrLines {
    #expect(line.split(separator: "|", omittingEmptySubsequences: false).count == 14, "\(line) \(context)")
  }
}
