import SIPMessage
import Site
import Telephony

/// The site of the scenes: three technicians, one queue, a trunk for the callers, one for the mobiles, one to the PBX.
enum SceneSite {
  static let files: [String: String] = [
    "XMLnumber.txt": "799", "CFU.txt": "TED_CFU", "InternalTrunk.txt": "PBX", "ExternalTrunk.txt": "MOBILE",
    "731/Password.txt": "secret731", "731/CFNR.txt": "799732",
    "732/Password.txt": "secret732", "732/CFNR.txt": "799733",
    "733/Contact.txt": "sip:733@198.51.100.33", "733/CFNR.txt": "799731",
    "queues/TED_WQ10/Number.txt": "720,+390471999720", "queues/TED_WQ10/Map1.txt": "799*731",
    "queues/TED_WQ10/Map2.txt": "700",
    "forwards/TED_CFU/Target.txt": "732",
    "trunks/GW14/Host.txt": "192.0.2.9", "trunks/MOBILE/Host.txt": "192.0.2.20", "trunks/MOBILE/Prefix.txt": "0",
    "trunks/PBX/Host.txt": "192.0.2.5",
  ]

  /// The site with other files; nil takes a file away.
  static func read(_ changes: [String: String?] = [:]) -> SiteSnapshot {
    var all = files
    for (path, text) in changes { all[path] = text }
    return SiteReading(files: all.mapValues { Array($0.utf8) }).snapshot
  }
}

func endpoint(_ text: String) -> Endpoint {
  guard let endpoint = Endpoint(text) else { preconditionFailure("\(text) is no endpoint") }
  return endpoint
}

/// Where everybody lives.
enum Places {
  static let pikett = endpoint("192.0.2.1:5060")
  static let caller = endpoint("192.0.2.9:5060")
  static let mobile = endpoint("192.0.2.20:5060")
  static let pbx = endpoint("192.0.2.5:5060")
  static let stranger = endpoint("203.0.113.66:5060")

  /// The phone of a user; the second one of 732 has the index 1.
  static func phone(_ number: Int, _ index: Int = 0) -> Endpoint {
    endpoint("198.51.100.\(number - 700 + 10 * index):5060")
  }

  static func flow(to remote: Endpoint) -> Flow { Flow(.udp, local: pikett, remote: remote) }
}
