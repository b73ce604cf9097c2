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
  private var prompts: BuiltInPrompts
  /// The site's sound files by path.
  private var files: [String: RTPEngine.Sound] = [:]
  private var announcements: [String: RTPEngine.Sound] = [:]
  private var holds: [String: RTPEngine.Sound] = [:]
  private var ringback: RTPEngine.Sound
  private var busy: RTPEngine.Sound

  init(_ prompts: BuiltInPrompts) {
    self.prompts = prompts
    ringback = Self.tone(.ringing, "it")
    busy = Self.tone(.busy, "it")
  }

  /// The language of the built-in prompts.
  var language: SiteSnapshot.Language { prompts.language }

  /// The prompts are to be spoken in another language from now on.
  mutating func speak(_ prompts: BuiltInPrompts) { self.prompts = prompts }

  /// Decodes the site's own sound files; one that is none is a fault, and what sounded there before goes on. Blocks.
  mutating func load(_ reading: SiteReading) -> [SiteFault] {
    var faults: [SiteFault] = []
    // What no queue names any more is forgotten.
    let paths = Set(reading.snapshot.queues.flatMap { [$0.announcement, $0.hold].compactMap { $0 } })
    var decoded = files.filter { paths.contains($0.key) }
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
    busy = Self.tone(.busy, reading.snapshot.ringback)
    return faults
  }

  /// The samples of a sound.
  func samples(_ sound: Media.Sound) -> RTPEngine.Sound {
    switch sound {
    case .announcement(let queue): announcements[queue] ?? RTPEngine.Sound(prompts["announcement"])
    case .waiting(let queue): queue.flatMap { holds[$0] } ?? ringback
    case .busyTone: busy
    case .hold(let queue): queue.flatMap { holds[$0] } ?? Self.holdTone.sound
    case .confirmPrompt(let ticket, let key): RTPEngine.Sound(prompts.confirmation(ticket: ticket, key: key))
    }
  }

  /// Two soft notes every six seconds: the held party hears that he is not forgotten. Made when first heard.
  private static let holdTone = HoldTone()

  private final class HoldTone: Sendable {
    let sound = RTPEngine.Sound(Tone.hold.samples())
  }

  private static func tone(_ signal: Tone.Signal, _ country: String) -> RTPEngine.Sound {
    RTPEngine.Sound(Tone(signal, country: country)?.samples() ?? [])
  }
}
