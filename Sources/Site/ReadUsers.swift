import Hunting
import Telephony

extension SiteReader {
  /// The numbers of the users: every directory whose name is digits.
  var userNumbers: [String] {
    listing.directories(in: "").filter(\.isDigits).sorted { User.isLower($0, than: $1) }
  }

  /// Reads the user `number`; what leads to other objects is looked up by `names`.
  mutating func readUser(_ number: String, names: SiteNames) -> SiteUser {
    let contact = setting("\(number)/Contact.txt", "a SIP URI such as sip:731@192.0.2.10", canBeOff: true) {
      Values.contact($0)
    }.value
    let password = password("\(number)/Password.txt")
    let trunks = trunkNames("\(number)/Trunk.txt", names, default: names.internalTrunks)
    let confirmKey = key("\(number)/Confirm.txt", default: nil)
    let timeout = seconds("\(number)/CFNRTimeout.txt", 1...3600, default: 20) ?? .seconds(20)
    let user = User(
      number: number, name: text("\(number)/Name.txt", "the technician's name"),
      hasDeskPhone: contact != nil || password != nil || !trunks.isEmpty, confirmKey: confirmKey,
      forks: forks(number), cfnr: cfnr(number, names), cfnrTimeout: timeout)
    var siteUser = SiteUser(user: user)
    siteUser.password = password
    siteUser.contact = contact
    siteUser.contactTrunk = contact.flatMap { contact in
      names.trunks.first { trunk in trunk.hosts.contains { $0.host.equalsIgnoringCase(contact.host.host) } }?.name
    }
    siteUser.trunks = trunks
    siteUser.secure = mediaEncryption(number)
    siteUser.wantsIM = yesNo("\(number)/IM.txt", default: true)
    siteUser.smsRoutes = smsRoutes(number, names)
    return siteUser
  }

  private mutating func forks(_ number: String) -> [Fork] {
    let numbers = setting("\(number)/Fork.txt", "external numbers, comma-separated", canBeOff: true) {
      Values.list($0) { PhoneNumber($0) }
    }.value
    let key = key("\(number)/ForkConfirm.txt", default: "1")
    return (numbers ?? []).map { Fork(number: $0.digits, confirmKey: key) }
  }

  /// `799732` or `732`: the next hop.
  private mutating func cfnr(_ number: String, _ names: SiteNames) -> String? {
    phoneNumber("\(number)/CFNR.txt", "the number of the next user, with or without \(names.xmlNumber) before it")
      .map { names.userNumber($0) }
  }
}

/// What the reading of one object must know about the others.
struct SiteNames {
  var xmlNumber: PhoneNumber
  var userNumbers: [String] = []
  var trunks: [Trunk] = []
  var internalTrunks: [String] = []
  var smsProviders: [String] = []
  var smsPrefix = "39"

  /// The user's number in `732`, `799732` or `799*732`; what is none of these stays as it is.
  func userNumber(_ number: PhoneNumber) -> String {
    let digits = number.canonical
    guard !userNumbers.contains(digits), digits.hasPrefix(xmlNumber.canonical) else { return digits }
    let rest = digits.dropFirst(xmlNumber.canonical.count)
    let user = rest.hasPrefix("*") ? rest.dropFirst() : rest
    return user.isDigits ? String(user) : digits
  }

  /// The trunk of this name, as it is spelled.
  func trunk(_ name: String) -> String? { trunks.first { $0.name.equalsIgnoringCase(name) }?.name }
}
