import Glibc

/// Compares a ladder, or any text of lines, with its golden file `data/fixtures/FOLDER/NAME.txt`.
///
/// Lines of the golden file that begin with `#` are its head: what the scenario shows and which RFC asks for it. They
/// are not compared, and survive an update.
/// - Parameters:
///   - text: what the scenario gave.
///   - name: the golden file's name without `.txt`; may hold a folder.
///   - folder: where in `data/fixtures` it lies.
///   - file: a file of the package, from which its root is found upwards.
/// - Returns: nil if they are equal, else a message with the differing lines. With `PIKETT_UPDATE_GOLDEN` set in the
///   environment the file is written anew and nil returned.
package func goldenMismatch(
  _ text: some CustomStringConvertible, name: String, folder: String = "ladders", file: String = #filePath
) -> String? {
  guard let root = packageRoot(above: file) else { return "no Package.swift above \(file)" }
  let path = "\(root)/data/fixtures/\(folder)/\(name).txt"
  let golden = readText(path).map(textLines)
  let head = (golden ?? []).prefix { $0.hasPrefix("#") }
  let expected = Array((golden ?? []).dropFirst(head.count))
  let actual = textLines(text.description)
  if golden != nil, expected == actual { return nil }
  if getenv("PIKETT_UPDATE_GOLDEN") != nil {
    let isWritten = writeText((head + actual).map { $0 + "\n" }.joined(), to: path)
    return isWritten ? nil : "cannot write \(path): \(String(cString: strerror(errno)))"
  }
  guard golden != nil else {
    return "\(path) is missing; set PIKETT_UPDATE_GOLDEN to write it. The scenario gave:\n\(text)"
  }
  return "\(path) differs (- expected, + given); set PIKETT_UPDATE_GOLDEN to accept:\n"
    + lineDifference(expected, actual).joined(separator: "\n")
}

/// The lines of both texts in order: ` ` before those in both, `-` before those only in `old`, `+` only in `new`.
package func lineDifference(_ old: [String], _ new: [String]) -> [String] {
  // The longest common subsequence's length for each pair of tails.
  var lengths = [[Int]](repeating: [Int](repeating: 0, count: new.count + 1), count: old.count + 1)
  for row in old.indices.reversed() {
    for column in new.indices.reversed() {
      lengths[row][column] =
        old[row] == new[column]
        ? lengths[row + 1][column + 1] + 1 : max(lengths[row + 1][column], lengths[row][column + 1])
    }
  }
  var result: [String] = []
  var (row, column) = (0, 0)
  while row < old.count || column < new.count {
    if row < old.count, column < new.count, old[row] == new[column] {
      result.append("  " + old[row])
      row += 1
      column += 1
    } else if column == new.count || (row < old.count && lengths[row + 1][column] >= lengths[row][column + 1]) {
      result.append("- " + old[row])
      row += 1
    } else {
      result.append("+ " + new[column])
      column += 1
    }
  }
  return result
}

/// The nearest folder above `file` that holds a Package.swift.
package func packageRoot(above file: String) -> String? {
  var folder = Substring(file)
  while let slash = folder.lastIndex(of: "/") {
    folder = folder[..<slash]
    if access("\(folder)/Package.swift", R_OK) == 0 { return String(folder) }
  }
  return nil
}

private func textLines(_ text: String) -> [String] {
  var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  while lines.last == "" { lines.removeLast() }
  return lines
}

private func readText(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
  return String(decoding: bytes, as: UTF8.self)
}

private func writeText(_ text: String, to path: String) -> Bool {
  var index = path.index(after: path.startIndex)
  while let slash = path[index...].firstIndex(of: "/") {
    mkdir(String(path[..<slash]), 0o755)
    index = path.index(after: slash)
  }
  guard let file = fopen(path, "w") else { return false }
  let isWritten = fputs(text, file) >= 0
  return fclose(file) == 0 && isWritten
}
