// libFuzzer's two functions around the targets of Sources/Fuzz; compiled by tools/fuzz only.
import Fuzz
import Glibc

private nonisolated(unsafe) var target = FuzzTarget.message

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<CInt>?,
  _ arguments: UnsafeMutablePointer<
    UnsafeMutablePointer<
      UnsafeMutablePointer<CChar>?
    >?
  >?
) -> CInt {
  guard let chosen = environment("PIKETT_FUZZ").flatMap(FuzzTarget.init) else {
    for target in FuzzTarget.allCases {
      print(target.rawValue + String(repeating: " ", count: 9 - target.rawValue.count) + target.summary)
    }
    exit(0)
  }
  target = chosen
  if let folder = environment("PIKETT_FUZZ_SEEDS") { writeSeeds(to: folder) }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  if let property = target.fault(bytes) { fatalError("does not hold: \(property)") }
  return 0
}

private func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

private func writeSeeds(to folder: String) {
  let seeds = FuzzSeeds.all(
    of: target, root: environment("PIKETT_FUZZ_ROOT") ?? ".", corpus: environment("PIKETT_CORPUS"))
  for seed in seeds {
    guard let file = fopen(folder + "/" + seed.name, "w") else { continue }
    fwrite(seed.bytes, 1, seed.bytes.count, file)
    fclose(file)
  }
  print("\(seeds.count) seeds")
  exit(0)
}
