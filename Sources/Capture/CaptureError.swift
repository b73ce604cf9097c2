/// Why a capture cannot be read at all; what can be read in part is read, and ends with a `CaptureReader.End`.
package struct CaptureError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The file cannot be opened or read, in the system's words.
    case unreadable(String)
    /// The file is no capture, and why.
    case noCapture(String)
    /// The file is packed in a way that is not undone here, by the name of what packed it.
    case compressed(String)
    /// The frames are of a link layer that is not known here, by its name.
    case unknownLinkLayer(String)
    /// What came from a pipe or was compressed could not be kept in a temporary file in this directory.
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
    case .compressed(let packer):
      return "\(name): compressed with \(packer); expected pcap or pcapng, as they are or compressed with gzip"
    case .unknownLinkLayer(let link):
      return "\(name): frames of link layer \(link); expected Ethernet, Linux cooked, raw IP or BSD loopback"
    case .noRoomToKeep(let directory, let reason):
      return "\(name): cannot be kept in \(directory) while it is read: \(reason); set TMPDIR to a directory with room"
    }
  }
}
