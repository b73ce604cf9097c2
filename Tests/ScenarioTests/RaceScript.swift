import Disk

/// A race of messages, as a file tells it: what a caller and a technician's phone send and expect, line by line, which
/// becomes a scenario of sipp for each of them.
///
///     # What happens.
///     cdr 16 answered         the cause of the CDR line, and whether it names who answered
///     timeout 3               the technician's CFNRTimeout, where it is not 20 s
///     acks 3                  how many ACKs the phone gets
///     caller
///       > INVITE              sends; `twice`: two of them; `tag=x`: as another phone behind a proxy;
///                             `100rel`: the INVITE requires it, the response is so
///       < 100 ?               expects; `?`: may stay away
///       pause 300             milliseconds
///       > ACK 487             the ACK of a refusal
///       < 200 CANCEL          responses without a method are those to INVITE
///     phone
///       ...
struct RaceScript {
  var name: String
  var cause = ""
  var isAnswered = false
  var timeout = 20
  var acknowledgements: Int?
  private(set) var caller: [[String]] = []
  private(set) var phone: [[String]] = []

  static func all() throws -> [RaceScript] {
    let folder = joined(Surroundings.fixtures, "races")
    return try RealFilesystem().list(folder).sorted().map { try RaceScript(joined(folder, $0)) }
  }

  init(_ path: String) throws {
    name = String(fileName(of: path).dropLast(".txt".count))
    var isCaller: Bool?
    for line in String(decoding: try RealFilesystem().read(path, limit: 1 << 16), as: UTF8.self).split(separator: "\n")
    {
      let words = line.split(separator: " ").map(String.init)
      switch (words.first, isCaller) {
      case ("#", _): continue
      case ("caller", _): isCaller = true
      case ("phone", _): isCaller = false
      case ("cdr", nil): (cause, isAnswered) = (words[1], words.count > 2)
      case ("timeout", nil): timeout = Int(words[1]) ?? 20
      case ("acks", nil): acknowledgements = Int(words[1])
      case ("<", true), (">", true), ("pause", true): caller.append(words)
      case ("<", false), (">", false), ("pause", false): phone.append(words)
      default: throw Child.Failure("\(path): “\(line)” is not understood")
      }
    }
  }

  /// The caller's scenario; his number is sipp's key `caller`.
  func callerScenario() throws -> String { try scenario(caller, isCaller: true) }

  /// The phone's scenario.
  func phoneScenario() throws -> String { try scenario(phone, isCaller: false) }

  private func scenario(_ steps: [[String]], isCaller: Bool) throws -> String {
    let elements = try steps.map { words in
      switch words[0] {
      case "<": try expects(Array(words.dropFirst()), isCaller: isCaller)
      case ">": try sends(Array(words.dropFirst()), isCaller: isCaller)
      default: "<pause milliseconds=\"\(words[1])\"/>"
      }
    }
    let head = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"\(name)\">\n"
    return head + (elements + ["</scenario>\n"]).joined(separator: "\n")
  }

  private func expects(_ words: [String], isCaller: Bool) throws -> String {
    let isOptional = words.last == "?" ? " optional=\"true\"" : ""
    if Int(words[0]) != nil {
      let rrs = words[0] == "200" ? " rrs=\"true\"" : ""
      guard words[0] == "183" else { return "<recv response=\"\(words[0])\"\(rrs)\(isOptional)/>" }
      return """
        <recv response="183" rrs="true"\(isOptional)><action>
        <ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" assign_to="rseq"/>
        </action></recv>
        <Reference variables="rseq"/>
        """
    }
    let method = words[0].lowercased()
    let keeps = Self.kept.map {
      "<ereg regexp=\".*\" search_in=\"hdr\" header=\"\($0):\" assign_to=\"\(method)_\($0)\"/>"
    }
    let actions = "<action>\n\(keeps.joined(separator: "\n"))\n</action>"
    let used = Self.kept.map { "\(method)_\($0)" }.joined(separator: ",")
    // sipp takes no variable that nobody uses.
    return """
      <recv request="\(words[0])"\(words[0] == "INVITE" ? " rrs=\"true\"" : "")\(isOptional)>\(actions)</recv>
      <Reference variables="\(used)"/>
      """
  }

  /// What the answer to a request needs of it.
  private static let kept = ["Via", "From", "To", "CSeq"]

  private func sends(_ words: [String], isCaller: Bool) throws -> String {
    let text =
      if Int(words[0]) != nil { try response(words) } else if isCaller { try request(words) } else {
        phoneRequest(words)
      }
    let element = "<send><![CDATA[\n\(text)\n]]></send>"
    return words.contains("twice") ? element + "\n" + element : element
  }

  // MARK: Messages

  /// What the caller asks.
  private func request(_ words: [String]) throws -> String {
    let number = "[service]@[remote_ip]:[remote_port]"
    let branch: String
    let line: String
    var to = "To: <sip:\(number)>[peer_tag_param]"
    var sequence = "1"
    var more: [String] = []
    switch words[0] {
    case "INVITE":
      (line, branch, to) = ("INVITE sip:\(number)", "i", "To: <sip:\(number)>")
      if words.contains("100rel") { more = ["Require: 100rel"] }
    case "CANCEL": (line, branch, to) = ("CANCEL sip:\(number)", "i", "To: <sip:\(number)>")
    case "ACK" where words.count > 1 && Int(words[1]) != nil: (line, branch) = ("ACK sip:\(number)", "i")
    case "ACK": (line, branch) = ("ACK [next_url]", "a")
    case "PRACK": (line, branch, sequence, more) = ("PRACK [next_url]", "p", "2", ["RAck: [$rseq] 1 INVITE"])
    case "BYE": (line, branch, sequence) = ("BYE [next_url]", "b", "3")
    default: throw Child.Failure("\(name): a caller who sends \(words[0])")
    }
    let head =
      [
        "\(line) SIP/2.0", "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=z9hG4bK[pid]x[call_number]\(branch)",
        "From: <sip:[caller]@[local_ip]>;tag=[pid]race[call_number]", to, "Call-ID: [call_id]",
        "CSeq: \(sequence) \(words[0])", "Contact: <sip:[caller]@[local_ip]:[local_port]>", "Max-Forwards: 70",
      ] + more
    return (head + body(words[0] == "INVITE")).joined(separator: "\n")
  }

  /// What the technician's phone asks: to hang up.
  private func phoneRequest(_ words: [String]) -> String {
    let head = [
      "\(words[0]) [next_url] SIP/2.0", "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=z9hG4bK[pid]y[call_number]",
      "[routes]", "From:[$invite_To];tag=one", "To:[$invite_From]", "Call-ID: [call_id]", "CSeq: 1 \(words[0])",
      "Max-Forwards: 70",
    ]
    return (head + body(false)).joined(separator: "\n")
  }

  private func response(_ words: [String]) throws -> String {
    let reasons = [
      "180": "Ringing", "200": "OK", "480": "Temporarily Unavailable", "481": "No Such Call", "486": "Busy Here",
      "487": "Request Terminated", "503": "Service Unavailable", "603": "Decline",
    ]
    guard let reason = reasons[words[0]], words.count > 1 else { throw Child.Failure("\(name): > \(words)") }
    var head = ["SIP/2.0 \(words[0]) \(reason)"]
    let method = words[1].lowercased()
    let tag = words[1] == "INVITE" ? ";" + (words.first { $0.hasPrefix("tag=") } ?? "tag=one") : ""
    head += Self.kept.map { "\($0):[$\(method)_\($0)]" + ($0 == "To" ? tag : "") } + ["Call-ID: [call_id]"]
    if words[1] == "INVITE" { head.append("Contact: <sip:phone@[local_ip]:[local_port]>") }
    if words.contains("100rel") { head += ["Require: 100rel", "RSeq: 1"] }
    return (head + body(words[0] == "200" && words[1] == "INVITE")).joined(separator: "\n")
  }

  private func body(_ hasDescription: Bool) -> [String] {
    guard hasDescription else { return ["Content-Length: 0", ""] }
    return [
      "Content-Type: application/sdp", "Content-Length: [len]", "", "v=0",
      "o=race 53655765 2353687637 IN IP[local_ip_type] [local_ip]", "s=-", "c=IN IP[media_ip_type] [media_ip]", "t=0 0",
      "m=audio [auto_media_port] RTP/AVP 8", "a=rtpmap:8 PCMA/8000",
    ]
  }
}
