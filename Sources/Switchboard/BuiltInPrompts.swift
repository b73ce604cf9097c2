import Audio
import Disk
import Site
import Telephony

/// What comes with the program to be spoken, in one language, decoded.
struct BuiltInPrompts: Sendable {
  let language: SiteSnapshot.Language
  private let samples: [String: [Int16]]

  /// A built-in prompt is missing or not a sound file: path and reason.
  struct PromptError: Error, CustomStringConvertible {
    var path: String
    var problem: String
    var description: String { "\(path): \(problem); expected the WAV files that come with Pikett" }
  }

  /// The names of the prompts every language must have.
  static let names = ["announcement", "confirm", "press-key", "star", "hash"] + (0...9).map { "\($0)" }

  /// Reads `DATA/prompts/LANGUAGE`. Blocks.
  init(dataDirectory: String, language: SiteSnapshot.Language) throws(PromptError) {
    let folder = joined(joined(dataDirectory, "prompts"), language.rawValue)
    var samples: [String: [Int16]] = [:]
    for name in Self.names {
      let path = joined(folder, name + ".wav")
      do {
        samples[name] = try WAVE.telephoneSound(RealFilesystem().readPrefix(path, limit: SiteTree.soundLimit))
      } catch {
        throw PromptError(path: path, problem: "\(error)")
      }
    }
    self.samples = samples
    self.language = language
  }

  subscript(name: String) -> [Int16] { samples[name] ?? [] }

  /// "Emergency call, ticket 1 2 3 4. To accept, press 1": in this order in all four languages, the number digit by digit.
  func confirmation(ticket: UInt64, key: Character) -> [Int16] {
    let digits = "\(ticket)".flatMap { self["\($0)"] }
    return self["confirm"] + digits + Self.pause + self["press-key"] + spoken(key)
  }

  /// 0.3 s.
  static let pause = [Int16](repeating: 0, count: 2400)

  private func spoken(_ key: Character) -> [Int16] {
    switch key {
    case "*": self["star"]
    case "#": self["hash"]
    default: self["\(key)"]
    }
  }
}
