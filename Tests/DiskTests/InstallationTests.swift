import Disk
import Glibc
import PikettTesting
import Testing

@Suite("Where the program finds its parts")
struct InstallationTests {
  @Test("PIKETT_DATA counts before everything else; one that leads nowhere is told")
  func wanted() throws {
    try inTemporaryFolder { folder in
      try make(folder, directories: ["usr/bin", "usr/share/pikett", "mine"])
      let program = folder + "/usr/bin/pikett"
      let mine = Installation(executable: program, wantedData: folder + "/mine")
      #expect(try mine.dataDirectory() == folder + "/mine")
      let error = #expect(throws: Installation.DataMissing.self) {
        try Installation(executable: program, wantedData: folder + "/gone").dataDirectory()
      }
      #expect(error?.description == "PIKETT_DATA: \(folder)/gone is no directory; expected one with prompts and sms")
      #expect(try Installation(executable: program, wantedData: "").dataDirectory() == folder + "/usr/share/pikett")
    }
  }

  @Test("Installed, the data lie in ../share/pikett, the helpers beside the program or in ../libexec/pikett")
  func installed() throws {
    try inTemporaryFolder { folder in
      try make(folder, directories: ["usr/bin", "usr/share/pikett", "usr/libexec/pikett", "data"])
      try make(folder, programs: ["Package.swift", "usr/libexec/pikett/pikett-delivery"])
      let installation = Installation(executable: folder + "/usr/bin/pikett", wantedData: nil)
      #expect(try installation.dataDirectory() == folder + "/usr/share/pikett")
      #expect(installation.helper("pikett-delivery") == folder + "/usr/libexec/pikett/pikett-delivery")
      #expect(installation.helper("pcap2wave") == nil)
      let helper = Installation(executable: folder + "/usr/libexec/pikett/pikett-delivery", wantedData: nil)
      #expect(try helper.dataDirectory() == folder + "/usr/share/pikett")
      try make(folder, programs: ["usr/bin/pikett-delivery"])
      #expect(installation.helper("pikett-delivery") == folder + "/usr/bin/pikett-delivery")
    }
  }

  @Test("Built, the data lie beside the Package.swift above the program")
  func built() throws {
    try inTemporaryFolder { folder in
      try make(folder, directories: ["data", ".build/debug"])
      let installation = Installation(executable: folder + "/.build/debug/pikett", wantedData: nil)
      #expect(throws: Installation.DataMissing.self) { try installation.dataDirectory() }
      try make(folder, programs: ["Package.swift"])
      #expect(try installation.dataDirectory() == folder + "/data")
    }
  }

  @Test("The running program knows its own path")
  func running() {
    let installation = Installation()
    #expect(installation.executable.hasPrefix("/"))
    #expect(access(installation.executable, X_OK) == 0)
  }

  private func make(_ folder: String, directories: [String]) throws {
    for name in directories { try RealFilesystem().makeDirectory("\(folder)/\(name)") }
  }

  private func make(_ folder: String, programs: [String]) throws {
    for name in programs {
      try RealFilesystem().create("\(folder)/\(name)", [], sync: false)
      try #require(chmod("\(folder)/\(name)", 0o700) == 0)
    }
  }
}
