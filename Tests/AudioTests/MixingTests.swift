import Audio
import Testing

@Suite struct MixingTests {
  @Test func sumsAreHeldAtFullScale() {
    #expect(Mixing.sum(30_000, 10_000) == 32_767)
    #expect(Mixing.sum(-30_000, -10_000) == -32_768)
    #expect(Mixing.sum(-3, 10) == 7)
  }

  @Test func theLongerSoundGoesOn() {
    #expect(Mixing.mix([1, 2, 3], [10]) == [11, 2, 3])
    #expect(Mixing.mix([], [5]) == [5])
  }

  @Test func addsInPlaceAsFarAsBothGo() {
    var target: [Int16] = [1, 2, 3]
    let sound: [Int16] = [10, 20]
    target.withUnsafeMutableBufferPointer { target in
      sound.withUnsafeBufferPointer { Mixing.add($0, to: target) }
    }
    #expect(target == [11, 22, 3])
  }

  @Test func scalesWithinFullScale() {
    #expect(Mixing.scale([100, -100, 30_000], by: 2) == [200, -200, 32_767])
    #expect(Mixing.scale([100], by: .nan) == [0])
    #expect(Mixing.scale([100], by: -.infinity) == [-32_768])
  }
}
