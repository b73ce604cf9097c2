package import Telephony

/// An HTTP request, ready to be sent; what it holds of secrets is in `Redacted` values.
package struct HTTPRequestDescription: Hashable, Sendable {
  package var method: SMSProvider.Method
  package var url: Redacted<String>
  /// The server, such as `sms.example.net:8080`: all of the URL that a log may show, since an owner may have written his
  /// password anywhere in it.
  package var server: String
  /// In the order in which they are sent.
  package var headers: [Header]
  package var body: Redacted<[UInt8]>?
  /// How long the whole request may take.
  package var timeout: Duration
  /// Which answer means that the message was taken.
  package var success: AnswerRule
  /// Which answer means that it may be taken later; nil: no other than those that mean it everywhere.
  package var retry: AnswerRule?

  /// A header, Content-Type included.
  package struct Header: Hashable, Sendable {
    package var name: String
    package var value: Redacted<String>
  }
}
