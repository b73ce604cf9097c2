import Glibc

/// Where the files that come with the program lie (prompts, provider templates): `$PIKETT_DATA`, else
/// `../share/pikett` beside the executable's directory, else `data/` beside a Package.swift above it.
/// - Returns: nil if there is no such directory.
package func dataDirectory(on disk: some Filesystem = RealFilesystem()) -> String? {
  if let named = getenv("PIKETT_DATA"), named.pointee != 0 { return String(cString: named) }
  guard var folder = executableDirectory() else { return nil }
  let shared = joined(directory(of: folder), "share/pikett")
  if isDirectory(shared, disk) { return shared }
  while folder != "/" && folder != "." {
    if isThere(joined(folder, "Package.swift"), disk), isDirectory(joined(folder, "data"), disk) {
      return joined(folder, "data")
    }
    folder = directory(of: folder)
  }
  return nil
}

/// A helper program: beside this executable, else in `../libexec/pikett`.
/// - Returns: nil if it is in neither place.
package func helperProgram(_ name: String, on disk: some Filesystem = RealFilesystem()) -> String? {
  guard let folder = executableDirectory() else { return nil }
  let places = [joined(folder, name), joined(directory(of: folder), "libexec/pikett/" + name)]
  return places.first { isThere($0, disk) }
}

private func executableDirectory() -> String? {
  guard let real = realpath("/proc/self/exe", nil) else { return nil }
  defer { free(real) }
  return directory(of: String(cString: real))
}

private func isThere(_ path: String, _ disk: some Filesystem) -> Bool { ((try? disk.status(path)) ?? nil) != nil }

private func isDirectory(_ path: String, _ disk: some Filesystem) -> Bool {
  ((try? disk.status(path)) ?? nil)?.isDirectory == true
}
