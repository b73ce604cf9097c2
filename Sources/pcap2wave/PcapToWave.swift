import ArgumentParser
import CallAudio
import Capture
@preconcurrency import Glibc
import Telephony

@main
struct PcapToWave: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pcap2wave",
    abstract: "Makes a WAV file of each call in a capture.",
    discussion: """
      x.pcap becomes x.wav beside it: 16 bits, left what the caller sent, right what he heard, both as the capture's \
      clock has them. Several calls become x-1.wav, x-2.wav and so on. pcap and pcapng are read, also in gzip. Where \
      no SIP tells who called, two streams between the same endpoints are a call, and left is who was heard first.

      Times are seconds, or minutes:seconds, or hours:minutes:seconds, with fractions at will.

      Exit codes: 0 done, 1 a fault of the data, 64 wrong usage, 73 an output that cannot be written.
      """)

  @Argument(help: ArgumentHelp("The captures; - is standard input.", valueName: "file"))
  var files: [String]

  @Option(name: [.customShort("o"), .long], help: "The WAV file to write, if there is one capture.")
  var output: String?

  @Option(help: ArgumentHelp("The directory for the WAV files.", valueName: "dir"))
  var outputDir: String?

  @Flag(help: "One channel with both directions mixed.")
  var mono = false

  @Flag(help: "Two channels (the default).")
  var stereo = false

  @Flag(help: "One file for each direction: x-left.wav, x-right.wav.")
  var split = false

  @Option(help: ArgumentHelp("Samples a second of the files; by default what the codecs have.", valueName: "hz"))
  var rate: Int?

  @Option(help: ArgumentHelp("Leave out what is before this time of the call.", valueName: "time"))
  var from: CallTime?

  @Option(help: ArgumentHelp("Leave out what is behind this time of the call.", valueName: "time"))
  var to: CallTime?

  @Flag(help: "Let key presses sent as events (RFC 4733) sound as their tones.")
  var dtmf = false

  @Flag(help: "Only list the calls.")
  var list = false

  @Flag(help: "List as JSON.")
  var json = false

  @Option(help: ArgumentHelp("Only this call of the list.", valueName: "n"))
  var call: Int?

  @Flag(help: "Overwrite files that exist.")
  var force = false

  private static let rates = 8000...48_000

  func validate() throws {
    if [mono, stereo, split].count(where: { $0 }) > 1 {
      throw ValidationError("--mono, --stereo and --split exclude each other; expected one of them")
    }
    if json && !list { throw ValidationError("--json without --list; expected --list --json") }
    if let call, call < 1 { throw ValidationError("--call \(call): expected the call's number, from 1") }
    if let rate, !Self.rates.contains(rate) {
      throw ValidationError("--rate \(rate): expected \(Self.rates.lowerBound) to \(Self.rates.upperBound)")
    }
    if let from, let to, from.nanoseconds >= to.nanoseconds {
      throw ValidationError("--from is not before --to; expected an earlier time")
    }
    if list { return }
    if output != nil && outputDir != nil {
      throw ValidationError("-o and --output-dir exclude each other; expected one of them")
    }
    if output != nil && files.count > 1 {
      throw ValidationError("-o with \(files.count) captures; expected --output-dir")
    }
    if output == "" || output?.hasSuffix("/") == true || output == "-" {
      throw ValidationError("-o \(output ?? ""): expected a file name")
    }
    if files.contains("-") && output == nil && outputDir == nil {
      throw ValidationError("standard input has no name; expected -o or --output-dir")
    }
  }

  func run() throws {
    // A file size limit is then an error of the write that meets it, with its own line and exit code.
    signal(SIGXFSZ, SIG_IGN)
    var status: Int32 = 0
    var listed: [(file: String, calls: [RecordedCall], others: [RecordedStream])] = []
    var written = WrittenFiles()
    let meter = ProgressMeter()
    defer { meter.clear() }
    for path in files {
      do {
        meter.begin(path == "-" ? "standard input" : path)
        var file = try CaptureFile(path: path)
        file.onProgress = meter.isShown ? { meter.show($0) } : nil
        let survey = try CallSurvey(of: file)
        meter.clear()
        warn(path, survey)
        if list {
          let calls = survey.calls.filter { call == nil || $0.number == call }
          if call == nil { note(path, silentCalls: survey.silentCallCount, hasOthers: !survey.calls.isEmpty) }
          listed.append((path, calls, call == nil ? survey.otherStreams : []))
        } else {
          meter.goOn()
          if try !convert(file, survey, &written) { status = max(status, 1) }
          meter.clear()
        }
      } catch let error as CaptureError {
        complain(error.description)
        status = max(status, 1)
      } catch ConversionError.capture(let error) {
        complain(error.description)
        status = max(status, 1)
      } catch ConversionError.output(let error) {
        complain(error.description)
        status = 73
      }
    }
    if list { printList(listed) }
    if status != 0 { throw ExitCode(status) }
  }

  /// - Returns: false if there was nothing to write.
  private func convert(
    _ file: borrowing CaptureFile, _ survey: CallSurvey, _ written: inout WrittenFiles
  ) throws(ConversionError) -> Bool {
    let path = file.path == "-" ? "standard input" : file.path
    if survey.calls.isEmpty {
      complain("\(path): \(Self.emptiness(survey)); expected a call's RTP")
      return false
    }
    let wanted = survey.calls.filter { call == nil || $0.number == call }
    if wanted.isEmpty {
      complain("\(path): there is no call \(call ?? 0); expected 1 to \(survey.calls.count) (see --list)")
      return false
    }
    var decodable = wanted.filter { $0.hasSound(withKeys: dtmf) }
    for call in wanted where !call.hasSound(withKeys: dtmf) && call.undecodableCodecs.isEmpty {
      complain("\(path): call \(call.number): nothing but key presses; --dtmf lets them sound")
    }
    for call in wanted where !call.undecodableCodecs.isEmpty {
      let names = call.undecodableCodecs.map { "\($0) (\(Self.sides(of: $0, in: call)))" }.joined(separator: ", ")
      let rest = decodable.contains { $0.number == call.number } ? " and is left silent" : ""
      let hint =
        call.undecodableCodecs.allSatisfy { $0.hasPrefix("SRTP ") }
        ? "its key is not in the capture" : "expected \(PayloadCodec.decodableNames)"
      complain("\(path): call \(call.number): \(names) cannot be decoded\(rest); \(hint)")
    }
    if let from {
      for call in decodable where call.duration <= from.nanoseconds {
        complain(
          "\(path): call \(call.number): is over after \(CallTime(nanoseconds: call.duration)) s; expected an earlier --from"
        )
      }
      decodable.removeAll { $0.duration <= from.nanoseconds }
    }
    for call in decodable where call.leftOutCount > 0 {
      complain(
        "warning: \(path): call \(call.number): \(call.leftOutCount) streams with the fewest packets are left out; there are too many"
      )
    }
    let names =
      output.map { OutputNames(output: $0) }
      ?? OutputNames(capture: file.path == "-" ? "stdin" : file.path, directory: outputDir)
    let layout: ChannelLayout = mono ? .mono : split ? .split : .stereo
    let isOnly = survey.calls.count == 1
    let isNamed = output != nil && wanted.count == 1
    let paths = { (call: RecordedCall) in names.paths(call: isOnly || isNamed ? nil : call.number, layout: layout) }
    try written.check(decodable.flatMap(paths))
    let made = try Conversion(
      layout: layout, overwrites: force, rate: rate, from: from?.nanoseconds, to: to?.nanoseconds, rendersKeys: dtmf
    ).write(decodable, of: file, survey, to: paths)
    written.note(made)
    let others = survey.otherStreams.count
    if others > 0 && call == nil {
      complain(
        "\(path): \(others == 1 ? "1 RTP stream is in no call and is" : "\(others) RTP streams are in no call and are") left out; --list names \(others == 1 ? "it" : "them")"
      )
    }
    return decodable.count == wanted.count
  }

  /// `left`, `right` or both: who sends with this codec.
  private static func sides(of codec: String, in call: RecordedCall) -> String {
    [("left", call.left), ("right", call.right)].filter { $0.1.codecs.contains { $0.name == codec } }.map(\.0)
      .joined(separator: " and ")
  }

  private func warn(_ path: String, _ survey: CallSurvey) {
    let path = path == "-" ? "standard input" : path
    if let breakage = survey.breakage {
      complain("warning: \(path): ends within a record (\(breakage)); what stands before it is used")
    }
    if survey.unreadableMessageCount > 0 {
      complain("warning: \(path): \(survey.unreadableMessageCount) SIP messages cannot be read and are left out")
    }
    if survey.fragmentCount > 0 {
      complain(
        "warning: \(path): \(survey.fragmentCount) fragments of IP packets are left out, as the rest of them is missing"
      )
    }
    if survey.cutPacketCount > 0 {
      complain(
        "warning: \(path): \(survey.cutPacketCount) packets were captured in part only (snap length); what is missing of their sound is silent"
      )
    }
    if let link = survey.foreignLink {
      complain("warning: \(path): packets of link layer \(link) are left out")
    }
    if survey.hasTooManyStreams {
      complain("warning: \(path): more RTP streams than are looked at; split the capture if calls are missing")
    }
  }

  private func note(_ path: String, silentCalls count: Int, hasOthers: Bool) {
    if count == 0 { return }
    let path = path == "-" ? "standard input" : path
    complain("\(path): \(count)\(hasOthers ? " more" : "") call\(count == 1 ? "" : "s") without RTP")
  }

  private static func emptiness(_ survey: CallSurvey) -> String {
    switch (survey.silentCallCount, survey.unclaimedStreamCount) {
    case (0, 0): "no call in it"
    case (0, let streams): "\(streams) stream\(streams == 1 ? "" : "s") in it, too short or too irregular for a call"
    case (let calls, 0): "\(calls) call\(calls == 1 ? "" : "s") in it, but no RTP"
    case (let calls, let streams):
      "\(calls) call\(calls == 1 ? "" : "s") in it, but no RTP of theirs (\(streams) other RTP streams)"
    }
  }

  private func printList(_ listed: [(file: String, calls: [RecordedCall], others: [RecordedStream])]) {
    if json {
      print(CallTable.json(listed), terminator: "")
      return
    }
    for (file, calls, others) in listed {
      if files.count > 1 { print("\(file):") }
      print(CallTable.text(calls, others: others, localTime), terminator: "")
    }
  }
}

/// One line on standard error; what a peer wrote does not steer the terminal.
private func complain(_ text: String) { fputs("pcap2wave: \(CallTable.printable(text))\n", stderr) }

/// Local time as glibc has it.
private let localTime = LocalCalendar { wall in
  var seconds = time_t(wall.unixSeconds)
  var parts = tm()
  localtime_r(&seconds, &parts)
  return LocalTime(
    year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday), hour: Int(parts.tm_hour),
    minute: Int(parts.tm_min), second: Int(parts.tm_sec))
}
