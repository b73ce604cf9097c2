import Audio
import Demo
import Disk
import Glibc
import Testing

/// A sipp as the gateway GW14 with one caller, who follows a scenario file.
struct SIPp: Sendable {
  let process: Child
  let port: UInt16
  let mediaPort: UInt16
  private let callID: String
  private let hand: Datagrams

  /// Starts the call.
  /// - Parameter scenario: the name of a file in the fixtures.
  static func call(_ number: String, _ scenario: String, saying samples: [Int16], _ scene: Scene, _ daemon: Daemon)
    throws -> SIPp
  {
    try call(number, at: "127.0.0.1:\(daemon.site.port)", scenario, saying: samples, scene)
  }

  /// Starts the call through this server.
  /// - Parameter isTCP: over one TCP connection.
  static func call(
    _ number: String, at server: String, isTCP: Bool = false, _ scenario: String, saying samples: [Int16],
    _ scene: Scene
  ) throws -> SIPp {
    var sound = SoundCapture()
    sound.silence(milliseconds: 100)
    sound.press(1)
    try RealFilesystem().replace(scene.path("digit.pcap"), sound.take(), sync: false)
    sound.speech(Array(repeatElement(samples, count: 2).joined()))
    try RealFilesystem().replace(scene.path("speech.pcap"), sound.take(), sync: false)
    let port = Ports.take()
    // sipp binds the next ones too.
    let mediaPort = Ports.take(8)
    let callID = "\(scenario)-\(port)"
    let process = try scene.start(
      "sipp",
      [
        "sipp", "-t", isTCP ? "t1" : "u1", "-sf", joined(Surroundings.fixtures, scenario + ".xml"), "-i",
        TestSite.gateway, "-mi",
        TestSite.gateway, "-p", "\(port)", "-mp", "\(mediaPort)", "-m", "1", "-s", number, "-cid_str", callID,
        "-nostdin", "-timeout", "60s", "-timeout_error", "-trace_err", "-error_file", scene.path("sipp-errors.log"),
        "-trace_msg", "-message_file", scene.path("sipp-messages.log"), server,
      ])
    return SIPp(process: process, port: port, mediaPort: mediaPort, callID: callID, hand: try Datagrams("127.0.0.1"))
  }

  /// Waits for one call and follows the scenario.
  static func isCalled(
    _ scenario: String, at address: String, port: UInt16, isTCP: Bool = false, _ scene: Scene
  ) throws -> SIPp {
    let mediaPort = Ports.take(8)
    let process = try scene.start(
      "sipp-\(scenario)",
      [
        "sipp", "-t", isTCP ? "t1" : "u1", "-sf", joined(Surroundings.fixtures, scenario + ".xml"), "-i", address,
        "-mi", address, "-p", "\(port)",
        "-mp", "\(mediaPort)", "-m", "1", "-nostdin", "-timeout", "60s", "-timeout_error", "-trace_err", "-error_file",
        scene.path("sipp-\(scenario)-errors.log"), "-trace_msg", "-message_file",
        scene.path("sipp-\(scenario)-messages.log"),
      ])
    return SIPp(process: process, port: port, mediaPort: mediaPort, callID: "", hand: try Datagrams("127.0.0.1"))
  }

  /// The scenario waits for this: the caller does what comes next.
  func goOn() {
    hand.send(
      hand.request("NOTIFY", "sip:caller@\(TestSite.gateway):\(port)", callID: callID), to: TestSite.gateway, port)
  }

  /// The scenario has been followed to its end.
  func ends(within limit: Duration = .seconds(10)) async throws {
    let code = try await process.exit(within: limit)
    let output = await process.output
    try demand(code == 0, "sipp: \(output)")
  }
}
