import Delivery
import Disk
import PikettTesting
import Spool
import Synchronization
import Telephony

/// A site on the real disk with two technicians, and its spool.
struct DeliveryScene {
  let folder = TemporaryDirectory()
  let disk = RealFilesystem()
  let notes = NoteLog()
  let spool: MessageSpool

  /// What the delivery has told.
  final class NoteLog: Sendable {
    private let notes = Mutex<[DeliveryNote]>([])
    func add(_ note: DeliveryNote) { notes.withLock { $0.append(note) } }
    var all: [DeliveryNote] { notes.withLock { $0 } }
  }

  init(providers: String = "first") throws {
    spool = MessageSpool(directory: joined(folder.path, "spool/sms"), channel: "sms", disk: disk)
    try spool.prepare()
    try write("SMSProvider.txt", providers)
    try write("SMSprefix.txt", "41")
    try write("732/SMSNumber.txt", "0791234567")
    try write("732/SMSUser.txt", "pikett")
    try write("732/SMSPassword.txt", "secret word")
    try write("733/Name.txt", "Tech3")
  }

  func write(_ path: String, _ text: String) throws {
    let full = joined(folder.path, path)
    try disk.makeDirectory(directory(of: full))
    try disk.replace(full, Array(text.utf8), sync: false)
  }

  func provider(_ name: String, _ files: [String: String]) throws {
    for (file, text) in files { try write("sms/\(name)/\(file).txt", text) }
  }

  static let text = "12.10.2012_14.00_12.10.2012_14.05_Ticket_1234_Caller_03472619287_Called_732"

  func put(_ ticket: String = "1234", user: String = "732", text: String = DeliveryScene.text) throws {
    try spool.put(
      SpooledMessage(
        ticket: ticket, origin: "\(ticket)/1", user: user, caller: "03472619287", text: text,
        created: currentWallTime()))
  }

  /// One pass; its exit code.
  func deliver() -> Int32 { deliverMessages(site: folder.path, data: packageData) { [notes] in notes.add($0) } }

  func messages(_ box: MessageSpool.Box) throws -> [SpooledMessage] { try spool.messages(box) }

  /// Everything that was written or told, in which no secret may stand.
  func everythingSaid() throws -> String {
    var text = notes.all.map(\.description).joined(separator: "\n")
    for box in MessageSpool.Box.allCases {
      let directory = joined(spool.directory, box.rawValue)
      for name in try disk.list(directory) {
        text += String(decoding: try disk.read(joined(directory, name), limit: 100_000), as: UTF8.self)
      }
    }
    return text
  }
}
