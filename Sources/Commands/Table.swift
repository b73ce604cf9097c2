/// A table as plain text: columns two blanks apart, a line under the heading, no blanks at the ends of lines.
///
/// An empty cell is drawn as `-`, so that columns can be told apart, by people and by `awk`. A cell may have several
/// lines; the row is then as high as its highest cell. What is put in is made `printable`.
package struct Table: Hashable, Sendable {
  private let columns: [Column]
  private var rows: [[[String]]] = []

  /// A column's heading and side.
  package struct Column: Hashable, Sendable, ExpressibleByStringLiteral {
    package var title: String
    package var alignment: Alignment

    package init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }

    package init(stringLiteral title: String) { self.init(title) }
  }

  /// To which side of the column its cells are moved; numbers that are compared stand at the right.
  package enum Alignment: Hashable, Sendable {
    case left
    case right
  }

  /// - Parameter columns: if all titles are empty, there is no heading.
  package init(_ columns: [Column]) { self.columns = columns }

  package var isEmpty: Bool { rows.isEmpty }

  /// Adds a row of one line; missing cells are empty, cells beyond the last column are left away.
  package mutating func append(_ cells: [String]) { append(lines: cells.map { [$0] }) }

  /// Adds a row in which each cell is a list of lines.
  package mutating func append(lines cells: [[String]]) {
    rows.append(columns.indices.map { $0 < cells.count ? Table.cell(cells[$0]) : ["-"] })
  }

  private static func cell(_ lines: [String]) -> [String] {
    let lines = lines.filter { !$0.isEmpty }
    return lines.isEmpty ? ["-"] : lines.map(printable)
  }

  /// The table, each line ended by a line feed.
  ///
  /// - Parameter indent: the blanks before each line.
  package func text(indent: Int = 0) -> String {
    var widths = columns.map { displayWidth($0.title) }
    for row in rows {
      for (column, cell) in row.enumerated() {
        for line in cell { widths[column] = max(widths[column], displayWidth(line)) }
      }
    }
    var text = ""
    if columns.contains(where: { !$0.title.isEmpty }) {
      writeLine(columns.map(\.title), widths, indent, to: &text)
      writeLine(widths.map { String(repeating: "-", count: $0) }, widths, indent, to: &text)
    }
    for row in rows {
      for line in 0..<(row.map(\.count).max() ?? 0) {
        writeLine(row.map { line < $0.count ? $0[line] : "" }, widths, indent, to: &text)
      }
    }
    return text
  }

  private func writeLine(_ cells: [String], _ widths: [Int], _ indent: Int, to text: inout String) {
    // Blanks are owed until something follows them, so that none end a line.
    var owed = indent
    for (column, cell) in cells.enumerated() {
      let rest = widths[column] - displayWidth(cell)
      let before = columns[column].alignment == .right ? rest : 0
      owed += before
      if !cell.isEmpty {
        text += String(repeating: " ", count: owed)
        text += cell
        owed = 0
      }
      owed += rest - before + 2
    }
    text += "\n"
  }
}
