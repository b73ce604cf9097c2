import PikettTesting
import Testing

@Suite struct GoldenLadderTests {
  @Test func anEqualTextMatchesAndTheHeadIsNoPartOfIt() {
    #expect(goldenMismatch("one\ntwo\n", name: "testing/two-lines") == nil)
  }

  // With PIKETT_UPDATE_GOLDEN set a mismatch would be written, so these two stay away from the files.

  @Test func theDifferenceShowsWhatIsMissingAndWhatIsNew() {
    #expect(lineDifference(["a", "b", "c"], ["a", "x", "c", "d"]) == ["  a", "- b", "+ x", "  c", "+ d"])
    #expect(lineDifference([], ["a"]) == ["+ a"])
    #expect(lineDifference(["a"], []) == ["- a"])
    #expect(lineDifference(["a", "b"], ["a", "b"]) == ["  a", "  b"])
  }

  @Test func aFileOutsideAnyPackageIsTold() {
    #expect(
      goldenMismatch("x", name: "testing/two-lines", file: "/nowhere/Tests/X.swift")
        == "no Package.swift above /nowhere/Tests/X.swift")
    #expect(packageRoot(above: #filePath) != nil)
  }
}
