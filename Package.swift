// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in our own checks only, so that a newer compiler does not break those who build the program.
let isStrict = Context.environment["PIKETT_STRICT"] != nil

let settings: [SwiftSetting] =
  [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableExperimentalFeature("Lifetimes"),
  ] + (isStrict ? [.treatAllWarnings(as: .error)] : [])

func module(_ name: String, _ imports: [Target.Dependency] = [], linker: [LinkerSetting] = []) -> Target {
  .target(name: name, dependencies: imports, swiftSettings: settings, linkerSettings: linker)
}

func program(_ name: String, _ imports: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: imports, swiftSettings: settings)
}

func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: [.byName(name: name)] + imports, swiftSettings: settings)
}

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
// swift-crypto costs 90 CPU-s of build; libcrypto would cost none but 3.8 MB of the daemon's 16 MB.
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

let package = Package(
  name: "pikett",
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    // The pure core.
    module("Telephony"),
    module("SIPMessage", ["Telephony"]),
    module("SIPTransaction", ["SIPMessage", "Telephony"]),
    module("SIPUserAgent", ["SIPTransaction", "SIPMessage", "Telephony"]),
    module("SDP", ["Telephony"]),
    module("RTP", ["Telephony"]),
    module("Audio"),
    module("Hunting", ["Telephony"]),
    module("Site", ["Hunting", "Telephony"]),
    module("Media", ["RTP", "SDP", "Audio", "Telephony"]),
    module("CallControl", ["SIPUserAgent", "SIPMessage", "Media", "SDP", "Audio", "Site", "Hunting", "Telephony"]),

    // The shell.
    .target(name: "CLinux"),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    .target(name: "CSpandsp", linkerSettings: [.linkedLibrary("spandsp")]),
    .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    module("Disk", ["CLinux", "Telephony"]),
    module("Capture", ["CPcap", "Telephony"]),
    module("Codecs", ["CSpandsp"]),
    module("CallAudio", ["Capture", "RTP", "SDP", "SIPMessage", "Audio", "Telephony"]),
    module("Records", ["Disk", "Hunting", "Telephony"]),
    module("Spool", ["Disk", "Telephony"]),
    module("Delivery", ["CCurl", "Spool", "Disk", "Site", "Hunting", "Telephony"]),
    module("NetworkIO", ["SIPMessage", "Telephony", nioCore, nioPosix]),
    module("RTPEngine", ["CLinux", "RTP", "Audio", "Capture", "Codecs", "Telephony"]),
    module(
      "Switchboard",
      [
        "CallControl", "SIPUserAgent", "SIPMessage", "Media", "SDP", "Audio", "Site", "Hunting", "NetworkIO",
        "RTPEngine", "RTP", "Capture", "Records", "Spool", "Disk", "CLinux", "Telephony", nioCore, nioPosix, crypto,
        logging,
      ]),
    module("Commands", ["Site", "Hunting", "Records", "Spool", "Disk", "Telephony"]),
    module(
      "Demo",
      [
        "Switchboard", "SIPUserAgent", "SIPMessage", "SDP", "RTP", "Audio", "Site", "Hunting", "NetworkIO",
        "CallAudio", "Disk", "Telephony", nioCore, nioPosix, logging,
      ]),
    program("pikett", ["Switchboard", "Commands", "Demo", "Site", "Disk", "Telephony", arguments, logging]),
    program("pikett-delivery", ["Delivery", arguments]),
    program("pcap2wave", ["CallAudio", arguments]),

    // Tests.
    module("PikettTesting", ["SIPMessage", "Telephony"]),
  ]
)
