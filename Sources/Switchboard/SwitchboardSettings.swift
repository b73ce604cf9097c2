package import CallControl
package import Telephony

/// What a daemon is started with.
package struct SwitchboardSettings: Sendable {
  /// The site's directory.
  package var site: String
  /// The directory of prompts and provider templates that come with the program.
  package var data: String
  /// The program that sends the SMS; nil: none is started (messages wait in the spool).
  package var deliveryProgram: String?
  /// The program that makes a recording into a WAV (`AutoWave.txt`); nil: none is made.
  package var waveProgram: String?
  /// Listened on instead of what `Listen.txt` says; port 0 takes a free one.
  package var listen: [Endpoint]?
  /// Told of every event, on the event loop.
  package var onEvent: (@Sendable (CallEvent, Moment) -> Void)?

  package init(
    site: String, data: String, deliveryProgram: String? = nil, waveProgram: String? = nil, listen: [Endpoint]? = nil,
    onEvent: (@Sendable (CallEvent, Moment) -> Void)? = nil
  ) {
    self.site = site
    self.data = data
    self.deliveryProgram = deliveryProgram
    self.waveProgram = waveProgram
    self.listen = listen
    self.onEvent = onEvent
  }
}

/// Why a daemon cannot start, with the exit code it deserves.
package struct StartError: Error, CustomStringConvertible {
  /// sysexits: 1 a fault of the data, 69 a needed service missing, 73 an output that cannot be written.
  package let exitCode: Int32
  package let description: String

  package init(_ exitCode: Int32, _ description: String) {
    self.exitCode = exitCode
    self.description = description
  }
}
