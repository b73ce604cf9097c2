/// What the WAV files of a capture are called.
package struct OutputNames: Hashable, Sendable {
  /// The path without the extension.
  private let stem: String
  private let ending: String

  /// `x.wav` beside `x.pcap` or `x.pcap.gz`.
  ///
  /// - Parameter directory: another directory for it.
  package init(capture path: String, directory: String? = nil) {
    let name = path.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init) ?? path
    let unpacked = name.lowercased().hasSuffix(".gz") && name.count > 3 ? String(name.dropLast(3)) : name
    let cut = OutputNames.withoutExtension(unpacked)
    if let directory {
      stem = directory.hasSuffix("/") ? directory + cut : "\(directory)/\(cut)"
    } else {
      stem = String(path.dropLast(name.count)) + cut
    }
    ending = ".wav"
  }

  /// Just this file; where there are several, a number goes before its extension.
  package init(output path: String) {
    let name = path.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? path
    let cut = OutputNames.withoutExtension(name)
    stem = String(path.dropLast(name.count)) + cut
    ending = String(name.dropFirst(cut.count))
  }

  /// The files of one call.
  ///
  /// - Parameters:
  ///   - number: nil if the capture holds only one call.
  package func paths(call number: Int?, layout: ChannelLayout) -> [String] {
    let numbered = number.map { "\(stem)-\($0)" } ?? stem
    switch layout {
    case .stereo, .mono: return [numbered + ending]
    case .split: return ["\(numbered)-left\(ending)", "\(numbered)-right\(ending)"]
    }
  }

  private static func withoutExtension(_ name: String) -> String {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
    return String(name[..<dot])
  }
}
