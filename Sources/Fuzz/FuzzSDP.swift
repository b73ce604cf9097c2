import SDP
import Telephony

func fuzzSDP(_ bytes: [UInt8]) throws(Broken) {
  guard let local = Endpoint("192.0.2.1:30000") else { return }
  let random = RandomSource { 5 }
  var fresh = OfferAnswer(sessionID: 7, random: random)
  guard let description = try? SessionDescription(parsing: bytes) else {
    try hold((try? fresh.answer(bytes, local: local)) == nil, "what cannot be read is not answered")
    return
  }
  let written = description.serialized()
  guard let again = try? SessionDescription(parsing: written) else {
    throw Broken(property: "what was read can be written and read again")
  }
  try hold(again == description, "a session description survives writing")
  try hold(again.serialized() == written, "written twice it is the same bytes")

  if let (answer, negotiated) = try? fresh.answer(bytes, local: local) {
    guard let read = try? SessionDescription(parsing: answer) else {
      throw Broken(property: "our answer can be read")
    }
    try hold(read.media.count == description.media.count, "the answer has a stream for each of the offer's")
    try hold(read.media.map(\.kind) == description.media.map(\.kind), "the streams keep their kinds")
    try hold(read.media.count { $0.port != 0 } == 1, "one stream is taken")
    try hold((10...60).contains(negotiated.ptime), "packets last 10 to 60 ms")
    // The same offer again is answered in the same words, under the same version.
    try hold((try? fresh.answer(bytes, local: local))?.sdp == answer, "the same offer gets the same answer")
    let next = fresh.makeOffer(local: local)
    try hold(
      (try? SessionDescription(parsing: next))?.media.count == description.media.count,
      "our next offer keeps the streams")
  }
  for security in [MediaSecurity.accepted, .offered, .required] {
    var offering = OfferAnswer(sessionID: 8, security: security, random: random)
    _ = offering.makeOffer(local: local)
    if let negotiated = try? offering.accept(bytes) {
      try hold(!negotiated.receivePayloadTypes.isEmpty, "what is agreed can be received")
      try hold(isSound(negotiated.keys, security), "keys are whole, and there where they are demanded")
    }
    var answering = OfferAnswer(sessionID: 9, security: security, random: random)
    if let (_, negotiated) = try? answering.answer(bytes, local: local) {
      try hold(isSound(negotiated.keys, security), "keys are whole, and there where they are demanded")
    }
  }
}

private func isSound(_ keys: MediaKeys?, _ security: MediaSecurity) -> Bool {
  guard let keys else { return security != .required }
  return keys.send.suite == keys.receive.suite && keys.send.name.isEmpty && keys.receive.name.count <= 128
    && [keys.send, keys.receive].allSatisfy { $0.key.secret.count == CryptoSuite.keyLength }
}
