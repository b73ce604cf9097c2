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

func tests(_ name: String, _ imports: [Target.Dependency] = []) -> Target {
  .testTarget(name: name + "Tests", dependencies: [.byName(name: name)] + imports, swiftSettings: settings)
}

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")

let package = Package(
  name: "pikett",
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
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
    module("Frames", ["Telephony"]),
    module("Hunting", ["Telephony"]),
    module("Site", ["Hunting", "Telephony"]),
    module("Media", ["RTP", "SDP", "Audio", "Telephony"]),
    module("CallControl", ["SIPUserAgent", "SIPMessage", "Media", "SDP", "Audio", "Site", "Hunting", "Telephony"]),

    // The shell.
    .target(name: "CLinux"),
    // glibc's resolver, whose answers tell how long they hold, and datagrams from a chosen address.
    .target(name: "CNetwork", linkerSettings: [.linkedLibrary("resolv")]),
    // Two hash functions of libcrypto, linked statically, cost nothing to build and 20 kB; swift-crypto costs 90 CPU-s of
    // build (release) and 4 MB of the daemon's memory, with FoundationEssentials and libstdc++.
    .target(name: "CDigest", linkerSettings: [.linkedLibrary(":libcrypto.a")]),
    // libsrtp2 without its crypto, which in Debian is NSS (+6 shared libraries and a heap allocation a packet): see kernel.c.
    .target(name: "CSRTP", linkerSettings: [.linkedLibrary(":libsrtp2.a"), .linkedLibrary(":libcrypto.a")]),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    .target(name: "CSpandsp", linkerSettings: [.linkedLibrary(":libspandsp.a"), .linkedLibrary("m")]),
    // What pcap2wave decodes beyond G.711; in the program itself, so that it runs where no such library is installed.
    .target(
      name: "CDecoders",
      linkerSettings: [
        .linkedLibrary(":libspandsp.a"), .linkedLibrary(":libopus.a"), .linkedLibrary(":libbcg729.a"),
        .linkedLibrary("m"),
      ]),
    .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    module("Disk", ["CLinux", "Telephony"]),
    module("Capture", ["CPcap", "CZlib", "Frames", "Telephony"]),
    module("Codecs", ["CSpandsp"]),
    module("Decoders", ["CDecoders", "CSRTP", "Audio"]),
    module("CallAudio", ["Capture", "Decoders", "Frames", "RTP", "SDP", "SIPMessage", "Audio", "Telephony"]),
    module("Records", ["Disk", "Hunting", "CDigest", "CLinux", "Telephony"]),
    module("Spool", ["Disk", "Telephony"]),
    module("Delivery", ["CCurl", "Spool", "Disk", "Site", "Hunting", "Telephony"]),
    // swift-nio-ssl costs 120 CPU-s of build (release), 3.3 MB of the program and 1.1 MB of the idle daemon's memory, which
    // tools/release takes back by linking libstdc++ in. Its BoringSSL stays idle until a site speaks TLS.
    module("NetworkIO", ["CNetwork", "SIPMessage", "Telephony", nioCore, nioPosix, nioSSL, nioTLS]),
    module("RTPEngine", ["CLinux", "CSRTP", "RTP", "Audio", "Frames", "Codecs", "Telephony"]),
    module(
      "Switchboard",
      [
        "CallControl", "SIPUserAgent", "SIPMessage", "Media", "SDP", "Audio", "Site", "Hunting", "NetworkIO",
        "RTPEngine", "RTP", "Records", "Spool", "Disk", "CLinux", "Telephony", nioCore, nioPosix, logging,
        "CDigest",
      ]),
    module("Commands", ["Site", "Hunting", "Records", "Spool", "Disk", "Telephony"]),
    module(
      "Demo",
      [
        "Switchboard", "CallControl", "SIPUserAgent", "SIPMessage", "SDP", "RTPEngine", "Audio", "Hunting",
        "NetworkIO", "CallAudio", "Capture", "Disk", "Telephony", nioCore, nioHTTP, nioPosix, logging,
      ]),
    program(
      "pikett",
      [
        "Switchboard", "Commands", "Site", "Hunting", "Records", "Spool", "Disk", "Telephony", arguments, logging,
        nioPosix,
      ]),
    // On its own, so that the daemon carries neither phones nor libpcap in its memory.
    program("pikett-demo", ["Demo", "Switchboard", "Disk", logging]),
    program("pikett-delivery", ["Delivery", arguments]),
    program("pcap2wave", ["CallAudio", "Capture", "Telephony", arguments]),

    program("RelayBench", ["RTPEngine", "Audio", "RTP", "Telephony", "CLinux"]),

    // Tests.
    module("PikettTesting", ["SIPMessage", "Telephony"]),
    module(
      "Fuzz", ["SIPMessage", "SDP", "RTP", "Audio", "Frames", "Capture", "CallAudio", "PikettTesting", "Telephony"]),
    tests("Fuzz", ["PikettTesting", "Telephony"]),
    tests("Telephony"),
    tests("SIPMessage", ["Telephony", "PikettTesting"]),
    tests("SIPTransaction", ["SIPMessage", "Telephony", "PikettTesting"]),
    tests("SIPUserAgent", ["SIPTransaction", "SIPMessage", "Telephony", "PikettTesting"]),
    tests("SDP", ["Telephony", "PikettTesting"]),
    tests("RTP", ["Telephony"]),
    tests("Audio"),
    tests("Hunting", ["Telephony", "PikettTesting"]),
    tests("Site", ["Hunting", "Telephony"]),
    tests("Media", ["SDP", "Telephony"]),
    tests(
      "CallControl",
      [
        "SIPUserAgent", "SIPTransaction", "SIPMessage", "Media", "SDP", "Audio", "Site", "Hunting", "Records", "Spool",
        "Disk", "Telephony", "PikettTesting",
      ]),
    tests("Disk", ["CLinux", "Telephony", "PikettTesting"]),
    tests("Capture", ["Frames", "Telephony", "PikettTesting"]),
    tests("Codecs"),
    .target(name: "CEncoders", dependencies: ["CDecoders"], path: "Tests/CEncoders"),
    tests("Decoders", ["Audio", "CEncoders", "PikettTesting"]),
    tests(
      "CallAudio",
      [
        "Capture", "Decoders", "CEncoders", "CSRTP", "Codecs", "Frames", "RTP", "SDP", "SIPMessage", "Audio",
        "Telephony", "PikettTesting",
      ]),
    tests("Records", ["CLinux", "Spool", "Disk", "Hunting", "Telephony", "PikettTesting"]),
    tests("Spool", ["Disk", "Telephony"]),
    tests("Delivery", ["Spool", "Disk", "Telephony", "PikettTesting", "pikett-delivery"]),
    tests("NetworkIO", ["PikettTesting", "SIPMessage", "Telephony", nioCore, nioPosix, nioSSL]),
    tests(
      "Switchboard",
      [
        "CallControl", "SIPUserAgent", "SIPMessage", "Site", "Records", "Spool", "Disk", "Telephony", "PikettTesting",
        nioCore, nioPosix, logging,
      ]),
    tests("RTPEngine", ["CLinux", "CSRTP", "RTP", "Audio", "Frames", "Telephony"]),
    tests("Commands", ["Site", "Hunting", "Records", "Spool", "Disk", "Telephony", "PikettTesting"]),
    tests("pcap2wave", ["Audio", "PikettTesting", "Telephony"]),
    tests("pikett", ["PikettTesting"]),
    tests("PikettTesting", ["SIPMessage", "Telephony"]),
    // The programs themselves, with other people's phones.
    .testTarget(
      name: "ScenarioTests",
      dependencies: [
        "Demo", "SIPUserAgent", "RTPEngine", "RTP", "Capture", "Audio", "Disk", "PikettTesting", "Telephony", "pikett",
        "pikett-delivery", "pcap2wave", nioPosix,
      ],
      swiftSettings: settings),
  ]
)
