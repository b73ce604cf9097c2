package import Audio

/// G.711: a sample a byte, without a state.
package final class G711Decoder: AudioDecoder {
  package let sampleRate = 8000
  private let table: [Int16]

  package init(_ law: G711) { table = (0...255).map { law.decode(UInt8($0)) } }

  package func decode(_ payload: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    let count = min(payload.count, samples.count)
    table.withUnsafeBufferPointer { table in
      for index in 0..<count { samples[index] = table[Int(payload[index])] }
    }
    return count
  }
}
