/// What a stranger's address may ask before it is silenced. Nobody who is known (a trunk, a living registration or call)
/// is ever silenced.
package struct SourceLimits: Hashable, Sendable {
  /// Requests a minute that one source may make without proving who it is; nil: any number.
  package var requests: Int?
  /// Wrong passwords an hour from one source; nil: any number.
  package var failures: Int?
  /// Transactions that one source, if it is no trunk, may have open at once; more get 503. Nil: any number.
  package var transactions: Int?
  /// How long a source is silent at first; each further time twice as long, up to a day. Nil: nobody is silenced.
  package var silence: Duration?
  /// How many sources are remembered.
  package var sources: Int
  /// Messages and connections a second that are taken of all strangers together; nil: any number.
  package var strangers: Int?
  /// Sources that are never silenced, although nothing else is known of them.
  package var allowed: [Network]

  package init(
    requests: Int? = 60, failures: Int? = 20, transactions: Int? = 200, silence: Duration? = .seconds(60),
    sources: Int = 4096, strangers: Int? = 500, allowed: [Network] = []
  ) {
    self.requests = requests
    self.failures = failures
    self.transactions = transactions
    self.silence = silence
    self.sources = sources
    self.strangers = strangers
    self.allowed = allowed
  }
}
