import Hunting
import Telephony

/// What no single file shows: where the objects do not fit together.
extension SiteReader {
  mutating func check(_ site: SiteSnapshot) {
    checkTrunks(site)
    checkTransports(site)
    checkEncryption(site)
    checkUsers(site)
    checkMessages(site)
    checkDuty(site)
    checkNumbers(site)
    checkDestinations(site)
    checkWhatIsToBeAdded(site)
  }

  /// What the original kept in the PBX, so that its files say nothing about it. `none` in the file says that it is meant.
  private mutating func checkWhatIsToBeAdded(_ site: SiteSnapshot) {
    guard let first = site.users.first?.number else { return }
    if site.users.count > 1, site.users.allSatisfy({ isSilent("\($0.number)/CFNR.txt") }) {
      report(
        "\(first)/CFNR.txt", "to be added: no user has a CFNR, so nobody else is called after the first",
        expected: "the number of the next user, or none", .warning)
    }
    if site.users.allSatisfy({ isSilent("\($0.number)/Fork.txt") }) {
      report(
        "\(first)/Fork.txt", "to be added: no user has a fork", expected: "the mobile phone's number, or none", .warning
      )
    }
    // Files that stand there blank wait to be filled in; where there are none, no SMS may be wanted.
    let smsNumbers = site.users.map { "\($0.number)/SMSNumber.txt" }.filter { listing[$0] != nil }
    if !site.smsProviders.isEmpty, !smsNumbers.isEmpty, smsNumbers.allSatisfy({ isSilent($0) }) {
      report(
        "\(first)/SMSNumber.txt", "to be added: no user gets an SMS",
        expected: "the mobile phone's number, or none here or in SMSProvider.txt", .warning)
    }
    if let name = site.cfuName, site.cfu == nil {
      report(
        "forwards/\(name)/Target.txt", "to be added: CFU.txt names \(name), but nothing says who is on duty",
        expected: "a user's number, or none",
        .warning)
    }
    if site.trunks.isEmpty, site.users.contains(where: { $0.deskPhone == .none }) {
      report(
        "trunks", "to be added: there is no trunk, by which a PBX or gateway calls and is called",
        expected: "a directory in it with Host.txt", .warning)
    }
    if site.queues.isEmpty {
      report(
        "queues", "to be added: there is no waiting queue",
        expected:
          "a directory in it with Number.txt and Map1.txt, unless a PBX calls \(site.xmlNumber)*\(first) itself",
        .warning)
    }
  }

  // MARK: - Trunks

  private mutating func checkTrunks(_ site: SiteSnapshot) {
    let names = site.trunks.map(\.name).joined(separator: ", ")
    if site.trunks.count > 1 {
      let needed = [
        ("InternalTrunk.txt", "users", site.internalTrunks.isEmpty),
        ("ExternalTrunk.txt", "forks", site.externalTrunks.isEmpty),
      ]
      for (path, whom, isEmpty) in needed where isEmpty && isSilent(path) {
        report(
          path, "there are several trunks (\(names)), and none is named for \(whom)",
          expected: "the name of one of them, or none")
      }
    }
    for trunk in site.trunks where trunk.hosts.isEmpty && trunk.login == nil {
      report(
        "trunks/\(trunk.name)/Host.txt", "the trunk cannot be called",
        expected: "its host, or a Login.txt with which it registers here", trunk.addresses.isEmpty ? .error : .warning)
    }
    for trunk in site.trunks where trunk.registers && (trunk.login == nil || trunk.hosts.isEmpty) {
      report(
        "trunks/\(trunk.name)/Register.txt", "there is no way to register",
        expected: "Login.txt and Host.txt, or no in this file")
    }
    for trunk in site.trunks where trunk.isRegistrant && trunk.password == nil {
      report(
        "trunks/\(trunk.name)/Password.txt", "a gateway that registers here needs a password",
        expected: "the gateway's SIP secret")
    }
    var gateways: [String: String] = [:]
    for trunk in site.trunks where trunk.isRegistrant {
      for name in Set([trunk.login, trunk.authUser].compactMap { $0 }).sorted() {
        let path = "trunks/\(trunk.name)/\(name == trunk.login ? "Login" : "AuthUser").txt"
        let expected = "a name that nobody else registers with"
        if site.user(name)?.password != nil {
          report(path, "\(name) is a user, who registers with it", expected: expected)
        } else if let other = gateways[name] {
          report(path, "trunk \(other) registers with \(name) too", expected: expected)
        }
        gateways[name] = gateways[name] ?? trunk.name
      }
    }
  }

  /// A connection needs what listens: peers answer and call on it.
  private mutating func checkTransports(_ site: SiteSnapshot) {
    checkTLSFiles(site)
    guard !site.listen.contains(where: { $0.transport == .tcp }) else { return }
    let callers =
      site.trunks.filter { $0.transport == .tcp && !$0.hosts.isEmpty }.map { "the trunk \($0.name)" }
      + site.users.filter { $0.contact?.transport == .tcp }.map { "the phone of \($0.number)" }
    if !callers.isEmpty {
      report(
        "Listen.txt", "nothing listens on TCP, by which \(callers.joined(separator: ", ")) would be called",
        expected: "an address such as tcp:0.0.0.0:5060 in it too")
    }
  }

  /// True if the file says nothing, so that the default counts.
  private func isSilent(_ path: String) -> Bool {
    guard case .bytes(let bytes)? = listing[path]?.content else { return true }
    return ValueFile(bytes).value.isEmpty
  }

  // MARK: - Users

  private mutating func checkUsers(_ site: SiteSnapshot) {
    if site.users.isEmpty {
      report(".", "there are no users", expected: "a directory for each, named by his number, such as 731")
    }
    let plan = site.huntPlan
    for user in site.users {
      checkCFNR(user, plan)
      let number = user.number
      if user.deskPhone == .none {
        let expected = "\(number)/Contact.txt, \(number)/Password.txt, or a trunk in InternalTrunk.txt"
        if user.user.forks.isEmpty {
          report(number, "the user cannot be rung", expected: expected + ", or \(number)/Fork.txt")
        } else {
          report(number, "the user has no desk phone; only his forks are rung", expected: expected, .warning)
        }
      }
      if !user.user.forks.isEmpty, site.externalTrunks.isEmpty {
        report(
          "\(number)/Fork.txt", "there is no trunk by which forks are dialled",
          expected: "a trunk under trunks/, named in ExternalTrunk.txt if there are several")
      }
      if case .trunk(let trunks) = user.deskPhone, user.user.confirmKey == nil {
        report(
          "\(number)/Confirm.txt", "rung through \(trunks.joined(separator: ", ")) without a key to confirm",
          expected: "that voicemail, CFU and CFNR of \(number) are off in the PBX, or a key in this file", .warning)
      }
    }
  }

  private mutating func checkCFNR(_ user: SiteUser, _ plan: HuntPlan) {
    guard let next = user.user.cfnr else { return }
    let path = "\(user.number)/CFNR.txt"
    let others = plan.users.map(\.number).filter { $0 != user.number }
    let expected = "another user" + (others.isEmpty ? "" : " (\(others.joined(separator: ", ")))") + ", or nothing"
    if next == user.number {
      report(path, "leads back to \(next) himself: nobody else is ever rung after him", expected: expected)
    } else if plan.user(next) == nil {
      report(path, "leads to \(next), but there is no such user: the chain ends here", expected: expected)
    }
  }

  // MARK: - Messages

  private mutating func checkMessages(_ site: SiteSnapshot) {
    let receivers = site.users.filter {
      listing["\($0.number)/SMSNumber.txt"] != nil && !isSilent("\($0.number)/SMSNumber.txt")
    }
    for name in site.smsProviders {
      guard hasProvider(name) else {
        if !receivers.isEmpty || !isSilent("SMSProvider.txt") {
          report(
            "SMSProvider.txt", "there is no provider “\(name)”", expected: "a directory under sms/, or a built-in one")
        }
        continue
      }
      let provider = readProvider(name)
      if provider.url == nil, site.users.contains(where: { $0.smsRoutes.contains { $0.provider.url == nil } }) {
        report(
          "sms/\(name)/URL.txt", "the provider has no URL, so no SMS is sent",
          expected: "the URL, as its owner gives it")
      }
    }
    for user in site.users {
      for (index, route) in user.smsRoutes.enumerated() {
        let provider = route.provider
        let file = index == 0 ? "SMS" : "sms/\(provider.name)/"
        if provider.uses(.user) || provider.uses(.basic), provider.user == nil {
          report(
            "\(user.number)/\(file)User.txt", "\(provider.name) asks for a user name",
            expected: "the provider's user name",
            .warning)
        }
        if provider.uses(.password) || provider.uses(.basic), provider.password == nil {
          report(
            "\(user.number)/\(file)Password.txt", "\(provider.name) asks for a password",
            expected: "the provider's password", .warning)
        }
        if provider.uses(.sender), provider.sender == nil {
          report(
            "sms/\(provider.name)/Sender.txt", "\(provider.name) asks for a sender",
            expected: "the number or name that the message shall show, or none", .warning)
        }
      }
    }
  }

  // MARK: - Who is on duty

  private mutating func checkDuty(_ site: SiteSnapshot) {
    for forward in site.forwards {
      guard let target = forward.target, site.user(target) == nil else { continue }
      report(
        forward.path, "leads to \(target), but there is no such user", expected: "the number of a user, or nothing")
    }
  }

  // MARK: - Numbers

  private mutating func checkNumbers(_ site: SiteSnapshot) {
    let xmlNumber = site.xmlNumber.canonical
    var owners: [(number: String, owner: String)] = [(xmlNumber, "the XML number")]
    for user in site.users {
      if user.number == xmlNumber {
        report(user.number, "the user has the XML number itself", expected: "different numbers", .error)
      } else if site.users.contains(where: { xmlNumber + $0.number == user.number }) {
        report(
          user.number, "the user's number is also the XML number with another user's after it",
          expected: "different numbers")
      }
      owners.append((user.number, "the user \(user.number)"))
      owners.append((xmlNumber + user.number, "the hunt beginning at \(user.number)"))
    }
    for queue in site.queues {
      let path = "queues/\(queue.name)/Number.txt"
      if queue.numbers.isEmpty {
        report(path, "the queue cannot be called", expected: "its number, such as 720")
      }
      for number in queue.numbers {
        if let clash = owners.first(where: { $0.number == number.canonical }) {
          report(path, "\(number) is already the number of \(clash.owner)", expected: "a number of its own")
        }
        owners.append((number.canonical, "the queue \(queue.name)"))
      }
    }
  }

  // MARK: - Where keys and calls lead

  private mutating func checkDestinations(_ site: SiteSnapshot) {
    let plan = site.numberPlan
    for queue in site.queues {
      let directory = "queues/\(queue.name)"
      if queue.maps.isEmpty, queue.onSilence == .hangup {
        report(
          "\(directory)/Map1.txt", "no key leads anywhere", expected: "a destination such as \(site.xmlNumber)*731")
      }
      for map in queue.maps {
        let file = map.key == "*" ? "Star" : map.key == "#" ? "Hash" : String(map.key)
        checkDestination("\(directory)/Map\(file).txt", map.destination, plan, site)
      }
      switch queue.onSilence {
      case .hangup: continue
      case .proceed where queue.destinationOnSilence == nil:
        report(
          "\(directory)/OnSilence.txt", "proceed, but neither Map1 nor a single other map says where",
          expected: "a Map1.txt, or hangup, or a number")
      case .proceed: continue
      case .destination(let number): checkDestination("\(directory)/OnSilence.txt", number, plan, site)
      }
    }
    for trunk in site.trunks {
      if let number = trunk.defaultDestination {
        checkDestination("trunks/\(trunk.name)/Default.txt", number, plan, site)
      }
    }
  }

  private mutating func checkDestination(
    _ path: String, _ number: PhoneNumber, _ plan: NumberPlan, _ site: SiteSnapshot
  ) {
    switch plan.destination(of: number) {
    case .hunt(.onDuty(let user?)) where site.user(user) == nil:
      report(
        path, "names \(user) as the default user, but there is no such user", expected: "the number of a user", .warning
      )
    case .hunt, .queue, .user:
      return
    case .reserved:
      report(path, "\(number) is a feature code, not a destination", expected: "a number such as \(site.xmlNumber)*731")
    case .incomplete:
      report(path, "\(number) is only the beginning of a number of this site", expected: "the whole number")
    case .unknown where site.trunks(forPlain: number).isEmpty:
      report(
        path, "\(number) is no number of this site, and there is no trunk to call it by",
        expected: "a number of this site, or a trunk in \(number.isInternational ? "External" : "Internal")Trunk.txt")
    case .unknown where path.hasPrefix("trunks/"):
      report(path, "\(number) is no number of this site", expected: "a number such as \(site.xmlNumber)*731")
    case .unknown:
      return
    }
  }
}
