import Telephony

extension SiteReader {
  /// Where the built-in providers are in the listing; no file of a site can have this name.
  static let builtIn = "<built in>"

  /// True if there is such a provider, the site's own or a built-in one.
  func hasProvider(_ name: String) -> Bool {
    listing.hasDirectory("sms/\(name)") || listing.hasDirectory("\(SiteReader.builtIn)/\(name)")
  }

  /// How the SMS of the user `number` is sent, in the order of `SMSProvider.txt`.
  mutating func smsRoutes(_ number: String, _ names: SiteNames) -> [SMSRoute] {
    let expected = "the number of the mobile phone, or nothing"
    let mobile = phoneNumber("\(number)/SMSNumber.txt", expected)
    let user = text("\(number)/SMSUser.txt", "the user name at the provider")
    let password = password("\(number)/SMSPassword.txt")
    var routes: [SMSRoute] = []
    for (index, name) in names.smsProviders.enumerated() where hasProvider(name) {
      let own = "\(number)/sms/\(name)"
      guard let mobile = phoneNumber("\(own)/Number.txt", expected) ?? mobile else { continue }
      var provider = readProvider(name, own: own)
      if index == 0 {
        if listing["\(own)/User.txt"] == nil, let user { provider.user = user }
        if listing["\(own)/Password.txt"] == nil, let password { provider.password = password }
      }
      routes.append(SMSRoute(provider: provider, number: smsNumber(mobile, prefix: names.smsPrefix)))
    }
    return routes
  }

  /// Reads a provider; each of its files is looked for with the user, in the site, and among the built-in ones.
  mutating func readProvider(_ name: String, own: String? = nil) -> SMSProvider {
    let places = [own, "sms/\(name)", "\(SiteReader.builtIn)/\(name)"].compactMap { $0 }
    let fields = Template.Placeholder.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")
    let url = first(places, "URL.txt") {
      $0.setting($1, "a URL beginning with http:// or https://, with \(fields)", canBeOff: true, secrecy: .confidential)
      {
        urlTemplate($0)
      }
    }
    let body = first(places, "Body.txt") {
      $0.setting($1, "a text with \(fields)", canBeOff: true, secrecy: .confidential) { try? Template($0) }
    }
    let method = first(places, "Method.txt") {
      $0.setting($1, "GET, POST or PUT") { SMSProvider.Method(rawValue: $0.uppercased()) }
    }
    let contentType = first(places, "ContentType.txt") {
      $0.setting($1, "a media type such as application/json") { mediaType($0) }
    }
    var headers: [SMSProvider.Header] = []
    for index in 1...20 {
      let header = first(places, "Header\(index).txt") {
        $0.setting($1, "Name: value, with \(fields)", canBeOff: true, secrecy: .confidential) { headerTemplate($0) }
      }
      if let header = header.value { headers.append(header) }
    }
    let rule = "statuses such as 2xx or 200,202, then perhaps a text of the answer, or .member = value"
    let success = first(places, "Success.txt") { $0.setting($1, rule) { AnswerRule($0) } }
    let retry = first(places, "Retry.txt") { $0.setting($1, rule, canBeOff: true) { AnswerRule($0) } }
    let timeout = first(places, "Timeout.txt") {
      $0.setting($1, "seconds, 1 to 600") { Values.number($0, in: 1...600) }
    }
    let sender = first(places, "Sender.txt") { $0.setting($1, "the sender that is shown", canBeOff: true) { $0 } }
    return SMSProvider(
      name: name, url: url.value, method: method.value ?? (body.value == nil ? .get : .post), body: body.value,
      contentType: contentType.value ?? "application/x-www-form-urlencoded", headers: headers,
      user: first(places, "User.txt") { $0.setting($1, "a user name", canBeOff: true) { $0 } }.value,
      password: first(places, "Password.txt") {
        $0.setting($1, "the password, as it is", canBeOff: true, secrecy: .password) { Redacted($0) }
      }.value,
      sender: sender.value ?? (sender.isOff ? "" : nil), success: success.value ?? .anySuccess, retry: retry.value,
      timeout: .seconds(timeout.value ?? 30))
  }

  /// The setting of the first place in which the file says something.
  private mutating func first<Value>(
    _ places: [String], _ file: String, read: (inout SiteReader, String) -> Setting<Value>
  ) -> Setting<Value> {
    for place in places {
      let setting = read(&self, "\(place)/\(file)")
      if case .missing = setting { continue }
      return setting
    }
    return .missing
  }
}

private func urlTemplate(_ text: String) -> Template? {
  let folded = text.asciiLowercased
  guard folded.hasPrefix("http://") || folded.hasPrefix("https://"), !text.utf8.contains(where: { $0 <= 0x20 })
  else { return nil }
  return try? Template(text)
}

private func mediaType(_ text: String) -> String? {
  let parts = text.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
  return parts.count == 2 && parts.allSatisfy { !$0.trimmed.isEmpty } ? text : nil
}

private func headerTemplate(_ text: String) -> SMSProvider.Header? {
  guard let colon = text.firstIndex(of: ":"), let value = try? Template(text[text.index(after: colon)...].trimmed)
  else { return nil }
  let name = text[..<colon]
  // A token (RFC 9110 §5.6.2).
  let isToken = name.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "!#$%&'*+-.^_`|~".utf8.contains($0) }
  return !name.isEmpty && isToken ? SMSProvider.Header(name: String(name), value: value) : nil
}
