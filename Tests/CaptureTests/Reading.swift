import Frames
import PikettTesting
import Telephony
import Testing

@testable import Capture

/// What a reader found.
struct Seen: Equatable {
  var time: Int64
  var from: String
  var to: String
  var payload: [UInt8]
}

/// All that a reading brought.
struct Reading {
  var seen: [Seen] = []
  var segments: [TCPSegment] = []
  var end = CaptureReader.End.complete
  var fragments = 0
  var records = 0
  var foreignLink: String?

  var payloads: [[UInt8]] { seen.map(\.payload) }

  init(_ path: String, withSegments: Bool = false) throws {
    let file = try CaptureFile(path: path)
    var reader = try file.reader(withSegments: withSegments)
    while reader.next() {
      seen.append(
        Seen(
          time: reader.time, from: reader.datagram.source.endpoint?.description ?? "",
          to: reader.datagram.target.endpoint?.description ?? "", payload: reader.payload.withUnsafeBytes { Array($0) })
      )
      if reader.isSegment { segments.append(reader.segment) }
    }
    end = reader.end
    fragments = reader.fragmentCount
    records = reader.recordNumber
    foreignLink = reader.foreignLink
    try reader.checkLinks()
  }

  init(of bytes: [UInt8], withSegments: Bool = false) throws {
    let directory = TemporaryDirectory()
    self = try Reading(directory.write("x.pcap", bytes), withSegments: withSegments)
  }
}

let four = (address("192.0.2.1"), address("192.0.2.2"))
let six = (address("2001:db8::1"), address("2001:db8::2"))

private func address(_ text: String) -> IPAddress {
  guard let address = IPAddress(text) else { preconditionFailure(text) }
  return address
}

/// A frame with a datagram in it.
func frame(_ payload: [UInt8]) -> [UInt8] {
  PacketBytes.ethernet(PacketBytes.ip(PacketBytes.udp(payload), from: four.0, to: four.1))
}

/// tshark's reading of a file: time, ports and length of each UDP datagram.
func tshark(_ path: String, _ fields: [String], _ filter: String = "udp") throws -> [[String]] {
  let (status, output) = run(
    ["tshark", "-r", path, "-Y", filter, "-T", "fields", "-E", "occurrence=f"] + fields.flatMap { ["-e", $0] })
  try #require(status == 0, "tshark is needed for this test")
  return output.split(separator: "\n").map {
    $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
  }
}
