import Glibc

/// The bytes of a site directory's value and sound files, as one reading of the disk.
package struct SiteTree: Hashable, Sendable {
  /// The content by the path within the site (`731/Name.txt`). Of a file beyond its limit, one byte more than the
  /// limit stands here, so that the reader can say that it is too large.
  package var files: [String: [UInt8]] = [:]
  /// The directories by their path within the site (`731`), sorted: an empty one is a user too.
  package var directories: [String] = []
  /// What could not be read.
  package var faults: [DiskError] = []

  package init() {}

  /// A value file's largest size in bytes.
  package static let valueLimit = 64 * 1024
  /// A sound file's largest size in bytes.
  package static let soundLimit = 16 * 1024 * 1024
  /// What Pikett writes itself, and what lies at the top of a site without being part of it.
  package static let ownDirectories: Set<String> = ["ticket", "recording", "cdr", "spool", "state"]
  /// More files than this are not a site.
  static let fileLimit = 20_000
}

/// Reads all `.txt` and `.wav` files of a site, down to `731/sms/NAME/URL.txt`; foreign files and what Pikett
/// writes itself are left alone.
/// - Parameter skipping: further directories at the top that are not read (where Recording.txt and State.txt point).
package func readTree(_ root: String, on disk: some Filesystem, skipping: Set<String> = []) -> SiteTree {
  var tree = SiteTree()
  read("", depth: 0, into: &tree)
  return tree

  func read(_ folder: String, depth: Int, into tree: inout SiteTree) {
    let names: [String]
    do throws(DiskError) { names = try disk.list(folder.isEmpty ? root : joined(root, folder)) } catch {
      tree.faults.append(error)
      return
    }
    for name in names where !name.hasPrefix(".") {
      let path = joined(folder, name)
      do throws(DiskError) {
        let kind = kind(of: name)
        guard let status = try disk.status(joined(root, path)) else { continue }
        if status.isDirectory {
          let isOwn = depth == 0 && (SiteTree.ownDirectories.contains(name.lowercased()) || skipping.contains(name))
          if depth < 3, !isOwn {
            tree.directories.append(path)
            read(path, depth: depth + 1, into: &tree)
          }
        } else if let kind, status.isRegular {
          guard tree.files.count < SiteTree.fileLimit else {
            tree.faults.append(DiskError(joined(root, path), .read, EMFILE))
            return
          }
          tree.files[path] = try disk.readPrefix(joined(root, path), limit: kind + 1)
        }
      } catch {
        // Removed between the listing and the reading: as if it had gone before.
        if !error.isNotFound { tree.faults.append(error) }
      }
    }
  }

  /// The limit of a file that is read; nil for a foreign one.
  func kind(of name: String) -> Int? {
    let name = name.lowercased()
    return name.hasSuffix(".txt") ? SiteTree.valueLimit : name.hasSuffix(".wav") ? SiteTree.soundLimit : nil
  }
}
