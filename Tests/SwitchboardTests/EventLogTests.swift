import CallControl
import Logging
import SIPMessage
import SIPUserAgent
import Synchronization
import Telephony
import Testing

@testable import Switchboard

/// What the user agent notes must be read by people who know telephones, not this program.
@Suite struct EventLogTests {
  private static let source: Endpoint = {
    guard let endpoint = Endpoint("198.51.100.7:5060") else { preconditionFailure("no endpoint") }
    return endpoint
  }()

  @Test(
    "A note is a sentence with its facts beside it",
    arguments: [
      (
        UserAgentNote.authenticationFailed(user: "731", source: source),
        "wrong user name or password source=198.51.100.7:5060 user=731"
      ),
      (.replayed(user: "731", source: source), "a password's proof was used twice source=198.51.100.7:5060 user=731"),
      (
        .registrationRefused(user: "731", status: 423, source: source),
        "registration refused source=198.51.100.7:5060 status=423 user=731"
      ),
      (
        .challengeUnanswered(realm: "pbx", source: source),
        "a password is asked for, and ours is missing or does not suit realm=pbx source=198.51.100.7:5060"
      ),
      (
        .ambiguousTrunk(names: ["A", "B"], source: source),
        "several trunks call from this address; the first is taken source=198.51.100.7:5060 trunks=A,B"
      ),
      (
        .silenced(source, .guessing, .seconds(120)),
        "a stranger is silenced for=wrong passwords seconds=120 see=limits/Failures.txt source=198.51.100.7"
      ),
      (
        .silenced(source, .scanning, .seconds(60)),
        "a stranger is silenced for=too many requests seconds=60 see=limits/Requests.txt source=198.51.100.7"
      ),
      (
        .heardAgain(source, after: .seconds(3840)), "a stranger is heard again seconds=3840 source=198.51.100.7"
      ), (.untold(17), "strangers did more of the kind lines=17"),
      (
        .refused(method: .update, status: 481, source: source),
        "request refused method=UPDATE source=198.51.100.7:5060 status=481"
      ),
      (
        .protocolFault(.noDialog(.bye), source: source),
        "a message that does not fit fault=BYE for a call that is not there source=198.51.100.7:5060"
      ),
      (
        .protocolFault(.strayResponse(200), source: source),
        "a message that does not fit fault=a response 200 to nothing that was sent source=198.51.100.7:5060"
      ),
      (
        .protocolFault(.outOfOrder, source: source),
        "a message that does not fit fault=out of order source=198.51.100.7:5060"
      ),
    ])
  func note(_ note: UserAgentNote, _ line: String) {
    let lines = Lines()
    var log = EventLog(Logger(label: "test") { _ in lines })
    log.write(.userAgent(note))
    #expect(lines.all == [line])
  }

  /// Keeps the lines of a log.
  private final class Lines: LogHandler {
    private let kept = Mutex<[String]>([])
    var all: [String] { kept.withLock { $0 } }
    var metadata: Logger.Metadata {
      get { [:] }
      set {}
    }
    var logLevel: Logger.Level {
      get { .trace }
      set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { nil }
      set {}
    }

    func log(event: LogEvent) {
      let pairs = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
      kept.withLock { $0.append(([event.message.description] + pairs).joined(separator: " ")) }
    }
  }
}
