import Telephony
import Testing

@Suite struct ByteReaderTests {
  @Test func readsFrontToBackInNetworkOrder() throws {
    let bytes: [UInt8] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F]
    var reader = ByteReader(bytes.span.bytes)
    #expect(reader.remaining == 15)
    #expect(try reader.byte() == 0x01)
    #expect(try reader.uint16() == 0x0203)
    #expect(try reader.uint32() == 0x0405_0607)
    #expect(try reader.littleUInt16() == 0x0908)
    #expect(try reader.littleUInt32() == 0x0D0C_0B0A)
    #expect(reader.offset == 13)
    try reader.skip(1)
    #expect(try reader.array(1) == [0x0F])
    #expect(reader.remaining == 0)
  }

  @Test func aSpanIsThePartThatWasAskedFor() throws {
    let bytes: [UInt8] = [1, 2, 3, 4, 5]
    var reader = ByteReader(bytes.span.bytes)
    try reader.skip(1)
    let part = try reader.span(3)
    #expect(part.byteCount == 3)
    var inner = ByteReader(part)
    let values = try inner.array(3)
    #expect(values == [2, 3, 4])
    #expect(reader.offset == 4)
    let nothing = try reader.span(0)
    #expect(nothing.byteCount == 0)
  }

  @Test func beyondTheEndItThrowsAndStaysWhereItWas() throws {
    let bytes: [UInt8] = [1, 2, 3]
    var reader = ByteReader(bytes.span.bytes)
    try reader.skip(2)
    let at2 = { (wanted: Int) in ByteReaderError.outOfBytes(at: 2, wanted: wanted) }
    do { _ = try reader.uint16() } catch { #expect(error == at2(2)) }
    do { _ = try reader.uint32() } catch { #expect(error == at2(4)) }
    do { _ = try reader.littleUInt16() } catch { #expect(error == at2(2)) }
    do { _ = try reader.littleUInt32() } catch { #expect(error == at2(4)) }
    for count in [2, 3, Int.max, -1, Int.min] {
      do { try reader.skip(count) } catch { #expect(error == at2(count)) }
      do { _ = try reader.array(count) } catch { #expect(error == at2(count)) }
      do { _ = try reader.span(count) } catch { #expect(error == at2(count)) }
    }
    #expect(reader.offset == 2)
    #expect(try reader.byte() == 3)
    do { _ = try reader.byte() } catch { #expect(error == .outOfBytes(at: 3, wanted: 1)) }
    #expect(reader.offset == 3)
  }

  @Test func nothingCanBeReadFromNothing() {
    let bytes: [UInt8] = []
    var reader = ByteReader(bytes.span.bytes)
    #expect(reader.remaining == 0)
    do throws(ByteReaderError) {
      _ = try reader.byte()
      Issue.record("there is no byte")
    } catch {
      #expect(error == .outOfBytes(at: 0, wanted: 1))
    }
  }

  /// Random reads of random bytes agree with the bytes, and never trap.
  @Test(arguments: 1...20) func anyReadsAgreeWithTheBytes(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      var reader = ByteReader(bytes.span.bytes)
      var offset = 0
      for _ in 0..<12 {
        let count = Int.random(in: -1...12, using: &random)
        let wanted: Int
        let read: [UInt8]?
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
          wanted = 2
          read = (try? reader.uint16()).map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        case 1:
          wanted = 4
          read = (try? reader.littleUInt32()).map { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
          }
        case 2:
          wanted = 1
          read = (try? reader.byte()).map { [$0] }
        default:
          wanted = count
          read = try? reader.array(count)
        }
        let isThere = wanted >= 0 && offset + wanted <= bytes.count
        #expect(read == (isThere ? Array(bytes[offset..<offset + wanted]) : nil))
        if isThere { offset += wanted }
        #expect(reader.offset == offset)
        #expect(reader.remaining == bytes.count - offset)
      }
    }
  }
}
