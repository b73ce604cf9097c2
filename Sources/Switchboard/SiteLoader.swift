import Disk
package import Site

/// Reads a site's directory, and what comes with the program, into a snapshot.
package struct SiteLoader: Sendable {
  /// The site's directory.
  package let site: String
  /// The directory of prompts and provider templates that come with the program.
  package let data: String

  package init(site: String, data: String) {
    self.site = site
    self.data = data
  }

  /// Reads everything anew. Blocks.
  /// - Parameter previous: the snapshot before, whose values stand in for what cannot be understood.
  package func load(previous: SiteSnapshot? = nil) -> SiteReading {
    let disk = RealFilesystem()
    let tree = readTree(site, on: disk, skipping: previous?.ownDirectories ?? [])
    let providers = readTree(joined(data, "sms"), on: disk).files
    return SiteReading(
      files: tree.content, unreadable: tree.unreadable(in: site), builtInProviders: providers, previous: previous)
  }

  /// The built-in prompts of `language`; nil if it is `spoken` already. Blocks.
  func prompts(
    _ language: SiteSnapshot.Language, unless spoken: SiteSnapshot.Language
  ) -> Result<BuiltInPrompts, BuiltInPrompts.PromptError>? {
    guard language != spoken else { return nil }
    return Result { () throws(BuiltInPrompts.PromptError) in
      try BuiltInPrompts(dataDirectory: data, language: language)
    }
  }
}

extension SiteSnapshot {
  /// The directories at the top of the site into which Pikett writes by order of `Recording.txt` and `State.txt`.
  var ownDirectories: Set<String> {
    Set(
      [recordingDirectory ?? "", stateDirectory].filter { !$0.hasPrefix("/") }.compactMap { path in
        path.split(separator: "/").first { $0 != "." }.map(String.init)
      })
  }
}
