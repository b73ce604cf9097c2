/// Why a capture cannot be read at all; what can be read in part is read, and ends with a `CaptureReader.End`.
package struct CaptureError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The file cannot be opened or read, in the system's words.
    case unreadable(String)
    /// The file is no capture, in libpcap's words.
    case noCapture(String)
    /// The frames are of a link layer that is not known here, by its name.
    case unknownLinkLayer(String)
    /// Standard input or a pipe could not be kept in a temporary file in this directory.
    case noRoomToKeep(directory: String, String)
  }

  /// The file as it was named; `-` is standard input.
  package var path: String
  package var kind: Kind

  package init(path: String, kind: Kind) {
    self.path = path
    self.kind = kind
  }

  /// One line: file, problem, what was expected.
  package var description: String {
    let name = path == "-" ? "standard input" : path
    switch kind {
    case .unreadable(let reason): return "\(name): cannot be read: \(reason)"
    case .noCapture(let reason): return "\(name): not a capture file (\(reason)); expected pcap or pcapng"
    case .unknownLinkLayer(let link):
      return "\(name): frames of link layer \(link); expected Ethernet, Linux cooked, raw IP or BSD loopback"
    case .noRoomToKeep(let directory, let reason):
      return "\(name): cannot be kept in \(directory) while it is read: \(reason); set TMPDIR to a directory with room"
    }
  }
}
