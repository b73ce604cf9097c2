import CallControl
import Disk
import Logging
import NIOCore
import NIOPosix
import PikettTesting
import Records
import Spool
import Synchronization
import Telephony
import Testing

@testable import Switchboard

/// When instant messages are sent, and sent again.
@Suite struct MessageDispatcherTests {
  /// A dispatcher on a loop and a disk of its own, and what it has handed to the core.
  private final class Post: Sendable {
    let folder = TemporaryDirectory()
    let spool: SpoolSink
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let disk: DiskWorker
    private let dispatcher: NIOLoopBound<MessageDispatcher>
    private let sent = AsyncStream.makeStream(of: String.self)

    init() async throws {
      spool = SpoolSink(site: folder.path)
      disk = try DiskWorker()
      try spool.im.prepare()
      try spool.sms.prepare()
      let (loop, disk, spool, feed, site) = (self.loop, disk, spool, sent.continuation, folder.path)
      dispatcher = try await loop.submit {
        NIOLoopBound(
          MessageDispatcher(
            loop: loop, disk: disk, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, spool: spool,
            site: site, program: nil
          ) { feed.yield($0.name) }, eventLoop: loop)
      }.get()
    }

    /// Does something where the dispatcher lives, and waits until the disk has done what came of it.
    func tell(_ what: @escaping @Sendable (MessageDispatcher) -> Void) async throws {
      try await loop.submit { what(self.dispatcher.value) }.get()
      await withCheckedContinuation { continuation in
        disk.enqueue { continuation.resume() }
      }
      try await loop.submit {}.get()
    }

    func spool(_ ticket: String, for user: String) async throws {
      let message = SpooledMessage(
        ticket: ticket, origin: "call \(ticket)", user: user, caller: "0347", text: "Ticket_\(ticket)",
        created: currentWallTime())
      try spool.im.put(message)
      try await tell { $0.spooled(.im) }
    }

    /// The next message that is handed to the core; nil if none is within `limit`.
    func next(within limit: Duration = .seconds(5)) async -> String? {
      await withTaskGroup(of: String?.self) { group in
        let stream = sent.stream
        group.addTask {
          for await name in stream { return name }
          return nil
        }
        group.addTask {
          try? await Task.sleep(for: limit)
          return nil
        }
        defer { group.cancelAll() }
        return await group.next() ?? nil
      }
    }

    func stop() async throws {
      try await tell { $0.stop() }
      disk.stop(patience: .seconds(1))
    }
  }

  @Test func `a phone that comes back while its message is under way elsewhere gets it when that has failed`()
    async throws
  {
    let post = try await Post()
    try await post.spool("17", for: "732")
    #expect(await post.next() == "17-im")
    try await post.tell { $0.phonesChanged(of: "732") }
    try await post.tell { $0.done("17-im", status: 408) }
    // Not after the 10 s that a failure costs.
    #expect(await post.next() == "17-im")
    try await post.tell { $0.done("17-im", status: 200) }
    #expect(try post.spool.im.messages(.sent).map(\.id) == ["17-im"])
    try await post.stop()
  }

  @Test func `a phone that comes back gets what waits for it, and another's waits on`() async throws {
    let post = try await Post()
    for (ticket, user) in [("17", "732"), ("18", "733")] {
      try await post.spool(ticket, for: user)
      #expect(await post.next() == "\(ticket)-im")
      try await post.tell { $0.done("\(ticket)-im", status: 480) }
    }
    try await post.tell { $0.phonesChanged(of: "733") }
    #expect(await post.next() == "18-im")
    #expect(try post.spool.im.messages(.waiting).map(\.retry.attempts) == [1, 0])
    try await post.stop()
  }

  @Test func `a phone that knows no messages is not asked again`() async throws {
    let post = try await Post()
    try await post.spool("17", for: "732")
    #expect(await post.next() == "17-im")
    try await post.tell { $0.done("17-im", status: 405) }
    let failed = try post.spool.im.messages(.failed)
    #expect(failed.map(\.id) == ["17-im"] && failed.map(\.retry.reason) == ["SIP status 405"])
    try await post.stop()
  }
}
