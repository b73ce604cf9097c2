package import NIOCore
import NIOHTTP1
import NIOPosix
import Telephony

/// A request that a provider of SMS would have got.
package struct HTTPRequestSeen: Hashable, Sendable {
  package var method: String
  /// Path and query as they came.
  package var uri: String
  package var body: String

  /// The values of a parameter of the query, percent-decoded.
  package func parameter(_ name: String) -> String? {
    guard let query = uri.split(separator: "?", maxSplits: 1).dropFirst().first else { return nil }
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0] == name { return decoded(parts[1]) }
    }
    return nil
  }

  private func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2, let high = rest.first?.hexadecimalValue,
        let low = rest.dropFirst().first?.hexadecimalValue
      {
        bytes.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A real HTTP server that says 200 to everything and remembers it: the SMS gateway of the demo.
package final class HTTPSink: Sendable {
  /// What has come so far.
  package let seen: Observations<HTTPRequestSeen>
  /// The port on 127.0.0.1.
  package let port: Int
  private let channel: any Channel

  /// Listens on a free port of 127.0.0.1.
  package static func open(on group: any EventLoopGroup) async throws -> HTTPSink {
    let seen = Observations<HTTPRequestSeen>()
    let channel = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 16)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Answering(seen))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return HTTPSink(channel, seen)
  }

  private init(_ channel: any Channel, _ seen: Observations<HTTPRequestSeen>) {
    self.channel = channel
    self.seen = seen
    port = channel.localAddress?.port ?? 0
  }

  package func close() async { try? await channel.close().get() }

  private final class Answering: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let seen: Observations<HTTPRequestSeen>
    private var request = HTTPRequestSeen(method: "", uri: "", body: "")

    init(_ seen: Observations<HTTPRequestSeen>) { self.seen = seen }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): request = HTTPRequestSeen(method: head.method.rawValue, uri: head.uri, body: "")
      case .body(let buffer): request.body += String(buffer: buffer)
      case .end:
        let (request, seen) = (request, seen)
        Task { await seen.saw(request) }
        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "3"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "OK\n")))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      }
    }
  }
}
