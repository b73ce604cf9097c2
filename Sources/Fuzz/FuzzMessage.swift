import SIPMessage

func fuzzMessage(_ bytes: [UInt8]) throws(Broken) {
  switch read(bytes) {
  case .success(let message):
    try survivesWriting(message)
    try readersAgree(message.headers)
    try isRefusedWhenCut(bytes, message)
    try hold(read(maskedWire(bytes)).isMessage, "masked, it is still a message")
    try hold(message.masked().masked() == message.masked(), "what is masked has nothing left to mask")
    if case .request(let request) = message { try isAnswer(request.response(486, toTag: "t"), "an answer") }
  case .failure(let error):
    _ = maskedWire(bytes)
    if let refusal = error.refusal { try isAnswer(refusal, "a refusal") }
  }
}

func read(_ bytes: [UInt8]) -> Result<Message, ParseError> {
  do throws(ParseError) { return .success(try parseMessage(bytes)) } catch { return .failure(error) }
}

extension Result where Success == Message {
  var isMessage: Bool { if case .success = self { true } else { false } }
}

/// Written it is read as the same, and written again it is the same bytes.
private func survivesWriting(_ message: Message) throws(Broken) {
  let written = message.serialized()
  guard case .success(let again) = read(written) else {
    throw Broken(property: "what was read can be written and read again")
  }
  func withoutLength(_ headers: Headers) -> [Headers.Field] { headers.fields.filter { $0.name != "Content-Length" } }
  try hold(withoutLength(again.headers) == withoutLength(message.headers), "the headers survive writing")
  try hold(again.body == message.body, "the body survives writing")
  switch (message, again) {
  case (.request(let a), .request(let b)):
    try hold(a.method == b.method && a.uri == b.uri, "the request line survives writing")
  case (.response(let a), .response(let b)):
    try hold(a.status == b.status && a.reason == b.reason, "the status line survives writing")
  case (.request, .response), (.response, .request):
    throw Broken(property: "a request stays a request")
  }
  try hold(again.serialized() == written, "written twice it is the same bytes")
}

/// Every typed value that can be read can be written and read again.
private func readersAgree(_ headers: Headers) throws(Broken) {
  _ = (headers.callID, headers.contentType, headers.isStarContact, try? headers.maxForwards(), try? headers.expires())
  try hold((try? headers.vias())?.first == (try? headers.topVia()), "the first Via is the top one")
  for field in headers.fields.prefix(64) {
    for address in ((try? NameAddress.list(field.value)) ?? []).prefix(16) {
      let again = try? NameAddress(address.description)
      try hold(again == address, "an address survives writing: \(address.description)")
      try hold(address.uri.isEquivalent(to: address.uri), "a URI is equivalent to itself: \(address.uri)")
      _ = (address.expires, address.thousandthsOfQ, address.tag)
    }
    for via in ((try? Via.list(field.value)) ?? []).prefix(16) {
      try hold((try? Via(via.description)) == via, "a Via survives writing: \(via.description)")
    }
    if let cseq = try? CSeq(field.value) {
      try hold((try? CSeq(cseq.description)) == cseq, "a CSeq survives writing: \(cseq.description)")
    }
  }
}

/// However much of the datagram has arrived, a refusal copies fields as the whole message has them.
private func isRefusedWhenCut(_ bytes: [UInt8], _ message: Message) throws(Broken) {
  guard case .request = message, !bytes.isEmpty else { return }
  for number: UInt64 in 0..<4 {
    let cut = Int((bytes.digest &+ number &* 0x9E37_79B9_7F4A_7C15) % UInt64(bytes.count))
    guard case .failure(let error) = read(Array(bytes[..<cut])), let refusal = error.refusal else { continue }
    for field in refusal.headers.fields {
      let isWhole = message.headers.lines(field.name).contains { line in
        field.value == line || (field.name == "To" && field.value.hasPrefix(line.prefix(while: { $0 != ";" })))
      }
      try hold(isWhole, "cut at \(cut), the refusal copies whole fields only: \(field.name): \(field.value)")
    }
  }
}

/// It can be sent: its status line is right, and no field has become two.
private func isAnswer(_ response: Response, _ what: String) throws(Broken) {
  let written = response.serialized()
  try hold(written.starts(with: "SIP/2.0 \(response.status) ".utf8), "\(what) begins with its status")
  let lines = written.count { $0 == 0x0A }
  // The status line, one for each field, Content-Length and the empty line.
  try hold(lines == response.headers.fields.count + 3, "\(what) holds one line for each field")
  try hold(response.headers.has("Via"), "\(what) has a Via")
}
