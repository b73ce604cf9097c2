import Frames
import SIPMessage
import Telephony

/// One party's word, in SDP, where its sound is to be sent.
struct Declaration: Sendable {
  var media: AudioMedia
  /// True if the party is the caller.
  var isCaller: Bool
  /// Nanoseconds since 1970.
  var time: Int64
}

/// A dialog as seen between two neighbours; a proxy's capture holds several legs of one dialog.
struct SignalledLeg: Sendable {
  /// The addresses between which its messages go, in order; ports only where both addresses are one (loopback).
  struct Hop: Hashable, Sendable {
    var low: FrameAddress
    var high: FrameAddress

    init(_ a: FrameAddress, _ b: FrameAddress) {
      var a = a
      var b = b
      if (a.high, a.low) != (b.high, b.low) {
        a.port = 0
        b.port = 0
      }
      let isOrdered = (a.high, a.low, a.port) <= (b.high, b.low, b.port)
      low = isOrdered ? a : b
      high = isOrdered ? b : a
    }
  }

  var hop: Hop
  var dialog: Int
  /// The host from which the caller's messages come.
  var callerHost: FrameAddress?
  var declarations: [Declaration] = []
}

/// All that goes under one Call-ID.
struct SignalledDialog: Sendable {
  var callID: String
  var sessionID: String?
  /// The users (else hosts) of From and To in the first message.
  var caller: String
  var called: String
  /// The tag of From in the first message: who makes the call, whether or not he makes the first offer.
  var callerTag: String
  /// The hosts between which the first message went, the caller's first.
  var callerHost: FrameAddress
  var calledHost: FrameAddress
  /// Nanoseconds since 1970.
  var firstTime: Int64
  /// True if the first message is the INVITE that begins the call: no sound of it is older.
  var isSeenFromItsBeginning: Bool
  /// When it was released or refused, if it was.
  var endTime: Int64?
  /// True once an INVITE was accepted.
  var isAnswered = false
  /// True once an INVITE was refused for good.
  var isRefused = false
  var legs: [Int] = []
  /// The dialog that stands for all dialogs of the same session (an earlier one, or itself).
  var group: Int
}

/// What the SIP messages of a capture say about its calls.
struct Signalling {
  private(set) var dialogs: [SignalledDialog] = []
  private(set) var legs: [SignalledLeg] = []
  /// Messages that look like SIP and cannot be read.
  private(set) var unreadableCount = 0
  private var dialogOfCallID: [String: Int] = [:]
  private var dialogOfSession: [String: Int] = [:]
  private var ownerOfEndpoint: [FrameAddress: Int] = [:]

  /// What a message says of where sound goes.
  enum Event {
    /// An endpoint that another call had before; `isReleased` if that call is over.
    case takenOver(FrameAddress, isReleased: Bool)
    case declared(AudioMedia)
  }

  /// Takes a datagram if it is SIP.
  ///
  /// - Parameter time: nanoseconds since 1970.
  /// - Returns: the endpoints that are named, and those that have changed hands.
  mutating func take(_ payload: RawSpan, from source: FrameAddress, to target: FrameAddress, time: Int64) -> [Event] {
    guard looksLikeSIP(payload) else { return [] }
    let message: Message
    do throws(ParseError) {
      message = try parseMessage(payload.withUnsafeBytes { Array($0) })
    } catch {
      if error.kind != .keepAlive { unreadableCount += 1 }
      return []
    }
    return take(message, from: source, to: target, time: time)
  }

  /// Takes a message, from a datagram or from a TCP connection.
  mutating func take(_ message: Message, from source: FrameAddress, to target: FrameAddress, time: Int64) -> [Event] {
    let headers = message.headers
    guard let callID = headers.callID, let method = try? headers.cseq().method, Self.callMethods.contains(method),
      let from = try? headers.from(), let to = try? headers.to()
    else { return [] }
    let media = audioMedia(of: message)
    let known = dialogOfCallID[callID]
    // Most dialogs without sound (refused ones, say) need no place.
    guard known != nil || !media.isEmpty || method == .invite || method == .bye,
      known != nil || dialogs.count < Self.mostDialogs
    else { return [] }
    let isRequest = if case .request = message { true } else { false }
    let isBeginning = isRequest && method == .invite && to.tag == nil
    let dialog =
      known ?? addDialog(callID, from, to, isRequest ? (source, target) : (target, source), time, isBeginning)
    join(dialog, headers)
    if method == .bye { dialogs[dialog].endTime = dialogs[dialog].endTime ?? time }
    if case .response(let response) = message, method == .invite {
      if (200..<300).contains(response.status) { dialogs[dialog].isAnswered = true }
      // A challenge is followed by the call itself (RFC 3261 §22).
      let isFinal = response.status >= 300 && response.status != 401 && response.status != 407
      if isFinal, !dialogs[dialog].isAnswered {
        dialogs[dialog].isRefused = true
        dialogs[dialog].endTime = dialogs[dialog].endTime ?? time
      }
    }
    if media.isEmpty { return [] }
    let sender: String
    switch message {
    case .request: sender = from.tag ?? ""
    case .response: sender = to.tag ?? "\u{0}"
    }
    guard let leg = leg(of: dialog, SignalledLeg.Hop(source, target)) else { return [] }
    let isCaller = sender == dialogs[dialog].callerTag
    if legs[leg].callerHost == nil { legs[leg].callerHost = isCaller ? source.host : target.host }
    return declare(media, isCaller: isCaller, in: leg, time)
  }

  /// The dialog that stands for all of the session's.
  func group(of dialog: Int) -> Int {
    var dialog = dialog
    while dialogs[dialog].group != dialog { dialog = dialogs[dialog].group }
    return dialog
  }

  /// The same, shortening the way there for the next who asks.
  private mutating func shortenedGroup(of dialog: Int) -> Int {
    var dialog = dialog
    while dialogs[dialog].group != dialog {
      dialogs[dialog].group = dialogs[dialogs[dialog].group].group
      dialog = dialogs[dialog].group
    }
    return dialog
  }

  /// Says that no more messages come.
  mutating func finish() {
    for dialog in dialogs.indices { dialogs[dialog].group = shortenedGroup(of: dialog) }
  }

  /// So many are kept; no capture of real calls has more, and a made-up one shall not take all memory.
  static let mostDialogs = 100_000
  private static let mostLegs = 32
  private static let mostDeclarations = 64

  private static let callMethods: Set<Method> = [.invite, .ack, .prack, .update, .bye]

  private mutating func addDialog(
    _ callID: String, _ from: NameAddress, _ to: NameAddress, _ hosts: (FrameAddress, FrameAddress), _ time: Int64,
    _ isBeginning: Bool
  ) -> Int {
    let index = dialogs.count
    let name = { (address: NameAddress) in address.uri.user ?? address.uri.host }
    dialogs.append(
      SignalledDialog(
        callID: callID, caller: name(from), called: name(to), callerTag: from.tag ?? "", callerHost: hosts.0.host,
        calledHost: hosts.1.host,
        firstTime: time, isSeenFromItsBeginning: isBeginning, group: index))
    dialogOfCallID[callID] = index
    return index
  }

  /// Joins the dialog with those that share a session identifier with it, its own or the remote one (RFC 7989 §5).
  private mutating func join(_ dialog: Int, _ headers: Headers) {
    guard let value = headers["Session-ID"] else { return }
    for part in value.split(separator: ";") {
      var text = String(part).trimmed.asciiLowercased
      if text.hasPrefix("remote=") { text = String(text.dropFirst(7)).trimmed }
      // The nil UUID stands for none (RFC 7989 §5); other forms than 32 digits are older or vendors' own.
      guard text.utf8.contains(where: { $0 != 0x30 && $0 != 0x2D }), !text.contains("=") else { continue }
      if dialogs[dialog].sessionID == nil { dialogs[dialog].sessionID = text }
      guard let other = dialogOfSession[text] else {
        dialogOfSession[text] = dialog
        continue
      }
      let roots = [shortenedGroup(of: other), shortenedGroup(of: dialog)].sorted()
      dialogs[roots[1]].group = roots[0]
    }
  }

  private mutating func leg(of dialog: Int, _ hop: SignalledLeg.Hop) -> Int? {
    if let known = dialogs[dialog].legs.first(where: { legs[$0].hop == hop }) { return known }
    guard dialogs[dialog].legs.count < Self.mostLegs else { return nil }
    legs.append(SignalledLeg(hop: hop, dialog: dialog))
    dialogs[dialog].legs.append(legs.count - 1)
    return legs.count - 1
  }

  private mutating func declare(_ media: [AudioMedia], isCaller: Bool, in leg: Int, _ time: Int64) -> [Event] {
    let dialog = legs[leg].dialog
    // Whoever offers again is talking again.
    dialogs[dialog].endTime = nil
    var events: [Event] = []
    for one in media {
      if let owner = ownerOfEndpoint[one.endpoint], owner != dialog {
        events.append(.takenOver(one.endpoint, isReleased: dialogs[owner].endTime != nil))
      }
      ownerOfEndpoint[one.endpoint] = dialog
      events.append(.declared(one))
      let known = legs[leg].declarations.firstIndex {
        $0.isCaller == isCaller && $0.media.endpoint == one.endpoint
      }
      if let known {
        legs[leg].declarations[known].media.codecs.merge(one.codecs) { _, newer in newer }
        for key in one.keys
        where !legs[leg].declarations[known].media.keys.contains(key)
          && legs[leg].declarations[known].media.keys.count < Self.mostDeclarations
        {
          legs[leg].declarations[known].media.keys.append(key)
        }
      } else {
        guard legs[leg].declarations.count < Self.mostDeclarations else { continue }
        legs[leg].declarations.append(Declaration(media: one, isCaller: isCaller, time: time))
      }
    }
    return events
  }
}

/// True if the first line is a request's or a response's, line ends before it left out (RFC 3261 §7.5); cheap enough
/// for every datagram.
func looksLikeSIP(_ payload: RawSpan) -> Bool {
  payload.withUnsafeBytes { whole in
    var begin = 0
    while begin < min(whole.count, 64), whole[begin] == 0x0D || whole[begin] == 0x0A { begin += 1 }
    let bytes = UnsafeRawBufferPointer(rebasing: whole[begin...])
    guard bytes.count >= 12, bytes[0].isASCIILetter else { return false }
    if bytes.starts(with: "SIP/2.0 ".utf8) { return true }
    guard let end = bytes.prefix(2048).firstIndex(where: { $0 == 0x0A }) else { return false }
    let line = bytes[..<(end > 0 && bytes[end - 1] == 0x0D ? end - 1 : end)]
    return line.suffix(8).elementsEqual(" SIP/2.0".utf8)
  }
}
