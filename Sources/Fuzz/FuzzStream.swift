import SIPMessage

/// The first two bytes say how the rest is cut.
func fuzzStream(_ bytes: [UInt8]) throws(Broken) {
  guard bytes.count > 2 else { return }
  let stream = Array(bytes[2...])
  let whole = Feed(stream, sizes: [stream.count])
  let cut = Int(bytes[0]) << 8 | Int(bytes[1])
  try hold(Feed(stream, sizes: [cut % stream.count, stream.count]) == whole, "cut in two it is the same")
  try hold(
    Feed(stream, sizes: [Int(bytes[0]) % 61 + 1, Int(bytes[1]) % 61 + 1]) == whole, "in many pieces it is the same")
  if stream.count <= 2048 { try hold(Feed(stream, sizes: [1]) == whole, "byte by byte it is the same") }
  for item in whole.items {
    guard case .message(let message) = item else { continue }
    guard case .success(let datagram) = read(message.serialized()) else {
      throw Broken(property: "a message of the stream is one in a datagram")
    }
    try hold(datagram.body == message.body, "its body is the same in a datagram")
  }
}

/// What a stream that comes in pieces has led to.
private struct Feed: Equatable {
  var items: [StreamItem] = []
  var error: ParseError?
  var isInMessage = false

  /// - Parameter sizes: of the pieces, again and again; at least one of them above 0.
  init(_ stream: [UInt8], sizes: [Int]) {
    var framer = StreamFramer()
    var place = 0
    var turn = 0
    while place < stream.count {
      let end = min(stream.count, place + sizes[turn % sizes.count])
      do throws(FramingError) {
        items += try framer.append(Array(stream[place..<end]))
      } catch {
        items += error.preceding
        self.error = error.error
        return
      }
      place = end
      turn += 1
    }
    isInMessage = framer.isInMessage
  }
}
