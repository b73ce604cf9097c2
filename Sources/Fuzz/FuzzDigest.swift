import SIPMessage
import Telephony

func fuzzDigest(_ bytes: [UInt8]) throws(Broken) {
  let text = String(decoding: bytes, as: UTF8.self)
  if let challenge = try? DigestChallenge(text) {
    let again = try? DigestChallenge(challenge.description)
    try hold(again == normal(challenge), "a challenge survives writing: \(challenge)")
  }
  if let credentials = try? DigestCredentials(text) {
    let again = try? DigestCredentials(credentials.description)
    try hold(again == normal(credentials), "credentials survive writing: \(credentials)")
    try leavesNoSecret(credentials)
  }
  for element in splitHeaderList(text) { try hold(!element.isEmpty, "a list has no empty elements") }
  let headers = Headers([("Authorization", text), ("WWW-Authenticate", text)])
  try hold(headers.digestCredentials("Authorization").count <= 1, "a line holds one answer")
  _ = headers.masked()
}

/// As it is after writing: what no token may hold has become `-`, line breaks in quotes have become blanks.
private func normal(_ challenge: DigestChallenge) -> DigestChallenge {
  var copy = challenge
  copy.realm = unbroken(challenge.realm)
  copy.nonce = unbroken(challenge.nonce)
  copy.opaque = challenge.opaque.map(unbroken)
  copy.domain = challenge.domain.map(unbroken)
  copy.algorithm = challenge.algorithm.map(token)
  copy.qop = splitHeaderList(unbroken(challenge.qop.joined(separator: ","))).map(\.asciiLowercased)
  return copy
}

private func normal(_ credentials: DigestCredentials) -> DigestCredentials {
  var copy = credentials
  copy.username = unbroken(credentials.username)
  copy.realm = unbroken(credentials.realm)
  copy.nonce = unbroken(credentials.nonce)
  copy.uri = unbroken(credentials.uri)
  copy.response = unbroken(credentials.response)
  copy.algorithm = credentials.algorithm.map(token)
  copy.cnonce = credentials.cnonce.map(unbroken)
  copy.opaque = credentials.opaque.map(unbroken)
  copy.qop = credentials.qop.map(token)
  copy.nc = credentials.nc.map(token)
  return copy
}

private func unbroken(_ text: String) -> String {
  String(decoding: text.utf8.map { $0 == 0x0D || $0 == 0x0A ? 0x20 : $0 }, as: UTF8.self)
}

private func token(_ text: String) -> String {
  let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~".utf8)
  return String(decoding: text.utf8.map { allowed.contains($0) ? $0 : 0x2D }, as: UTF8.self)
}

/// A masked header shows who asked, not how he proved it.
private func leavesNoSecret(_ credentials: DigestCredentials) throws(Broken) {
  var marked = credentials
  marked.response = "5ec4e75ec4e75ec4e75ec4e75ec4e75e"
  let line = "OPTIONS sip:a@b SIP/2.0\r\nAuthorization: \(marked)\r\n\r\n"
  let masked = String(decoding: maskedWire(Array(line.utf8)), as: UTF8.self)
  try hold(!masked.contains("5ec4e7"), "the answer to the challenge is masked")
  try hold(masked.contains("[masked]"), "what is masked says so")
}
