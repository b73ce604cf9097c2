package import Disk
import Hunting
package import Site
package import Spool
package import Telephony

/// One pass over `spool/sms`: sends what is due, and records what became of it.
package struct SMSDelivery: Sendable {
  private let spool: MessageSpool
  private let clock: @Sendable () -> WallTime
  private let send: @Sendable (HTTPRequestDescription) -> HTTPResult
  private let note: @Sendable (DeliveryNote) -> Void

  /// - Parameters:
  ///   - spool: `spool/sms` of the site.
  ///   - clock: now.
  ///   - send: sends one request and waits for its answer.
  ///   - note: told of everything worth a line.
  package init(
    spool: MessageSpool, clock: @escaping @Sendable () -> WallTime,
    send: @escaping @Sendable (HTTPRequestDescription) -> HTTPResult,
    note: @escaping @Sendable (DeliveryNote) -> Void
  ) {
    self.spool = spool
    self.clock = clock
    self.send = send
    self.note = note
  }

  /// How a pass ended.
  package struct Outcome: Hashable, Sendable {
    package var sent = 0
    package var postponed = 0
    package var failed = 0
  }

  /// Does what commands asked for, then sends what is due, until nothing is. The caller holds the spool's lock.
  /// Sends nothing where the spool cannot be written.
  ///
  /// - Parameter site: reads the site anew: secrets and numbers are those of this moment.
  package func run(site: () -> SiteSnapshot) throws(DiskError) -> Outcome {
    try spool.prepare()
    try spool.takeRequests(at: clock())
    var outcome = Outcome()
    var snapshot: SiteSnapshot?
    // What comes in meanwhile is seen in the next round; a message postponed to now (the next provider) too.
    while true {
      let due = try spool.due(at: clock())
      if due.isEmpty { break }
      try spool.requireWritable()
      let current = snapshot ?? site()
      snapshot = current
      for message in due { try deliver(message, current, &outcome) }
    }
    try spool.prune(at: clock())
    return outcome
  }

  private func deliver(_ message: SpooledMessage, _ site: SiteSnapshot, _ outcome: inout Outcome) throws(DiskError) {
    let routes = site.user(message.user)?.smsRoutes ?? []
    let providers = routes.map(\.provider.name)
    let route = routes.first { $0.provider.name == message.retry.provider } ?? routes.first
    var message = message
    guard let route, let request = route.request(text: message.text) else {
      let problem =
        route.map { "provider \($0.provider.name) has no URL; write it into sms/\($0.provider.name)/URL.txt" }
        ?? "user \(message.user) has no SMSNumber.txt, or SMSProvider.txt names no provider"
      return try postpone(&message, .passing(problem), route?.provider.name ?? "", providers, &outcome)
    }
    switch send(request) {
    case .answered(let status, let body) where request.success.isMet(status: status, body: body):
      message.retry.reason = ""
      message.retry.provider = route.provider.name
      message.retry.due = clock()
      try spool.finish(message, as: .sent)
      outcome.sent += 1
      note(.sent(id: message.id, user: message.user, provider: route.provider.name))
    case .answered(let status, let body):
      let problem =
        "\(route.provider.name) answered \(status) “\(excerpt(body, hiding: secrets(of: route, request)))”; expected \(request.success.description)"
      // 408, 425, 429 and 5xx say "later"; anything else is an answer to this very message.
      let isPassing =
        [408, 425, 429].contains(status) || status >= 500 || request.retry?.isMet(status: status, body: body) == true
      try postpone(
        &message, isPassing ? .passing(problem) : .refused(problem), route.provider.name, providers, &outcome)
    case .failed(let problem):
      try postpone(&message, .passing("\(route.provider.name): \(problem)"), route.provider.name, providers, &outcome)
    }
  }

  private func postpone(
    _ message: inout SpooledMessage, _ failure: RetryState.Failure, _ provider: String, _ providers: [String],
    _ outcome: inout Outcome
  ) throws(DiskError) {
    let now = clock()
    if message.retry.failed(failure, with: provider, of: providers, at: now) {
      try spool.postpone(message)
      outcome.postponed += 1
      let wait = Int(clamping: (message.retry.due - now).milliseconds / 1000)
      note(.postponed(id: message.id, reason: message.retry.reason, seconds: wait))
    } else {
      try spool.finish(message, as: .failed)
      outcome.failed += 1
      note(.failed(id: message.id, reason: message.retry.reason))
    }
  }

  /// The beginning of an answer, on one line, without the secrets it may repeat.
  private func excerpt(_ body: [UInt8], hiding secrets: [String]) -> String {
    var text = String(
      decodeText(body.prefix(4000)).unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
    for secret in secrets { text = text.replacing(secret, with: "***") }
    // JSON comes indented.
    return String(text.split(separator: " ").joined(separator: " ").prefix(120))
  }

  /// The password in the ways in which it was sent, and the words of the headers, the longest first.
  private func secrets(of route: SMSRoute, _ request: HTTPRequestDescription) -> [String] {
    var secrets: [String] = []
    if let password = route.provider.password?.secret, !password.isEmpty {
      secrets.append(password)
      for context in [Template.Context.url, .json, .xml] {
        if let text = try? Template("{password}").filled(context, { _ in password }) { secrets.append(text) }
      }
    }
    for header in request.headers where !header.name.equalsIgnoringCase("Content-Type") {
      secrets += header.value.secret.split(separator: " ").map(String.init).filter { $0.utf8.count >= 8 }
    }
    return secrets.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
  }
}
