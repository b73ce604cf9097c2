import Glibc

/// The bytes of a site directory's value and sound files, as one reading of the disk.
package struct SiteTree: Hashable, Sendable {
  /// The content by the path within the site (`731/Name.txt`). Of a file beyond its limit, one byte more than the
  /// limit stands here, so that the reader can say that it is too large.
  package var files: [String: [UInt8]] = [:]
  /// The directories by their path within the site (`731`), in the order of reading: an empty one is a user too.
  package var directories: [String] = []
  /// What could not be read; a site that cannot be listed is told here too.
  package var faults: [DiskError] = []

  package init() {}

  /// Files and directories in one map, as a reader of the site takes them: a directory's path ends in `/`.
  package var content: [String: [UInt8]] {
    files.merging(directories.map { ($0 + "/", []) }) { file, _ in file }
  }

  /// What could not be read, by its path within the site (`.` is the site itself), and why.
  /// - Parameter root: the site's directory, as it was given to `readTree`.
  package func unreadable(in root: String) -> [String: String] {
    var reasons: [String: String] = [:]
    for fault in faults {
      let isWithin = fault.path.hasPrefix(root + "/")
      reasons[isWithin ? String(fault.path.dropFirst(root.utf8.count + 1)) : "."] = fault.problem
    }
    return reasons
  }

  /// A value file's largest size in bytes.
  package static let valueLimit = 64 * 1024
  /// A sound file's largest size in bytes.
  package static let soundLimit = 16 * 1024 * 1024
  /// What Pikett writes itself at the top of a site.
  package static let ownDirectories: Set<String> = ["ticket", "recording", "cdr", "spool", "state"]
  /// More files than this are not a site.
  static let fileLimit = 20_000
}

/// Reads all `.txt`, `.pem` and `.wav` files of a site, down to `731/sms/NAME/URL.txt`; foreign files and what Pikett
/// writes itself are left alone.
/// - Parameter skipping: further directories at the top that are not read (where Recording.txt and State.txt point).
package func readTree(_ root: String, on disk: some Filesystem, skipping: Set<String> = []) -> SiteTree {
  var tree = SiteTree()
  readFolder("", depth: 0)
  return tree

  func readFolder(_ folder: String, depth: Int) {
    do throws(DiskError) {
      for name in try disk.list(folder.isEmpty ? root : joined(root, folder)) where !name.hasPrefix(".") {
        let isOwn = SiteTree.ownDirectories.contains(name.lowercased()) || skipping.contains(name)
        if depth > 0 || !isOwn { readEntry(joined(folder, name), depth: depth) }
      }
    } catch {
      tree.faults.append(error)
    }
  }

  func readEntry(_ path: String, depth: Int) {
    do throws(DiskError) {
      guard let status = try disk.status(joined(root, path)) else { return }
      if status.isDirectory {
        guard depth < 3 else { return }
        tree.directories.append(path)
        readFolder(path, depth: depth + 1)
      } else if let limit = sizeLimit(path), status.isRegular {
        guard tree.files.count < SiteTree.fileLimit else {
          tree.faults.append(DiskError(joined(root, path), .read, EMFILE))
          return
        }
        tree.files[path] = try disk.readPrefix(joined(root, path), limit: limit + 1)
      }
    } catch {
      // Removed between the listing and the reading: as if it had gone before.
      if !error.isNotFound { tree.faults.append(error) }
    }
  }

  /// The limit of a file that is read; nil for a foreign one.
  func sizeLimit(_ path: String) -> Int? {
    let name = path.lowercased()
    return name.hasSuffix(".txt") || name.hasSuffix(".pem")
      ? SiteTree.valueLimit : name.hasSuffix(".wav") ? SiteTree.soundLimit : nil
  }
}
