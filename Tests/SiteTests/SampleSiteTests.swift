import Foundation
import Hunting
import Site
import Telephony
import Testing

/// `data/site` and `data/sms` as they are shipped.
@Suite("The sample site")
struct SampleSiteTests {
  private let reading: SiteReading

  init() throws {
    let data = try Self.dataDirectory()
    var files = try Self.files(in: data.appending(path: "site"))
    // As `pikett init` makes them up.
    for number in ["731", "732", "733"] { files["\(number)/Password.txt"] = Array("secret\(number)".utf8) }
    reading = SiteReading(files: files, builtInProviders: try Self.files(in: data.appending(path: "sms")))
  }

  @Test("Only what its owner must fill in or decide is told")
  func faults() {
    #expect(
      reading.faults.map { "\($0.path): \($0.severity): \($0.problem)" } == [
        "trunks/GW14/Host.txt: error: the trunk cannot be called",
        "731/Fork.txt: warning: to be added: no user has a fork",
        "731/SMSNumber.txt: warning: to be added: no user gets an SMS",
      ])
  }

  @Test("Filled in as its own remarks say, it has no fault left")
  func filledIn() throws {
    var files = try Self.files(in: Self.dataDirectory().appending(path: "site"))
    for (path, value) in [
      ("trunks/GW14/Host.txt", "192.0.2.1"), ("731/Fork.txt", "3472619287"), ("731/SMSNumber.txt", "3472619287"),
      ("731/Password.txt", "secret731"), ("732/Password.txt", "secret732"), ("733/Password.txt", "secret733"),
      ("sms/CODEMA/URL.txt", "https://sms.example.net/send?to={digits}&text={text}"),
    ] { files[path] = ValueFile(try #require(files[path])).replacing(value) }
    let reading = SiteReading(
      files: files, builtInProviders: try Self.files(in: Self.dataDirectory().appending(path: "sms")))
    #expect(reading.faults == [])
  }

  @Test("No number of it is somebody's: nobody is rung or written to before its owner says whom")
  func harmless() {
    for user in reading.snapshot.users { #expect(user.user.forks.isEmpty && user.smsRoutes.isEmpty) }
    for trunk in reading.snapshot.trunks { #expect(trunk.hosts.isEmpty) }
  }

  @Test("It says what stands in every value file that has a default")
  func everyFile() throws {
    let files = try Self.files(in: Self.dataDirectory().appending(path: "site"))
    for (folder, names) in [
      (
        "",
        """
        XMLnumber SMSProvider SMSprefix CFU InternalTrunk ExternalTrunk Listen Address RTPPorts Recording Retention AutoWave State Ringback
        TimeZone Language Answer Digest MaxCalls MaxRounds MaxDuration
        MediaTimeout
        """
      ),
      (
        "731/",
        "SMSNumber SMSUser SMSPassword Name Password Contact Trunk Secure Confirm Fork ForkConfirm CFNR CFNRTimeout IM"
      ),
      ("limits/", "Requests Failures Transactions Silence Sources Strangers Allow"),
      ("queues/TED_WQ10/", "Number Map1 Timeout Repeat OnSilence"), ("forwards/TED_CFU/", "Target"),
      (
        "trunks/GW14/",
        """
        Host Addresses Transport Secure Login AuthUser Password Domain Proxy Register Expires CallerID From Prefix
        International Called Default Qualify AutomaticHangup
        """
      ),
    ] {
      for name in names.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
        #expect(files["\(folder)\(name).txt"] != nil, "\(folder)\(name).txt")
      }
    }
    #expect(files["TickeNR.TXT"] != nil)
  }

  @Test("It is the article's example")
  func example() throws {
    let site = reading.snapshot
    #expect(site.xmlNumber.digits == "799" && site.smsProviders == ["CODEMA"] && site.smsPrefix == "39")
    #expect(site.users.map(\.number) == ["731", "732", "733"])
    #expect(site.users.map(\.user.name) == ["Tech1", "Tech2", "Tech3"])
    #expect(site.users.map(\.user.cfnr) == ["732", "733", "731"])
    #expect(site.users.map(\.deskPhone) == [.registration, .registration, .registration])
    #expect(site.cfuName == "TED_CFU" && site.cfu?.target == "732" && site.nextTicket.rawValue == 1)
    let queue = try #require(site.queue("TED_WQ10"))
    #expect(queue.numbers.map(\.digits) == ["720"] && queue.destination(of: "1")?.digits == "799*731")
    #expect(site.internalTrunks == ["GW14"] && site.externalTrunks == ["GW14"])
    #expect(site.trunk("GW14")?.defaultDestination?.digits == "799*731")
    #expect(site.trunk("GW14")?.automaticHangup == true)
    // "Tech2 is in charge …, if he is not answering the call goes to Tech3, then to Tech1 and then again to Tech2."
    let entry = HuntEntry.onDuty(default: "731")
    #expect(site.huntPlan.firstUser(for: entry)?.user.name == "Tech2")
    #expect(site.chain(from: "732").description == "732 → 733 → 731 → back to 732")
  }

  @Test("The built-in providers are sound", arguments: ["kannel", "generic-get", "generic-post", "CODEMA"])
  func providers(name: String) throws {
    let data = try Self.dataDirectory()
    var files = try Self.files(in: data.appending(path: "site"))
    files["SMSProvider.txt"] = Array(name.utf8)
    files["sms/CODEMA/URL.txt"] = nil
    files["trunks/GW14/Host.txt"] = Array("192.0.2.1".utf8)
    files["731/SMSNumber.txt"] = Array("3470000731".utf8)
    files["731/SMSUser.txt"] = Array("user".utf8)
    files["731/SMSPassword.txt"] = Array("pass word".utf8)
    if name != "kannel" { files["sms/\(name)/URL.txt"] = Array("https://sms.example.net/?to={number}".utf8) }
    let reading = SiteReading(
      files: files, builtInProviders: try Self.files(in: data.appending(path: "sms")))
    #expect(reading.faults.filter { $0.severity == .error } == [])
    let route = try #require(reading.snapshot.user("731")?.smsRoutes.first)
    let request = try #require(route.request(text: "12.10.2012_14.00 & more"))
    switch name {
    case "kannel":
      #expect(
        request.url.secret
          == "http://localhost:13013/cgi-bin/sendsms?username=user&password=pass%20word&from=&to=393470000731"
          + "&text=12.10.2012_14.00%20%26%20more&charset=UTF-8&coding=0")
      #expect(request.success.isMet(status: 202, body: []) && !request.success.isMet(status: 200, body: []))
    case "generic-post":
      let body = try #require(request.body?.secret)
      #expect(
        String(decoding: body, as: UTF8.self)
          == #"{"to":"393470000731","from":"","text":"12.10.2012_14.00 & more"}"#)
      #expect(request.method == .post && request.headers.map(\.name) == ["Authorization", "Content-Type"])
    default: #expect(request.method == .get && request.url.secret == "https://sms.example.net/?to=393470000731")
    }
  }

  @Test("The providers with a URL of their own need nothing but credentials, and Twilio a sender")
  func completeProviders() throws {
    let data = try Self.dataDirectory()
    let builtIn = try Self.files(in: data.appending(path: "sms"))
    let names = ["kannel", "playsms", "gammu", "twilio", "vonage", "messagebird", "sipgate", "clicksend"]
    for name in names {
      let reading = SiteReading(
        files: [
          "SMSProvider.txt": Array(name.utf8), "731/SMSNumber.txt": Array("347".utf8),
          "731/Password.txt": Array("x".utf8),
          "731/SMSUser.txt": Array("user".utf8), "731/SMSPassword.txt": Array("pass word".utf8),
          "queues/Q/Number.txt": Array("720".utf8), "queues/Q/Map1.txt": Array("799*731".utf8),
          "CFU.txt": Array("none".utf8),
          "731/Fork.txt": Array("none".utf8),
        ], builtInProviders: builtIn)
      let expected = name == "twilio" ? ["sms/twilio/Sender.txt: twilio asks for a sender"] : []
      #expect(reading.faults.map { "\($0.path): \($0.problem)" } == expected)
      #expect(reading.snapshot.user("731")?.smsRoutes.first?.request(text: "t") != nil)
    }
    #expect(
      Set(builtIn.keys.compactMap { $0.split(separator: "/").first }.map(String.init))
        == Set(names + ["README.md", "generic-get", "generic-post", "CODEMA"]))
  }

  @Test("Every value file of the sample has a remark, and keeps it when its value is written")
  func remarks() throws {
    for (path, bytes) in try Self.files(in: Self.dataDirectory().appending(path: "site")) where !path.hasSuffix(".md") {
      let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count >= 3 && !lines[1].isEmpty, "\(path)")
      #expect(!ValueFile(bytes).isBinary && bytes.count < 2000, "\(path)")
    }
  }

  private static func dataDirectory() throws -> URL {
    var directory = URL(filePath: #filePath).deletingLastPathComponent()
    while directory.path != "/" {
      if FileManager.default.fileExists(atPath: directory.appending(path: "Package.swift").path) {
        return directory.appending(path: "data").resolvingSymlinksInPath()
      }
      directory.deleteLastPathComponent()
    }
    throw CocoaError(.fileNoSuchFile)
  }

  private static func files(in directory: URL) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: directory.path) {
      let url = directory.appending(path: path)
      if (try? url.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true {
        files[path] = [UInt8](try Data(contentsOf: url))
      }
    }
    return files
  }
}
