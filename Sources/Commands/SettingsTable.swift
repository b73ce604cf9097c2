import Hunting
import Site
import Telephony

extension SiteSnapshot {
  /// What counts for the whole line.
  var settingsTable: Table {
    var table = Table(["", ""])
    table.append(["XML number", xmlNumber.digits])
    table.append(["next ticket", nextTicket.description])
    table.append(["listens on", listen.map(\.description).joined(separator: ", ")])
    table.append(["address shown", address?.description ?? "the one towards each peer"])
    table.append(["RTP ports", "\(rtpPorts.lowerBound)-\(rtpPorts.upperBound)"])
    table.append(["recordings", recordings])
    table.append(["state", stateDirectory])
    table.append(["time zone", timeZone ?? "the system's"])
    table.append(["prompts", language.rawValue])
    table.append(["ringing tone", ringback])
    table.append(["passwords", digest == .sha256 ? "asked for by SHA-256, else MD5" : "asked for by MD5"])
    table.append(["calls at once", String(maxCalls)])
    table.append(["hunting", huntingLimits])
    table.append(["a leg without sound", silenceLimits])
    return table
  }

  private var silenceLimits: String {
    let limits = [
      mediaTimeout.map { "asked each \(inSeconds($0))" }, maxDuration.map { "released after \(inSeconds($0))" },
    ].compactMap { $0 }
    return limits.isEmpty ? "is left alone" : limits.joined(separator: ", ")
  }

  private var recordings: String {
    guard let recordingDirectory else { return "none" }
    let time = retentionDays == 0 ? "for ever" : counted(retentionDays, "day")
    return "\(recordingDirectory), kept \(time)\(makesWaves ? ", each with its WAV" : "")"
  }

  private var huntingLimits: String {
    let rounds = maxRounds.map { counted($0, "round") }
    let duration = maxDuration.map { inSeconds($0) }
    let limits = [rounds, duration].compactMap { $0 }.joined(separator: ", ")
    return limits.isEmpty ? "without end" : "\(limits) at most"
  }
}
