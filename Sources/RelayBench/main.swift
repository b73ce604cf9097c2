// The engine under tools/bench.d/relay's load: 2 × CALLS legs on loopback, bridged in pairs, recorded if a folder is given.
// Usage: RelayBench CALLS FIRST_PORT FIRST_PEER_PORT [FOLDER]. It answers "start" and "stop" on its standard input.
import Audio
import CLinux
@preconcurrency import Glibc
import RTPEngine
import Telephony

func fail(_ text: String) -> Never {
  fputs("RelayBench: \(text)\n", stderr)
  exit(64)
}

let arguments = CommandLine.arguments
guard arguments.count >= 4, let calls = Int(arguments[1]), let port = UInt16(arguments[2]),
  let peerPort = UInt16(arguments[3]), let loopback = IPAddress("127.0.0.1")
else { fail("usage: RelayBench CALLS FIRST_PORT FIRST_PEER_PORT [FOLDER]") }
let folder = arguments.count > 4 ? arguments[4] : nil

/// What the process has used so far.
struct Usage {
  var microseconds: Int
  var allocations: Int

  static var now: Usage {
    var usage = rusage()
    getrusage(0, &usage)  // RUSAGE_SELF
    let time = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
    // Set by relay-malloc.so, if it is preloaded.
    let counter = dlsym(UnsafeMutableRawPointer(bitPattern: 0), "pikett_allocations")
    return Usage(
      microseconds: time + Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
      allocations: counter?.load(as: Int.self) ?? 0)
  }
}

var configuration = MediaEngine.Configuration()
configuration.maxLegs = calls * 2
configuration.maxRecordings = calls
configuration.syncsRecordings = getenv("RELAY_BENCH_SYNC") != nil
let engine = MediaEngine(configuration: configuration) { event in
  if case .recordingDropped(_, let bytes) = event { fputs("RelayBench: \(bytes) bytes not recorded\n", stderr) }
  if case .recordingFailed(_, let code, let path) = event { fputs("RelayBench: \(path): errno \(code)\n", stderr) }
}

do {
  try engine.start()
  var ports = MediaPorts(range: port...port + UInt16(calls * 4) - 1, address: loopback)
  var legs: [Leg] = []
  for index in 0..<calls * 2 {
    let leg = try engine.openLeg(try ports.bind())
    engine.send(.describe(leg, LegMedia(remote: Endpoint(loopback, peerPort + UInt16(index)))))
    legs.append(leg)
  }
  for call in 0..<calls {
    engine.send(.bridge(legs[call * 2], legs[call * 2 + 1]))
    guard let folder else { continue }
    let recording = RecordingID(rawValue: UInt64(call))
    engine.send(.startRecording(recording, path: "\(folder)/\(call).pcap"))
    let shown = Endpoint(loopback, port + UInt16(call * 4))
    engine.send(.tap(legs[call * 2], recording, localAddressShown: shown))
  }
} catch { fail("\(error)") }

print("ready")
fflush(nil)
var start = Usage.now
while let line = readLine() {
  if line == "start" { start = Usage.now }
  if line == "stop" { break }
}
let end = Usage.now
print("cpu \(end.microseconds - start.microseconds) allocations \(end.allocations - start.allocations)")
fflush(nil)
engine.shutdown()
