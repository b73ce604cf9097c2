import Commands
import Testing

@Suite("Tables")
struct TableTests {
  @Test("Columns are aligned, and no line ends in blanks")
  func alignment() {
    var table = Table([.init("ticket", .right), "name", "caller"])
    table.append(["7", "Zoë", ""])
    table.append(["1234", "", "03472619287"])
    #expect(
      table.text() == """
        ticket  name  caller
        ------  ----  -----------
             7  Zoë   -
          1234  -     03472619287

        """)
  }

  @Test("A cell of several lines makes its row higher")
  func lines() {
    var table = Table(["a", "b", "c"])
    table.append(lines: [["1"], ["x", "", "yy"], []])
    table.append(["2", "z"])
    #expect(
      table.text(indent: 2) == """
          a  b   c
          -  --  -
          1  x   -
             yy
          2  z   -

        """)
  }

  @Test("Without titles there is no heading, without rows there is nothing")
  func pairs() {
    var table = Table(["", ""])
    #expect(table.isEmpty && table.text() == "")
    table.append(["XML number", "799", "beyond the last column"])
    #expect(table.text() == "XML number  799\n")
  }

  @Test(
    "Columns of the terminal, not bytes or characters, are counted",
    arguments: [
      ("", 0), ("731", 3), ("Müller", 6), ("Mu\u{308}ller", 6), ("山田", 4), ("한글", 4), ("🚒", 2), ("🇨🇭", 2),
      ("👩‍🔧", 2), ("732 → end", 9), ("ｱ", 1), ("Ａ", 2),
    ])
  func width(text: String, columns: Int) {
    #expect(displayWidth(text) == columns)
  }

  @Test(
    "What would steer the terminal is shown as a question mark",
    arguments: [
      ("Tech 1", "Tech 1"), ("a\u{1B}[2Jb", "a?[2Jb"), ("a\r\nb", "a??b"), ("a\u{202E}b", "a?b"), ("a\u{9B}b", "a?b"),
      ("a\u{2028}b", "a?b"), ("👩‍🔧", "👩‍🔧"), ("Zoë", "Zoë"),
    ])
  func steering(text: String, shown: String) {
    #expect(printable(text) == shown)
    var table = Table([""])
    table.append([text])
    #expect(table.text() == shown + "\n")
  }
}
