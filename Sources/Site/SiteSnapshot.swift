package import Hunting
package import Telephony

/// The whole configuration of one emergency line at one moment.
package struct SiteSnapshot: Sendable {
  /// The number of the ticketing object.
  package var xmlNumber: PhoneNumber
  /// What `TickeNR.TXT` says; it is read anew at each draw.
  package var nextTicket: TicketNumber
  /// The providers of SMS by name, in the order in which they are tried; empty: no SMS at all.
  package var smsProviders: [String]
  /// The national prefix of SMS numbers, without `+` or `00`.
  package var smsPrefix: String
  /// The name of the object that says who is on duty; nil: `CFU.txt` says none.
  package var cfuName: String?
  /// The trunks by which users are rung, in order of failover.
  package var internalTrunks: [String]
  /// The trunks by which forks are dialled, in order of failover.
  package var externalTrunks: [String]
  /// Where SIP is listened for.
  package var listen: [ListenAddress]
  /// Who we are over TLS.
  package var tls: TLSFiles
  /// The address or name shown to peers outside private ranges and own subnets; nil: the route's own.
  package var address: PeerHost?
  /// Even ports for RTP, odd ones for RTCP.
  package var rtpPorts: ClosedRange<UInt16>
  /// The directory of the recordings, relative to the site or absolute; nil: nothing is recorded.
  package var recordingDirectory: String?
  /// For how many days recordings are kept; 0: for ever.
  package var retentionDays: Int
  /// Whether each recording gets its WAV when it is complete.
  package var makesWaves: Bool
  /// The directory of journal, registrations and lock, relative to the site or absolute.
  package var stateDirectory: String
  /// The country whose ringing tone the caller hears: two small letters (ISO 3166).
  package var ringback: String
  /// The IANA name of the time zone; nil: the system's.
  package var timeZone: String?
  /// Of the built-in prompts.
  package var language: Language
  /// When a caller who enters the hunt directly is answered.
  package var answer: AnswerPolicy
  /// How phones and gateways are asked for their passwords.
  package var digest: DigestChoice
  /// How many calls there may be at once.
  package var maxCalls: Int
  /// How often a hunt goes round; nil: for ever.
  package var maxRounds: Int?
  /// The longest hunting, and the longest life of a leg without media; nil: for ever.
  package var maxDuration: Duration?
  /// After how long without RTP and RTCP a leg's peer is asked whether it lives; nil: never.
  package var mediaTimeout: Duration?
  /// What strangers may ask.
  package var limits: SiteLimits
  /// Lowest number first.
  package var users: [SiteUser]
  /// By name.
  package var queues: [Queue]
  /// By name.
  package var forwards: [Forward]
  /// By name.
  package var trunks: [Trunk]
  /// Folded path → the text last understood there: what a later reading falls back on.
  var lastGood: [String: Redacted<String>]

  /// A language of the built-in prompts.
  package enum Language: String, Hashable, Sendable, CaseIterable {
    case en
    case de
    case it
    case fr
  }

  /// How passwords are asked for (RFC 8760).
  package enum DigestChoice: String, Hashable, Sendable {
    /// By MD5 alone: many an old phone looks at the first question only, and gives up if it does not know it.
    case md5
    /// By SHA-256 first, and by MD5 for whoever knows no better.
    case sha256
  }

  /// When a caller who enters the hunt directly is answered.
  package enum AnswerPolicy: String, Hashable, Sendable {
    /// At once; he hears the ringing in the audio.
    case hunt
    /// 183 with SDP, and 200 when a user answers.
    case user
  }

  /// The user of this number.
  package func user(_ number: String) -> SiteUser? { users.first { $0.number == number } }

  /// The queue of this name, in whatever case.
  package func queue(_ name: String) -> Queue? { queues.first { $0.name.equalsIgnoringCase(name) } }

  /// The trunk of this name, in whatever case.
  package func trunk(_ name: String) -> Trunk? { trunks.first { $0.name.equalsIgnoringCase(name) } }

  /// The trunks by which a plain number is called that is no user's: one with `+` is outside beyond doubt, any other is
  /// dialled as it stands where the PBX knows it.
  package func trunks(forPlain number: PhoneNumber) -> [String] {
    number.isInternational ? externalTrunks : internalTrunks
  }

  /// The object that `CFU.txt` names.
  package var cfu: Forward? {
    cfuName.flatMap { name in forwards.first { $0.name.equalsIgnoringCase(name) } }
  }

  /// The file to write to change who is on duty, relative to the site; nil if `CFU.txt` says none.
  package var dutyPath: String? { cfuName.map { cfu?.path ?? "forwards/\($0)/Target.txt" } }

  /// After how long without RTP and RTCP something is to be done about a leg; nil: never.
  package var silenceLimit: Duration? { [mediaTimeout, maxDuration].compactMap { $0 }.min() }

  /// The plan of a hunt that begins now.
  package var huntPlan: HuntPlan {
    HuntPlan(
      xmlNumber: xmlNumber.digits, users: users.map(\.user), duty: Duty(target: cfu?.target), maxRounds: maxRounds,
      maxDuration: maxDuration)
  }

  /// The numbers of the site.
  package var numberPlan: NumberPlan {
    NumberPlan(
      xmlNumber: xmlNumber, queues: queues.flatMap { queue in queue.numbers.map { (queue.name, $0) } },
      users: users.map(\.number))
  }

  /// Who is rung, in which order, if the hunt begins with `number`.
  package func chain(from number: String) -> HuntPlan.Chain { huntPlan.chain(from: number) }
}

/// A socket for SIP: `udp:0.0.0.0:5060`.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  package var transport: SignallingTransport
  package var endpoint: Endpoint

  package init(transport: SignallingTransport, endpoint: Endpoint) {
    self.transport = transport
    self.endpoint = endpoint
  }

  package var description: String { "\(transport.rawValue):\(endpoint)" }
}
