import Telephony
import Testing

@testable import Site

@Suite("Members of a provider's JSON answer")
struct JSONPathTests {
  private func value(_ path: String, _ json: String) throws -> String? {
    try #require(JSONPath(path)).value(in: Array(json.utf8))
  }

  @Test(
    "What stands there",
    arguments: [
      (".a", #"{"a":"x"}"#, "x"), (".a", #" { "b" : {"a":1} , "a" : -1.5e+3 } "#, "-1.5e+3"),
      (".a", #"{"a":true}"#, "true"),
      (".a.b[2].c", #"{"a":{"x":"}","b":["]",[{"c":1}],{"c":"here"}]}}"#, "here"), ("[0][1]", "[[1,2],3]", "2"),
      (".a", #"{"a":"q\"\\\/\b\f\n\r\té"}"#, "q\"\\/\u{8}\u{C}\n\r\té"), (".a", #"{"a":"\u00e9\ud83d\ude00!"}"#, "é😀!"),
      (".é", #"{"\u00e9":"k"}"#, "k"), (".a", #"{"a":"first","a":"second"}"#, "first"),
      (".a", #"{"a":"\ud83dx"}"#, "\u{FFFD}x"),
      (".a-b", #"{"a-b":""}"#, ""),
    ])
  func found(path: String, json: String, expected: String) throws { #expect(try value(path, json) == expected) }

  @Test(
    "Nothing there, or no JSON before it",
    arguments: [
      (".a", ""), (".a", "{"), (".a", "{}"), (".a", "[]"), ("[0]", "[]"), ("[1]", "[1]"), ("[0]", "{}"),
      (".a", #"{"b":1}"#),
      (".a", #"{"a":{}}"#), (".a", #"{"a":[1]}"#), (".a", #"{"a" 1}"#), (".a", #"{"a":"x"#), (".a", #"{"a":"\"#),
      (".a", #"{"a":"\u12"#), (".a", #"{"a":"\uzzzz"}"#), (".a", #"{"a":"\x"}"#), (".a", #"{"b":}"a":1}"#),
      (".a", #"{"b":[,"a":1}"#), (".b", #"{"a":"}","#), ("[9999999]", "[1,2"), (".a", "OK"), (".a.b", #"{"a":1}"#),
    ])
  func missing(path: String, json: String) throws { #expect(try value(path, json) == nil) }

  @Test(
    "No path",
    arguments: ["", "a", ".", ".a.", ".a[", ".a[]", ".a[-1]", ".a[1", ".a b", "[x]", ".a]", ".a[99999999999999999999]"])
  func noPath(text: String) { #expect(JSONPath(text) == nil) }

  @Test("However deep or broken the answer is, the search ends")
  func hostile() throws {
    let path = try #require(JSONPath(".a[3].b"))
    #expect(path.value(in: Array(repeating: UInt8(ascii: "["), count: 65_536)) == nil)
    let deep = Array((#"{"x":"# + String(repeating: "[", count: 30_000) + String(repeating: "]", count: 30_000)).utf8)
    #expect(path.value(in: deep + Array(#","a":[1,2,3,{"b":7}]}"#.utf8)) == "7")
    var dice = SeededGenerator(seed: 7)
    let spice = Array(#"{}[]:,"\u0 ab1"#.utf8)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &dice)).map { _ in spice.randomElement(using: &dice) ?? 0 }
      _ = path.value(in: bytes)
      _ = JSONPath("[0].a")?.value(in: bytes)
    }
  }
}
