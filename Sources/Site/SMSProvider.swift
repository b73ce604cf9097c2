package import Telephony

/// How an SMS is handed to a provider over HTTP: `sms/NAME/`, all of it text that the owner can change.
package struct SMSProvider: Hashable, Sendable {
  /// The directory's name.
  package var name: String
  /// nil: the owner has still to fill it in.
  package var url: Template?
  package var method: Method
  /// nil: the request has none.
  package var body: Template?
  /// The media type of the body.
  package var contentType: String
  /// In the order of their files.
  package var headers: [Header]
  /// What `{user}`, `{password}` and `{sender}` stand for.
  package var user: String?
  package var password: Redacted<String>?
  /// Empty: the owner has said that there is none.
  package var sender: String?
  package var success: AnswerRule
  /// Answers that mean *later*, besides those that mean it everywhere; nil: none.
  package var retry: AnswerRule?
  /// How long the provider may take.
  package var timeout: Duration

  /// The request's method; not given, GET without and POST with a body.
  package enum Method: String, Hashable, Sendable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
  }

  /// A header of the request.
  package struct Header: Hashable, Sendable {
    package var name: String
    package var value: Template
  }

  /// The request that sends `text` to `number`; nil if the provider has no URL.
  ///
  /// - Parameters:
  ///   - number: the mobile's number, by the rule of `smsNumber`.
  ///   - text: the message.
  package func request(number: String, text: String) -> HTTPRequestDescription? {
    guard let url else { return nil }
    let value = { (placeholder: Template.Placeholder) -> String in
      switch placeholder {
      case .number: number
      case .digits: plainDigits(number)
      case .text: text
      case .user: user ?? ""
      case .password: password?.secret ?? ""
      case .sender: sender ?? ""
      case .basic: base64("\(user ?? ""):\(password?.secret ?? "")")
      }
    }
    var headers = headers.map { (name: $0.name, value: $0.value.filled(.header, value)) }
    if body != nil, !headers.contains(where: { $0.name.equalsIgnoringCase("Content-Type") }) {
      headers.append((name: "Content-Type", value: contentType))
    }
    return HTTPRequestDescription(
      method: method, url: Redacted(url.filled(.url, value)), server: server(url.filled(.url) { _ in "" }),
      headers: headers.map { .init(name: $0.name, value: Redacted($0.value)) },
      body: body.map { Redacted(Array($0.filled(bodyContext, value).utf8)) }, timeout: timeout, success: success,
      retry: retry)
  }

  /// How values are written in the body, by its media type.
  private var bodyContext: Template.Context {
    let type = contentType.asciiLowercased.prefix { $0 != ";" }.trimmed
    if type == "application/x-www-form-urlencoded" { return .url }
    if type == "application/json" || type.hasSuffix("+json") { return .json }
    if type == "application/xml" || type == "text/xml" || type.hasSuffix("+xml") { return .xml }
    return .plain
  }

  /// True if a placeholder of the request is filled with `placeholder`.
  func uses(_ placeholder: Template.Placeholder) -> Bool {
    let templates = [url, body].compactMap { $0 } + headers.map(\.value)
    return templates.contains { $0.uses(placeholder) }
  }
}

/// What a user's SMS goes through.
package struct SMSRoute: Hashable, Sendable {
  /// The provider, with the user's own credentials.
  package var provider: SMSProvider
  /// The mobile's number as it is handed to the provider.
  package var number: String

  package init(provider: SMSProvider, number: String) {
    self.provider = provider
    self.number = number
  }

  /// The request that sends `text`; nil if the provider has no URL.
  package func request(text: String) -> HTTPRequestDescription? { provider.request(number: number, text: text) }
}

/// A mobile's number as a provider takes it: `+…` and `00…` as they stand, else `prefix` + number with one leading 0
/// dropped (not in Italy, 39, where the 0 belongs to the number). It is never guessed that a prefix is there already.
package func smsNumber(_ number: PhoneNumber, prefix: String) -> String {
  let digits = number.digits
  if digits.hasPrefix("+") || digits.hasPrefix("00") || prefix.isEmpty { return digits }
  return prefix + (prefix != "39" && digits.hasPrefix("0") ? String(digits.dropFirst()) : digits)
}

/// A URL's host and port, without credentials: what a log may show.
private func server(_ url: String) -> String {
  guard let colon = url.firstRange(of: "://") else { return "" }
  let rest = url[colon.upperBound...]
  let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
  let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
  return String(host)
}

/// The number without `+` or `00`.
private func plainDigits(_ number: String) -> String {
  if number.hasPrefix("+") { return String(number.dropFirst()) }
  return number.hasPrefix("00") ? String(number.dropFirst(2)) : number
}

/// RFC 4648 §4.
private func base64(_ text: String) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  let bytes = Array(text.utf8)
  var encoded: [UInt8] = []
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    for position in 0..<4 {
      let isPadding = position > group.count
      encoded.append(isPadding ? UInt8(ascii: "=") : alphabet[bits >> (18 - 6 * position) & 63])
    }
  }
  return String(decoding: encoded, as: UTF8.self)
}
