import Hunting
import Telephony
import Testing

@testable import Site

/// A value file, and what is to be known of it.
struct ValueFileRow: Sendable, CustomTestStringConvertible {
  /// What `none` means in it.
  enum Off: Sendable {
    /// It is not understood.
    case bad
    /// The value that counts then.
    case value(String)
  }

  var path: String
  /// What counts where it is missing or blank.
  var standard: String
  /// A value that is good, and what it means.
  var good: (text: String, value: String)
  /// A value that is not understood; nil: every text is.
  var bad: String?
  /// What the fault says was expected.
  var expected: String
  var off: Off
  /// It is a secret, or may hold one: no fault quotes it.
  var isConfidential = false
  /// Blanks belong to it.
  var keepsBlanks = false
  /// The files whose meaning follows from this one's.
  var also: [String] = []
  var value: @Sendable (SiteSnapshot) -> String

  var testDescription: String { path }
}

/// Every value file of a site in which there is one of each kind of object.
enum EveryFile {
  /// The site the rows are about.
  static let base: [String: String] = [
    "731/Fork.txt": "3471", "731/SMSNumber.txt": "3470000731", "732/SMSNumber.txt": "3470000732",
    "732/Password.txt": "x",
    "SMSProvider.txt": "P", "sms/P/": "", "sms/P/URL.txt": "http://sms.example.net/", "trunks/GW14/": "",
    "trunks/GW14/Host.txt": "192.0.2.1",

    "queues/Q/Number.txt": "720", "queues/Q/Map1.txt": "799*731", "forwards/TED_CFU/Target.txt": "732",
  ]

  static func read(_ changes: [String: String?], previous: SiteSnapshot? = nil) -> SiteReading {
    var files = base
    for (path, text) in changes { files[path] = text }
    return SiteReading(files: files.mapValues { Array($0.utf8) }, previous: previous)
  }

  static let rows: [ValueFileRow] = line + limits + user + queue + forward + trunk + provider

  // MARK: The line

  private static let line: [ValueFileRow] = [
    row("XMLnumber.txt", "799", ("8 00", "800"), "79x", "the number of the ticketing object, such as 799") {
      $0.xmlNumber.digits
    },
    row("TickeNR.TXT", "1", ("0100", "100"), "0", "the next ticket's number, 1 or more") { $0.nextTicket.description },
    row(
      "SMSProvider.txt", "CODEMA", ("P , other", "P,other"), ",", "names of providers, comma-separated", .value("")
    ) { $0.smsProviders.joined(separator: ",") },
    row(
      "SMSprefix.txt", "39", ("41", "41"), "+41", "digits without + or 00, such as 39", .value(""),
      also: ["731/SMSNumber.txt", "731/sms/P/Number.txt"]
    ) { $0.smsPrefix },
    row(
      "CFU.txt", "TED_CFU", ("Rota", "Rota"), nil, "the name of an object under forwards/", .value("-"),
      also: ["forwards/TED_CFU/Target.txt"]
    ) {
      $0.cfuName ?? "-"
    },
    row(
      "InternalTrunk.txt", "GW14", ("gw14,GW14", "GW14,GW14"), ",", "names of trunks, comma-separated (GW14)",
      .value(""),
      also: ["731/Trunk.txt"]
    ) { $0.internalTrunks.joined(separator: ",") },
    row(
      "ExternalTrunk.txt", "GW14", ("gw14,GW14", "GW14,GW14"), ",", "names of trunks, comma-separated (GW14)",
      .value("")
    ) { $0.externalTrunks.joined(separator: ",") },
    row(
      "Listen.txt", "udp:0.0.0.0:5060,tcp:0.0.0.0:5060", ("udp:127.0.0.1:5070", "udp:127.0.0.1:5070"), "5060",
      "udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT, comma-separated"
    ) { $0.listen.map(\.description).joined(separator: ",") },
    row("Address.txt", "-", ("198.51.100.7", "198.51.100.7"), "a b", "an address or a name", .value("-")) {
      $0.address?.description ?? "-"
    },
    row(
      "RTPPorts.txt", "30000...30999", ("40000-40009", "40000...40009"), "40000",
      "a range of ports such as 30000-30999, from 1024 on"
    ) { "\($0.rtpPorts)" },
    row("Recording.txt", "recording", ("/var/rec", "/var/rec"), nil, "a directory, or none", .value("-")) {
      $0.recordingDirectory ?? "-"
    },
    row("Retention.txt", "0", ("90", "90"), "3 months", "days, 0 (for ever) to 36500", .value("0")) {
      "\($0.retentionDays)"
    },
    row("AutoWave.txt", "false", ("Yes", "true"), "always", "yes or no", .value("false")) { "\($0.makesWaves)" },
    row("State.txt", "state", ("/var/lib/pikett", "/var/lib/pikett"), "none", "a directory") { $0.stateDirectory },
    row("Ringback.txt", "it", ("CH", "ch"), "Italy", "a country in two letters, such as it") { $0.ringback },
    row("TimeZone.txt", "-", ("Europe/Rome", "Europe/Rome"), nil, "an IANA name such as Europe/Rome", .value("-")) {
      $0.timeZone ?? "-"
    },
    row("Language.txt", "en", ("DE", "de"), "es", "en, de, it or fr") { $0.language.rawValue },
    row("Answer.txt", "hunt", ("User", "user"), "later", "hunt or user") { $0.answer.rawValue },
    row("Digest.txt", "md5", ("SHA256", "sha256"), "sha-1", "md5 or sha256") { $0.digest.rawValue },
    row("MaxCalls.txt", "50", ("7", "7"), "0", "a number, 1 to 10000") { "\($0.maxCalls)" },
    row("MaxRounds.txt", "-", ("3", "3"), "0", "a number, 1 to 1000000, or none", .value("-")) {
      $0.maxRounds.map { "\($0)" } ?? "-"
    },
    row("MaxDuration.txt", "7200", ("60", "60"), "2 h", "seconds, 1 to 10000000, or none", .value("-")) {
      seconds($0.maxDuration)
    },
    row("MediaTimeout.txt", "60", ("5", "5"), "1 min", "seconds, 1 to 86400, or none", .value("-")) {
      seconds($0.mediaTimeout)
    },
  ]

  // MARK: Strangers

  private static let limits: [ValueFileRow] = [
    count("Requests", "60") { $0.requests }, count("Failures", "20") { $0.failures },
    count("Transactions", "200") { $0.transactions }, count("Strangers", "500") { $0.strangers },
    row("limits/Silence.txt", "60", ("300", "300"), "1 min", "seconds, 1 to 86400, or none", .value("-")) {
      seconds($0.limits.silence)
    },
    row("limits/Sources.txt", "4096", ("100", "100"), "15", "a number, 16 to 1000000") { "\($0.limits.sources)" },
    row(
      "limits/Allow.txt", "", ("192.0.2.0/24, 2001:db8::/32", "192.0.2.0/24,2001:db8::/32"), "office",
      "addresses or networks such as 192.0.2.0/24, comma-separated, or none", .value("")
    ) { $0.limits.allowed.map(\.description).joined(separator: ",") },
  ]

  private static func count(
    _ name: String, _ standard: String, _ value: @escaping @Sendable (SiteLimits) -> Int?
  ) -> ValueFileRow {
    row("limits/\(name).txt", standard, ("7", "7"), "0", "a number, 1 to 1000000, or none", .value("-")) {
      value($0.limits).map { "\($0)" } ?? "-"
    }
  }

  // MARK: A user

  private static let user: [ValueFileRow] = [
    row("731/Name.txt", "-", ("Tech1", "Tech1"), nil, "the technician's name", .value("-")) {
      $0.user("731")?.user.name ?? "-"
    },
    row(
      "731/Password.txt", "-", (" a b ", " a b "), nil, "the password, as it is", .value("-"), confidential: true,
      keepsBlanks: true
    ) { $0.user("731")?.password?.secret ?? "-" },
    row(
      "731/Contact.txt", "-", ("sip:731@192.0.2.10", "sip:731@192.0.2.10"), "731",
      "a SIP URI such as sip:731@192.0.2.10",
      .value("-")
    ) { $0.user("731")?.contact?.uri ?? "-" },
    row(
      "731/Trunk.txt", "GW14", ("gw14, GW14", "GW14,GW14"), ",", "names of trunks, comma-separated (GW14)", .value("")
    ) {
      $0.user("731")?.trunks.joined(separator: ",") ?? ""
    },
    row(
      "731/Secure.txt", "none", ("OPTIONAL", "optional"), "tls", "none, optional or required", .value("none")
    ) { $0.user("731")?.secure.rawValue ?? "-" },
    row("731/Confirm.txt", "-", ("#", "#"), "yes", "a key: 0 to 9, * or #, or none", .value("-")) {
      $0.user("731")?.user.confirmKey.map(String.init) ?? "-"
    },
    row(
      "731/Fork.txt", "", ("347 2,+41 2", "3472,+412"), "3471,x", "external numbers, comma-separated", .value(""),
      also: ["731/ForkConfirm.txt"]
    ) {
      $0.user("731")?.user.forks.map(\.number).joined(separator: ",") ?? ""
    },
    row(
      "731/CFNR.txt", "-", ("799 732", "732"), "Tech2", "the number of the next user, with or without 799 before it",
      .value("-")
    ) {
      $0.user("731")?.user.cfnr ?? "-"
    },
    row("731/CFNRTimeout.txt", "20", ("5", "5"), "soon", "seconds, 1 to 3600") {
      seconds($0.user("731")?.user.cfnrTimeout)
    },
    row("731/IM.txt", "true", ("No", "false"), "maybe", "yes or no", .value("false")) {
      "\($0.user("731")?.wantsIM == true)"
    },
    row(
      "731/SMSNumber.txt", "-", ("+41 79 1", "+41791"), "Tech1", "the number of the mobile phone, or nothing",
      .value("-"),
      also: ["731/sms/P/Number.txt"]
    ) { $0.user("731")?.smsRoutes.first?.number ?? "-" },
    row(
      "731/SMSUser.txt", "-", ("tech1", "tech1"), nil, "the user name at the provider", .value("-"),
      also: ["731/sms/P/User.txt"]
    ) {
      $0.user("731")?.smsRoutes.first?.provider.user ?? "-"
    },
    row(
      "731/SMSPassword.txt", "-", (" p ", " p "), nil, "the password, as it is", .value("-"), confidential: true,
      keepsBlanks: true, also: ["731/sms/P/Password.txt"]
    ) { $0.user("731")?.smsRoutes.first?.provider.password?.secret ?? "-" },
    row(
      "731/sms/P/Number.txt", "393470000731", ("+41 79 2", "+41792"), "x", "the number of the mobile phone, or nothing",
      .value("393470000731"), also: ["731/SMSNumber.txt"]
    ) { $0.user("731")?.smsRoutes.first?.number ?? "-" },
    row("731/ForkConfirm.txt", "1", ("5", "5"), "55", "a key: 0 to 9, * or #, or none", .value("-")) {
      $0.user("731")?.user.forks.map { $0.confirmKey.map(String.init) ?? "-" }.joined() ?? ""
    },
  ]

  // MARK: A queue

  private static let queue: [ValueFileRow] =
    [
      row("queues/Q/Number.txt", "", ("721, +39 0471 1", "721,+3904711"), "x", "the queue's numbers, comma-separated") {
        $0.queue("Q")?.numbers.map(\.digits).joined(separator: ",") ?? "?"
      },
      row("queues/Q/Timeout.txt", "10", ("5", "5"), "0", "seconds, 1 to 300") { seconds($0.queue("Q")?.timeout) },
      row("queues/Q/Repeat.txt", "3", ("0", "0"), "x", "a number, 0 to 100, or none", .value("0")) {
        "\($0.queue("Q")?.repeats ?? -1)"
      },
      row("queues/Q/OnSilence.txt", "hangup", ("Proceed", "proceed"), "wait", "hangup, proceed, or a number") {
        $0.queue("Q").map { "\($0.onSilence)" } ?? "?"
      },
    ]
    + "1234567890*#".map { key in
      let name = key == "*" ? "Star" : key == "#" ? "Hash" : String(key)
      return row(
        "queues/Q/Map\(name).txt", "-", ("799*732", "799*732"), "Tech2", "a dialable number such as 799*731, or none",
        .value("-")
      ) { $0.queue("Q")?.destination(of: key)?.digits ?? "-" }
    }

  private static let forward: [ValueFileRow] = [
    row(
      "forwards/TED_CFU/Target.txt", "-", ("799 731", "731"), "Tech2", "the number of the user on duty, or nothing",
      .value("-")
    ) {
      $0.cfu?.target ?? "-"
    }
  ]

  // MARK: A trunk

  private static let trunk: [ValueFileRow] = [
    row(
      "trunks/GW14/Host.txt", "", ("sip.example.net:5070, 192.0.2.2", "sip.example.net:5070,192.0.2.2"), "a b",
      "host or host:port, comma-separated", .value(""), also: ["trunks/GW14/Domain.txt"]
    ) { trunk($0) { $0.hosts.map(\.description).joined(separator: ",") } },
    row(
      "trunks/GW14/Addresses.txt", "", ("192.0.2.0/24,2001:db8::1", "192.0.2.0/24,2001:db8::1/128"), "192.0.2.0/33",
      "addresses such as 192.0.2.0/24, comma-separated", .value("")
    ) { trunk($0) { $0.addresses.map(\.description).joined(separator: ",") } },
    row("trunks/GW14/Transport.txt", "udp", ("TCP", "tcp"), "sctp", "udp, tcp or tls") {
      trunk($0) { $0.transport.rawValue }
    },
    row(
      "trunks/GW14/Secure.txt", "none", ("Required", "required"), "yes", "none, optional or required", .value("none")
    ) { trunk($0) { $0.secure.rawValue } },
    row(
      "trunks/GW14/Login.txt", "-", ("pikett", "pikett"), "two words", "the login, without blanks", .value("-"),
      also: ["AuthUser", "Register", "CallerID", "From"].map { "trunks/GW14/\($0).txt" }
    ) { trunk($0) { $0.login ?? "-" } },
    row("trunks/GW14/AuthUser.txt", "-", ("auth", "auth"), nil, "the digest user name", .value("-")) {
      trunk($0) { $0.authUser ?? "-" }
    },
    row(
      "trunks/GW14/Password.txt", "-", ("s e", "s e"), nil, "the password, as it is", .value("-"), confidential: true,
      keepsBlanks: true
    ) { trunk($0) { $0.password?.secret ?? "-" } },
    row(
      "trunks/GW14/Domain.txt", "192.0.2.1", ("example.net", "example.net"), "two words", "a host name",
      .value("192.0.2.1")
    ) {
      trunk($0) { $0.domain ?? "-" }
    },
    row(
      "trunks/GW14/Proxy.txt", "-", ("proxy.example.net", "proxy.example.net"), "a b", "host or host:port", .value("-")
    ) {
      trunk($0) { $0.proxy?.description ?? "-" }
    },
    row("trunks/GW14/Register.txt", "false", ("YES", "true"), "1", "yes or no", .value("false")) {
      trunk($0) { "\($0.registers)" }
    },
    row("trunks/GW14/Expires.txt", "300", ("60", "60"), "29", "seconds, 30 to 86400") {
      trunk($0) { seconds($0.expires) }
    },
    row("trunks/GW14/CallerID.txt", "from", ("RPID", "rpid"), "none", "from, pai, rpid or own") {
      trunk($0) { $0.callerID.rawValue }
    },
    row("trunks/GW14/From.txt", "-", ("0471999720", "0471999720"), "two words", "a number or a name", .value("-")) {
      trunk($0) { $0.from ?? "-" }
    },
    row("trunks/GW14/Prefix.txt", "", ("0", "0"), "x", "digits", .value("")) { trunk($0) { $0.prefix } },
    row("trunks/GW14/International.txt", "00", ("011", "011"), "x", "digits, or none", .value("+")) {
      trunk($0) { $0.international }
    },
    row("trunks/GW14/Called.txt", "uri", ("To", "to"), "from", "uri, to or p-called-party-id") {
      trunk($0) { $0.called.rawValue }
    },
    row(
      "trunks/GW14/Default.txt", "-", ("799*731", "799*731"), "Tech1", "a number of the site such as 799*731, or none",
      .value("-")
    ) { trunk($0) { $0.defaultDestination?.digits ?? "-" } },
    row("trunks/GW14/Qualify.txt", "25", ("60", "60"), "0", "seconds, 1 to 3600, or none", .value("-")) {
      trunk($0) { seconds($0.qualify) }
    },
    row("trunks/GW14/AutomaticHangup.txt", "true", ("no", "false"), "off", "yes or no", .value("false")) {
      trunk($0) { "\($0.automaticHangup)" }
    },
  ]

  private static func trunk(_ site: SiteSnapshot, _ get: (Trunk) -> String) -> String {
    site.trunk("GW14").map(get) ?? "?"
  }

  // MARK: A provider, the site's and one user's

  private static let provider: [ValueFileRow] = ["", "731/"].flatMap { owner in
    // What the site says counts for 732, and for 731 too where nothing of his own stands.
    let user = owner.isEmpty ? "732" : "731"
    let fields = Template.Placeholder.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")
    let rule = "statuses such as 2xx or 200,202, then perhaps a text of the answer, or .member = value"
    let url = "http://sms.example.net/"

    func row(
      _ name: String, _ standard: String, _ good: (String, String), _ bad: String?, _ expected: String,
      _ off: ValueFileRow.Off = .bad, confidential: Bool = false, keepsBlanks: Bool = false, also: [String] = [],
      _ get: @escaping @Sendable (SMSProvider) -> String
    ) -> ValueFileRow {
      let others = also + (owner.isEmpty ? ["731/sms/P/\(name).txt"] : [])
      return EveryFile.row(
        "\(owner)sms/P/\(name).txt", standard, good, bad, expected, off, confidential: confidential,
        keepsBlanks: keepsBlanks, also: others
      ) { ($0.user(user)?.smsRoutes.first?.provider).map(get) ?? "?" }
    }

    return [
      row(
        "URL", owner.isEmpty ? "-" : url, ("https://x/{text}", "https://x/-"), "ftp://x",
        "a URL beginning with http:// or https://, with \(fields)", .value("-"), confidential: true
      ) { $0.url?.filled(.plain) { _ in "-" } ?? "-" },
      row("Method", "GET", ("put", "PUT"), "DELETE", "GET, POST or PUT") { $0.method.rawValue },
      row(
        "Body", "-", ("{text}!", "-!"), "{nummer}", "a text with \(fields)", .value("-"), confidential: true,
        also: owner.isEmpty ? ["sms/P/Method.txt", "731/sms/P/Method.txt"] : ["731/sms/P/Method.txt"]
      ) { $0.body?.filled(.plain) { _ in "-" } ?? "-" },
      row(
        "ContentType", "application/x-www-form-urlencoded", ("text/plain", "text/plain"), "json",
        "a media type such as application/json"
      ) { $0.contentType },
      row(
        "User", "-", ("company", "company"), nil, "a user name", .value("-"),
        also: ["731/SMSUser.txt"]
      ) { $0.user ?? "-" },
      row(
        "Password", "-", (" p ", " p "), nil, "the password, as it is", .value("-"), confidential: true,
        keepsBlanks: true,
        also: ["731/SMSPassword.txt"]
      ) { $0.password?.secret ?? "-" },
      row("Sender", "-", ("Gas AG", "Gas AG"), nil, "the sender that is shown", .value("")) { $0.sender ?? "-" },
      row("Success", "2xx", ("200  OK", "200 OK"), "ok", rule) { $0.success.description },
      row("Retry", "-", ("200 .a = 1", "200 .a = 1"), "later", rule, .value("-")) { $0.retry?.description ?? "-" },
      row("Timeout", "30", ("5", "5"), "0", "seconds, 1 to 600") { seconds($0.timeout) },
    ]
      + (1...20).map { index in
        row(
          "Header\(index)", "", ("X-A: b{user}", "X-A: b-"), "no colon", "Name: value, with \(fields)", .value(""),
          confidential: true, also: (1...20).flatMap { ["sms/P/Header\($0).txt", "731/sms/P/Header\($0).txt"] }
        ) {
          $0.headers.map { header in "\(header.name): \(header.value.filled(.plain) { _ in "-" })" }.joined(
            separator: ";")
        }
      }
  }

  // MARK: Helpers

  private static func row(
    _ path: String, _ standard: String, _ good: (String, String), _ bad: String?, _ expected: String,
    _ off: ValueFileRow.Off = .bad, confidential: Bool = false, keepsBlanks: Bool = false, also: [String] = [],
    _ value: @escaping @Sendable (SiteSnapshot) -> String
  ) -> ValueFileRow {
    ValueFileRow(
      path: path, standard: standard, good: (text: good.0, value: good.1), bad: bad, expected: expected, off: off,
      isConfidential: confidential, keepsBlanks: keepsBlanks, also: also, value: value)
  }

  private static func seconds(_ duration: Duration?) -> String {
    duration.map { "\($0.milliseconds / 1000)" } ?? "-"
  }
}
