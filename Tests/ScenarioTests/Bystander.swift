import Audio
import Demo
import Disk
import RTPEngine
import SIPUserAgent
import Telephony

/// Another call, which must not notice what happens beside it.
struct Bystander: Sendable {
  private let caller: Phone
  private let technician: Phone
  private let callerLeg: LegID
  private let technicianLeg: LegID
  private let daemon: Daemon
  static let number = "0471000111"
  /// 3 s of speech.
  private static func words() throws -> [Int16] { Array(try Surroundings.voice("demo-caller").prefix(24_000)) }

  /// A call that is up: its caller has reached 733.
  static func connect(_ rack: PhoneRack, _ daemon: Daemon) async throws -> Bystander {
    let technician = try await rack.technician("733", daemon)
    let caller = try await rack.caller(daemon, number: number)
    let callerLeg = try await caller.talks(to: "799733")
    let technicianLeg = try await technician.rings(from: number)
    try await technician.answer(technicianLeg)
    try await daemon.says("connected", "user=733")
    return Bystander(
      caller: caller, technician: technician, callerLeg: callerLeg, technicianLeg: technicianLeg, daemon: daemon)
  }

  /// The call is still up, and in this moment its caller can be heard: by his words in the recording, unless it is said
  /// that there is none.
  /// - Returns: the ticket file's middle.
  func isUndisturbed(_ scene: Scene, isRecorded: Bool = true) async throws {
    let words = try Self.words()
    let token = await caller.say(Sound(words), on: callerLeg)
    _ = try await caller.seen.first("the bystander has spoken", within: .seconds(10)) { $0 == .said(token: token) }
    let hasEnded = await caller.seen.all.contains { if case .ended = $0 { true } else { false } }
    try demand(!hasEnded, "the other call has ended")
    await technician.hangUp(technicianLeg)
    try await caller.isReleased(callerLeg)
    guard isRecorded else { return }
    let closed = try await daemon.says("recording closed", "_Caller_\(Self.number)")
    let path = closed.split(separator: "path=").last.map { String($0.split(separator: " ").first ?? $0[...]) } ?? ""
    let wave = scene.path("bystander.wav")
    let program = try scene.product("pcap2wave", [path, "-o", wave, "--force"])
    let code = try await program.exit(within: .seconds(30))
    try demand(code == 0, "pcap2wave \(path): \(code)")
    let sides = try WAVE(RealFilesystem().read(wave, limit: 1 << 28))
    try requireHeard(
      words, notJust: Surroundings.voice("demo-technician"), in: sides.channel(0), "the other call's recording")
  }
}
