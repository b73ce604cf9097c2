import Audio
import Disk
import Media
import RTPEngine
package import Site
import Telephony

/// The site's sound files that cannot be played; the built-in sound stands in for each.
package func soundFaults(_ reading: SiteReading) -> [SiteFault] {
  reading.audioFiles.compactMap { file in
    do throws(WAVEError) {
      _ = try WAVE.telephoneSound(file.bytes)
      return nil
    } catch {
      return SiteFault(unusable: file, error)
    }
  }
}

extension SiteFault {
  fileprivate init(unusable file: AudioFile, _ error: WAVEError) {
    // The error's own words name both: "is no WAV file; expected …".
    let words = "\(error)".split(separator: "; expected ", maxSplits: 1)
    self.init(file.path, String(words[0]), expected: words.count > 1 ? String(words[1]) : "a WAV file")
  }
}

/// Turns what a leg is to hear into samples: the site's sound files, the built-in prompts, tones.
///
/// Everything is decoded when the site is read, so that a call never waits for a file.
struct SoundLibrary {
  /// Where the built-in prompts lie: `DATA/prompts/en`.
  private let prompts: [String: [Int16]]
  /// The site's sound files by path.
  private var files: [String: RTPEngine.Sound] = [:]
  private var announcements: [String: RTPEngine.Sound] = [:]
  private var holds: [String: RTPEngine.Sound] = [:]
  private var ringback: RTPEngine.Sound
  private let busy: RTPEngine.Sound

  /// A built-in prompt is missing or not a sound file: path and reason.
  struct PromptError: Error, CustomStringConvertible {
    var path: String
    var problem: String
    var description: String { "\(path): \(problem); expected the WAV files that come with Pikett" }
  }

  /// The names of the prompts every language must have.
  private static let names =
    ["announcement", "confirm", "press-key", "star", "hash"] + (0...9).map { "\($0)" }

  /// Reads the built-in prompts of a language.
  init(dataDirectory: String, language: SiteSnapshot.Language) throws {
    let folder = joined(joined(dataDirectory, "prompts"), language.rawValue)
    var prompts: [String: [Int16]] = [:]
    for name in Self.names {
      let path = joined(folder, name + ".wav")
      do {
        prompts[name] = try WAVE.telephoneSound(RealFilesystem().readPrefix(path, limit: SiteTree.soundLimit))
      } catch {
        throw PromptError(path: path, problem: "\(error)")
      }
    }
    self.prompts = prompts
    ringback = Self.tone(.ringing, "it")
    busy = Self.tone(.busy, "it")
  }

  /// Decodes the site's own sound files; one that is none is a fault, and what sounded there before goes on.
  mutating func load(_ reading: SiteReading) -> [SiteFault] {
    var faults: [SiteFault] = []
    var decoded = files
    for file in reading.audioFiles {
      do throws(WAVEError) {
        decoded[file.path] = RTPEngine.Sound(try WAVE.telephoneSound(file.bytes))
      } catch {
        faults.append(SiteFault(unusable: file, error))
      }
    }
    files = decoded
    announcements = [:]
    holds = [:]
    for queue in reading.snapshot.queues {
      announcements[queue.name] = queue.announcement.flatMap { files[$0] }
      holds[queue.name] = queue.hold.flatMap { files[$0] }
    }
    ringback = Self.tone(.ringing, reading.snapshot.ringback)
    return faults
  }

  /// The samples of a sound.
  func samples(_ sound: Media.Sound) -> RTPEngine.Sound {
    switch sound {
    case .announcement(let queue): announcements[queue] ?? RTPEngine.Sound(prompt("announcement"))
    case .waiting(let queue): queue.flatMap { holds[$0] } ?? ringback
    case .busyTone: busy
    case .confirmPrompt(let ticket, let key):
      RTPEngine.Sound(
        prompt("confirm") + "\(ticket)".flatMap { prompt("\($0)") } + Self.pause + prompt("press-key") + spoken(key))
    }
  }

  private static func tone(_ signal: Tone.Signal, _ country: String) -> RTPEngine.Sound {
    RTPEngine.Sound(Tone(signal, country: country)?.samples() ?? [])
  }

  private static let pause = [Int16](repeating: 0, count: 2400)

  private func prompt(_ name: String) -> [Int16] { prompts[name] ?? [] }

  private func spoken(_ key: Character) -> [Int16] {
    switch key {
    case "*": prompt("star")
    case "#": prompt("hash")
    default: prompt("\(key)")
    }
  }
}
