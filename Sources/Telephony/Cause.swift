/// Why a call was released: ITU-T Q.850 cause values, and their SIP statuses by RFC 3398 §7.2.4.1 and §8.2.6.1.
package struct Cause: RawRepresentable, Hashable, Sendable {
  /// The cause value, 1 to 127.
  package var rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let unallocatedNumber = Cause(rawValue: 1)
  package static let noRouteToDestination = Cause(rawValue: 3)
  package static let normalClearing = Cause(rawValue: 16)
  package static let userBusy = Cause(rawValue: 17)
  package static let noUserResponding = Cause(rawValue: 18)
  package static let noAnswer = Cause(rawValue: 19)
  package static let callRejected = Cause(rawValue: 21)
  package static let numberChanged = Cause(rawValue: 22)
  package static let exchangeRoutingError = Cause(rawValue: 25)
  /// Q.850's "non-selected user clearing": somebody else has taken the call.
  package static let answeredElsewhere = Cause(rawValue: 26)
  package static let destinationOutOfOrder = Cause(rawValue: 27)
  package static let invalidNumberFormat = Cause(rawValue: 28)
  package static let normalUnspecified = Cause(rawValue: 31)
  package static let noCircuitAvailable = Cause(rawValue: 34)
  package static let networkOutOfOrder = Cause(rawValue: 38)
  package static let temporaryFailure = Cause(rawValue: 41)
  package static let congestion = Cause(rawValue: 42)
  package static let serviceNotAvailable = Cause(rawValue: 63)
  package static let bearerCapabilityNotImplemented = Cause(rawValue: 65)
  package static let serviceNotImplemented = Cause(rawValue: 79)
  package static let incompatibleDestination = Cause(rawValue: 88)
  package static let recoveryOnTimerExpiry = Cause(rawValue: 102)
  package static let interworking = Cause(rawValue: 127)

  /// The cause that a SIP failure status stands for (RFC 3398 §8.2.6.1).
  ///
  /// Where the RFC asks for the Warning (488, 606) it is 65; 487, which it leaves out, is the caller's own hanging up; 607
  /// and 608 (RFC 8197, RFC 8688) reject the call.
  package init(sipStatus status: Int) {
    switch status {
    case 404, 485, 604: self = .unallocatedNumber
    case 486, 600: self = .userBusy
    case 480: self = .noUserResponding
    case 401, 402, 403, 407, 603, 607, 608: self = .callRejected
    case 410: self = .numberChanged
    case 482, 483: self = .exchangeRoutingError
    case 484: self = .invalidNumberFormat
    case 487: self = .normalClearing
    case 405: self = .serviceNotAvailable
    case 488, 606: self = .bearerCapabilityNotImplemented
    case 406, 415, 501: self = .serviceNotImplemented
    case 502: self = .networkOutOfOrder
    case 408, 504: self = .recoveryOnTimerExpiry
    case 400, 481, 500, 503: self = .temporaryFailure
    case 505, 513: self = .interworking
    default: self = (500..<600).contains(status) ? .temporaryFailure : .interworking
    }
  }

  /// The SIP status that refuses a call for this cause (RFC 3398 §7.2.4.1); 480 for those it does not name.
  package var sipStatus: Int {
    switch rawValue {
    case 1, 2, 3, 26: 404
    case 17: 486
    case 18: 408
    case 19, 20, 31: 480
    case 21, 55, 57, 87: 403
    case 22, 23: 410
    case 27: 502
    case 28: 484
    case 29, 79: 501
    case 34, 38, 41, 42, 47, 58, 88: 503
    case 65, 70: 488
    case 102: 504
    case 111, 127: 500
    default: 480
    }
  }

  /// A Reason header's value (RFC 3326), such as `Q.850;cause=16;text="Normal call clearing"`.
  package var reasonHeader: String { "Q.850;cause=\(rawValue);text=\"\(text)\"" }

  /// Q.850's own words for the cause, or `Cause N`.
  package var text: String {
    switch rawValue {
    case 1: "Unallocated (unassigned) number"
    case 3: "No route to destination"
    case 16: "Normal call clearing"
    case 17: "User busy"
    case 18: "No user responding"
    case 19: "No answer from user"
    case 21: "Call rejected"
    case 22: "Number changed"
    case 25: "Exchange routing error"
    case 26: "Non-selected user clearing"
    case 27: "Destination out of order"
    case 28: "Invalid number format"
    case 31: "Normal, unspecified"
    case 34: "No circuit/channel available"
    case 38: "Network out of order"
    case 41: "Temporary failure"
    case 42: "Switching equipment congestion"
    case 63: "Service or option not available, unspecified"
    case 65: "Bearer capability not implemented"
    case 79: "Service or option not implemented, unspecified"
    case 88: "Incompatible destination"
    case 102: "Recovery on timer expiry"
    case 127: "Interworking, unspecified"
    default: "Cause \(rawValue)"
    }
  }
}
