import Audio
import Disk
import Media
import RTPEngine
import Site
import Telephony
import Testing

@testable import Switchboard

/// What is played for what is meant.
@Suite struct SoundLibraryTests {
  /// `data/` beside Package.swift, upwards from this file.
  private static let data: String = {
    var parts = #filePath.split(separator: "/").dropLast(3).map(String.init)
    parts.append("data")
    return "/" + parts.joined(separator: "/")
  }()

  private func wave(_ language: SiteSnapshot.Language, _ name: String) throws -> [Int16] {
    try WAVE.telephoneSound(
      RealFilesystem().readPrefix("\(Self.data)/prompts/\(language.rawValue)/\(name).wav", limit: 10_000_000))
  }

  private func library(_ language: SiteSnapshot.Language = .en, ringback: String = "it") throws -> SoundLibrary {
    var library = SoundLibrary(try BuiltInPrompts(dataDirectory: Self.data, language: language))
    #expect(library.load(SiteReading(files: ["Ringback.txt": Array(ringback.utf8)])).isEmpty)
    return library
  }

  @Test(arguments: SiteSnapshot.Language.allCases)
  func `the ticket's number is spoken digit by digit, then the key, in each language`(
    language: SiteSnapshot.Language
  ) throws {
    let library = try library(language)
    for (key, name) in [("1", "1"), ("0", "0"), ("*", "star"), ("#", "hash")] as [(Character, String)] {
      let words = ["confirm", "1", "0", "5", "9", "2", "8"]
      let expected =
        try words.flatMap { try wave(language, $0) } + BuiltInPrompts.pause + wave(language, "press-key")
        + wave(language, name)
      #expect(library.samples(.confirmPrompt(ticket: 105_928, key: key)).samples == expected)
    }
    #expect(try library.samples(.announcement(queue: "WQ")).samples == wave(language, "announcement"))
    // Somebody who has just lifted his mobile phone must not miss them, nor wait for ever.
    let seconds = Double(library.samples(.confirmPrompt(ticket: 1234, key: "1")).samples.count) / 8000
    #expect((3...12).contains(seconds))
  }

  @Test func `no two languages or digits sound alike`() throws {
    var known: Set<[Int16]> = []
    for language in SiteSnapshot.Language.allCases {
      for name in BuiltInPrompts.names {
        let samples = try wave(language, name)
        #expect(known.insert(samples).inserted, "\(language) \(name)")
        // It is a sound, and no silence.
        #expect(samples.contains { abs(Int($0)) > 3000 }, "\(language) \(name)")
      }
    }
  }

  @Test func `another language counts for what is played from then on`() throws {
    var library = try library(.en)
    library.speak(try BuiltInPrompts(dataDirectory: Self.data, language: .de))
    #expect(library.language == .de)
    #expect(try library.samples(.announcement(queue: "WQ")).samples == wave(.de, "announcement"))
    let loader = SiteLoader(site: "/nowhere", data: Self.data)
    #expect(loader.prompts(.de, unless: library.language) == nil)
    #expect(try loader.prompts(.fr, unless: library.language)?.get().language == .fr)
    #expect(throws: BuiltInPrompts.PromptError.self) {
      try SiteLoader(site: "/nowhere", data: "/nowhere").prompts(.fr, unless: .de)?.get()
    }
  }

  @Test(arguments: ["it", "de", "gb", "us"]) func `ringing and busy tone are the country's`(country: String) throws {
    let library = try library(ringback: country)
    let ringing = try #require(Tone(.ringing, country: country))
    let busy = try #require(Tone(.busy, country: country))
    #expect(library.samples(.waiting(queue: nil)).samples == ringing.samples())
    #expect(library.samples(.busyTone).samples == busy.samples())
    #expect(library.samples(.busyTone).samples != library.samples(.waiting(queue: nil)).samples)
  }
}
