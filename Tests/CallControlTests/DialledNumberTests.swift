import Hunting
import PikettTesting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// Which number was called. Flow, point 1.
@Suite struct DialledNumberTests {
  struct Story: Sendable, CustomStringConvertible {
    /// `CONTACT` stands for the one with which we registered.
    var uri: String
    var to = "<sip:someone@192.0.2.1>"
    var partyID: String?
    var files: [String: String] = [:]
    /// As it is logged; `CONTACT` as above.
    var dialled: String
    var status = 200
    var description: String { "\(uri) \(to) \(partyID ?? "") \(files)" }
  }

  private static let line = [
    "trunks/GW14/Login.txt": "4711", "trunks/GW14/Password.txt": "x", "trunks/GW14/Qualify.txt": "none",
  ]

  static let stories: [Story] = [
    // The Request-URI, as gateways write it.
    Story(uri: "sip:799*731@192.0.2.1", dialled: "799*731"),
    Story(uri: "sip:799%2A731@192.0.2.1", dialled: "799*731"),
    Story(uri: "sip:799%2a731;phone-context=x@192.0.2.1;user=phone", dialled: "799*731"),
    Story(uri: "sip:7-2.0@192.0.2.1", dialled: "720"),
    Story(uri: "tel:+39-0471-999720", dialled: "+390471999720"),
    Story(uri: "tel:00390471999720;phone-context=it", dialled: "00390471999720"),
    Story(uri: "tel:(0039)0471.999-720", dialled: "00390471999720"),
    Story(uri: "tel:799*731;phone-context=pbx.example.com", dialled: "799*731"),
    Story(uri: "tel:7-2-0;isub=1;phone-context=+39-0471-999", dialled: "720"),
    Story(uri: "tel:0471999720;phone-context=+39", dialled: "0471999720", status: 404),
    Story(uri: "sip:00390471999720@192.0.2.1", dialled: "00390471999720"),
    Story(uri: "sip:%2B390471999720@192.0.2.1", dialled: "+390471999720"),
    Story(uri: "sip:0390471999720@192.0.2.1", dialled: "0390471999720", status: 404),
    Story(uri: "sip:79@192.0.2.1", dialled: "79", status: 484),
    Story(uri: "sip:someone@192.0.2.1", dialled: "someone", status: 404),
    // What matches nothing goes where the trunk says.
    Story(uri: "sip:555@192.0.2.1", files: ["trunks/GW14/Default.txt": "720"], dialled: "555"),
    // To and P-Called-Party-ID, where the trunk says so.
    Story(
      uri: "sip:555@192.0.2.1", to: "\"Emergency\" <sip:720@provider.example>", files: ["trunks/GW14/Called.txt": "to"],
      dialled: "720"),
    Story(uri: "sip:720@192.0.2.1", to: "<sip:192.0.2.1>", files: ["trunks/GW14/Called.txt": "TO"], dialled: "720"),
    Story(
      uri: "sip:555@192.0.2.1", partyID: "<sip:+390471999720@provider.example;user=phone>",
      files: ["trunks/GW14/Called.txt": "p-called-party-id"], dialled: "+390471999720"),
    Story(uri: "sip:720@192.0.2.1", files: ["trunks/GW14/Called.txt": "p-called-party-id"], dialled: "720"),
    // Our own Contact: To is taken.
    Story(uri: "sip:CONTACT@192.0.2.1", to: "<sip:720@provider.example>", files: line, dialled: "720"),
    Story(
      uri: "sip:CONTACT@192.0.2.1", to: "<sip:0039-0471-999720;npdi@provider.example>", files: line,
      dialled: "00390471999720"),
    Story(uri: "sip:CONTACT@192.0.2.1", to: "<tel:+390471999720>", files: line, dialled: "+390471999720"),
    Story(uri: "sip:CONTACT@192.0.2.1", to: "<sip:555@provider.example>", files: line, dialled: "555", status: 404),
    Story(
      uri: "sip:CONTACT@192.0.2.1", to: "<sip:555@provider.example>",
      files: line.merging(["trunks/GW14/Default.txt": "799*731"]) { $1 }, dialled: "555"),
    Story(
      uri: "sip:CONTACT@192.0.2.1", to: "<sip:555@provider.example>", partyID: "<sip:720@provider.example>",
      files: line.merging(["trunks/GW14/Called.txt": "p-called-party-id"]) { $1 }, dialled: "720"),
    // The login, a Contact that was rewritten, or no user at all say no more than the Contact does.
    Story(uri: "sip:4711@192.0.2.1", to: "<sip:720@provider.example>", files: line, dialled: "720"),
    Story(uri: "sip:s-77-abc@192.0.2.1", to: "<sip:720@provider.example>", files: line, dialled: "720"),
    Story(uri: "sip:192.0.2.1", to: "<sip:720@provider.example>", dialled: "720"),
    // Unless the login is a number of the site.
    Story(
      uri: "sip:720@192.0.2.1", to: "<sip:555@provider.example>",
      files: line.merging(["trunks/GW14/Login.txt": "720"]) { $1 }, dialled: "720"),
    // Of a trunk without registration the URI is what was dialled.
    Story(uri: "sip:4711@192.0.2.1", to: "<sip:720@provider.example>", dialled: "4711", status: 404),
  ]

  @Test(arguments: stories) func `the number that was called`(story: Story) throws {
    let scene = try Scene(story.files.mapValues { $0 })
    let contact = scene.shell.control.lines.contactUser(of: "GW14") ?? "CONTACT"
    let provider = Provider("GW", at: endpoint("192.0.2.9:5061"), on: scene.network)
    scene.at(.zero) { _ in
      var headers = Headers()
      if let partyID = story.partyID { headers.add("P-Called-Party-ID", partyID) }
      guard let uri = try? SIPURI(story.uri.replacing("CONTACT", with: contact)), let to = try? NameAddress(story.to)
      else { return }
      provider.call(uri, for: to, headers: headers)
    }
    scene.at(.seconds(2)) { _ in provider.hangUp() }
    try scene.run(until: .seconds(60))
    let leg = try #require(provider.calls.first)
    #expect(provider.status(leg) == story.status)
    let dialled = scene.shell.events.compactMap { event -> String? in
      switch event {
      case .arrived(_, _, let dialled, _), .refused(_, let dialled, _, _, _): dialled
      default: nil
      }
    }
    #expect(dialled == [story.dialled])
  }
}
