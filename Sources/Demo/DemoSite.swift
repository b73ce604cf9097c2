import Disk

/// The files of the demo's site: the article's example, with free ports and short times.
struct DemoSite {
  /// Where the caller's gateway calls from.
  let trunkAddress: String
  /// The port of the HTTP sink.
  let smsPort: Int
  /// The ticket the call begins with.
  static let firstTicket = 1234
  static let caller = "03472619287"
  /// How long Tech2 is rung, in seconds.
  static let patience = 4

  /// Path within the site → first line.
  var files: [String: String] {
    [
      "XMLnumber.txt": "799",
      "TickeNR.TXT": "\(Self.firstTicket)",
      "SMSProvider.txt": "demo",
      "sms/demo/URL.txt": "http://127.0.0.1:\(smsPort)/send?to={number}&text={text}",
      "RTPPorts.txt": "34000-35999",
      "forwards/TED_CFU/Target.txt": "732",
      "trunks/GW14/Host.txt": trunkAddress,
      "queues/TED_WQ10/Number.txt": "720",
      "queues/TED_WQ10/Map1.txt": "799*731",
      "731/Name.txt": "Tech1", "731/CFNR.txt": "799732", "731/Password.txt": "demo731",
      "732/Name.txt": "Tech2", "732/CFNR.txt": "799733", "732/Password.txt": "demo732",
      "732/CFNRTimeout.txt": "\(Self.patience)", "732/SMSNumber.txt": "3470000732",
      "733/Name.txt": "Tech3", "733/CFNR.txt": "799731", "733/Password.txt": "demo733",
      "733/SMSNumber.txt": "3470000733",
    ]
  }

  /// Writes the site.
  func write(to directory: String) throws {
    let disk = RealFilesystem()
    try disk.makeDirectory(directory)
    for (path, value) in files.sorted(by: { $0.key < $1.key }) {
      var folder = directory
      for part in path.split(separator: "/").dropLast() {
        folder = joined(folder, String(part))
        try disk.makeDirectory(folder)
      }
      try disk.replace(joined(directory, path), Array((value + "\n").utf8), sync: false)
    }
  }
}
