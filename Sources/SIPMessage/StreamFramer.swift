/// One thing that a stream of SIP brought.
package enum StreamItem: Hashable, Sendable {
  case message(Message)
  /// A whole message that is none; its `refusal`, if any, is to be sent. The stream goes on behind it.
  case malformed(ParseError)
  /// CR LF CR LF between messages: the peer asks whether we live; a single CR LF is the answer (RFC 5626 §4.4.1).
  case ping
}

/// The stream cannot be followed further: send the refusal, if there is one, and close the connection.
package struct FramingError: Error, Hashable, Sendable {
  /// `kind` is one of notSIP, contentLength, repeatedHeader, headerLine or tooLarge.
  package var error: ParseError
  /// What had arrived whole before, in the same call of `append`.
  package var preceding: [StreamItem]
}

/// Cuts a byte stream into messages by Content-Length (RFC 3261 §18.3, §20.14).
///
/// Holds at most one unfinished message of 65535 bytes.
package struct StreamFramer: Sendable {
  private var buffer: [UInt8] = []
  /// Everything before is consumed.
  private var start = 0
  /// How far the search for the header's end has come.
  private var searched = 0
  /// The end of the message whose header has been read.
  private var messageEnd: Int?
  private var breaks = 0
  private var broken: ParseError?

  package init() {}

  /// True if part of a message is waiting for the rest.
  package var isInMessage: Bool { start < buffer.count }

  /// Takes the next bytes of the stream in pieces of any size.
  /// - Returns: what has become whole, in order.
  /// - Throws: `FramingError` when the next message's end cannot be known; every later call throws it again.
  package mutating func append(_ bytes: [UInt8]) throws(FramingError) -> [StreamItem] {
    if let broken { throw FramingError(error: broken, preceding: []) }
    buffer += bytes
    var items: [StreamItem] = []
    do throws(ParseError) {
      while let item = try next() { items.append(item) }
    } catch {
      broken = error
      buffer = []
      start = 0
      throw FramingError(error: error, preceding: items)
    }
    if start > 0 {
      buffer.removeFirst(start)
      searched -= start
      messageEnd = messageEnd.map { $0 - start }
      start = 0
    }
    return items
  }

  private mutating func next() throws(ParseError) -> StreamItem? {
    if messageEnd == nil {
      if skipBreaks() { return .ping }
      guard let headEnd = try findHeadEnd() else { return nil }
      messageEnd = try end(ofMessageWithHead: headEnd)
    }
    guard let end = messageEnd, end <= buffer.count else { return nil }
    var parser = MessageParser(buffer, start..<end)
    start = end
    searched = end
    messageEnd = nil
    do throws(ParseError) { return .message(try parser.message(isStream: true)) } catch { return .malformed(error) }
  }

  /// Passes line breaks between messages.
  /// - Returns: true when the second CR LF in a row has passed.
  private mutating func skipBreaks() -> Bool {
    while start < buffer.count, buffer[start] == 0x0D || buffer[start] == 0x0A {
      if buffer[start] == 0x0A { breaks += 1 }
      start += 1
      searched = start
      if breaks == 2 {
        breaks = 0
        return true
      }
    }
    if start < buffer.count { breaks = 0 }
    return false
  }

  /// The place behind the empty line that ends the header; nil if it has not come yet.
  private mutating func findHeadEnd() throws(ParseError) -> Int? {
    // Nothing beyond the limit is looked at, so that it does not matter in which pieces the bytes come.
    let limit = min(buffer.count, start + largestMessage)
    while searched < limit {
      let place = searched
      searched += 1
      guard buffer[place] == 0x0A, place > start else { continue }
      let before = buffer[place - 1] == 0x0D ? place - 2 : place - 1
      if before >= start, buffer[before] == 0x0A { return searched }
    }
    guard buffer.count - start < largestMessage else {
      var parser = MessageParser(buffer, start..<limit)
      try parser.head()
      throw parser.refused(.tooLarge, "a message is at most \(largestMessage) bytes")
    }
    return nil
  }

  private func end(ofMessageWithHead headEnd: Int) throws(ParseError) -> Int {
    var parser = MessageParser(buffer, start..<headEnd)
    try parser.head()
    let length: Int?
    do throws(HeaderError) { length = try parser.contentLength() } catch {
      throw parser.refused(error.kind == .repeated ? .repeatedHeader : .contentLength, error.detail)
    }
    // Without it nobody knows where the next message begins (RFC 3261 §20.14).
    guard let length else { throw parser.refused(.contentLength, "Content-Length is missing") }
    guard length <= largestMessage, headEnd - start <= largestMessage - length else {
      throw parser.refused(.tooLarge, "a message is at most \(largestMessage) bytes")
    }
    return headEnd + length
  }
}
