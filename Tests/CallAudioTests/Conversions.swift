import Audio
import Capture
import PikettTesting
import Testing

@testable import CallAudio

typealias CallSurveyOutcome = CallSurvey

/// Converts a capture and reads the WAV files again.
///
/// - Parameters:
///   - wanted: the rate that is asked for.
///   - rate: the rate that the files must have.
func convert(
  _ bytes: [UInt8], layout: ChannelLayout = .stereo, wanted: Int? = nil, rate: Int = 8000, from: Int64? = nil,
  to: Int64? = nil, rendersKeys: Bool = false
) throws -> Heard {
  let directory = TemporaryDirectory()
  let file = try CaptureFile(path: directory.write("x.pcap", bytes))
  let survey = try CallSurvey(of: file)
  let names = OutputNames(capture: directory.file("x.pcap"))
  let paths = try Conversion(
    layout: layout, rate: wanted, from: from, to: to, rendersKeys: rendersKeys
  ).write(survey.calls, of: file, survey) { call in
    names.paths(call: survey.calls.count == 1 ? nil : call.number, layout: layout)
  }
  var files: [[[Int16]]] = []
  for path in paths {
    let wave = try WAVE(readFile(path))
    #expect(wave.sampleRate == rate)
    #expect(wave.channels == (layout == .stereo ? 2 : 1))
    files.append((0..<wave.channels).map { wave.channel($0) })
  }
  return Heard(survey: survey, files: files)
}

/// Says where two sounds part, rather than print them.
func expectSame(_ heard: [Int16], _ wanted: [Int16], sourceLocation: SourceLocation = #_sourceLocation) {
  let index = zip(heard, wanted).enumerated().first { $0.element.0 != $0.element.1 }?.offset
  let text = index.map { "they part at sample \($0)" } ?? "same as far as both go"
  #expect(
    heard.count == wanted.count && index == nil, "\(heard.count) samples for \(wanted.count); \(text)",
    sourceLocation: sourceLocation)
}
