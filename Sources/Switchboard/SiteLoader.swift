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
    let tree = readTree(site, on: disk)
    var files = tree.files
    for directory in tree.directories { files[directory + "/"] = [] }
    var unreadable: [String: String] = [:]
    for fault in tree.faults {
      let path = fault.path.hasPrefix(site + "/") ? String(fault.path.dropFirst(site.utf8.count + 1)) : "."
      unreadable[path] = fault.problem
    }
    let providers = readTree(joined(data, "sms"), on: disk).files
    return SiteReading(files: files, unreadable: unreadable, builtInProviders: providers, previous: previous)
  }
}
