import Disk
import Hunting
import Records
import Spool

/// The two spools of a site, as the records put messages in.
struct SpoolSink: MessageSink {
  let sms: MessageSpool
  let im: MessageSpool

  /// - Parameter site: the site's directory.
  init(site: String) {
    let disk = RealFilesystem()
    sms = MessageSpool(directory: joined(site, "spool/sms"), channel: MessageChannel.sms.rawValue, disk: disk)
    im = MessageSpool(directory: joined(site, "spool/im"), channel: MessageChannel.im.rawValue, disk: disk)
  }

  func put(_ order: MessageOrder) throws(DiskError) {
    let message = SpooledMessage(
      ticket: "\(order.ticket)", origin: "\(order.call) \(order.hop)", user: order.user, caller: order.caller.text,
      text: order.text, created: order.created)
    switch order.channel {
    case .sms: try sms.put(message)
    case .im: try im.put(message)
    }
  }

  func settle() throws(DiskError) {
    try sms.settle()
    try im.settle()
  }
}
