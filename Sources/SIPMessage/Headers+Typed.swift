import Telephony

/// Readers that turn raw lines into values; each throws `HeaderError` whose detail names the field.
extension Headers {
  /// Every Via value, topmost first (RFC 3261 §20.42).
  /// - Throws: `malformed`, or `missing` if there is none.
  package func vias() throws(HeaderError) -> [Via] {
    var vias: [Via] = []
    for line in lines("Via") {
      do throws(HeaderError) { vias += try Via.list(line) } catch { throw error.inField("Via") }
    }
    if vias.isEmpty { throw HeaderError(.missing, "Via is missing") }
    guard vias.count <= mostValues else { throw HeaderError(.malformed, "Via: more than \(mostValues) values") }
    return vias
  }

  /// The topmost Via, without reading the others.
  /// - Throws: `malformed`, or `missing` if there is none.
  package func topVia() throws(HeaderError) -> Via {
    guard let line = self["Via"] else { throw HeaderError(.missing, "Via is missing") }
    let scanner = TextScanner(line)
    guard let range = listRanges(scanner).first else { throw HeaderError(.missing, "Via is missing") }
    do throws(HeaderError) { return try Via(TextScanner(scanner.bytes, range)) } catch { throw error.inField("Via") }
  }

  /// From (RFC 3261 §20.20).
  /// - Throws: `missing`, `repeated` or `malformed`.
  package func from() throws(HeaderError) -> NameAddress { try single("From") }

  /// To (RFC 3261 §20.39).
  /// - Throws: `missing`, `repeated` or `malformed`.
  package func to() throws(HeaderError) -> NameAddress { try single("To") }

  /// Every Contact value; none for `*` and if there is no Contact (RFC 3261 §20.10).
  /// - Throws: `malformed`.
  package func contacts() throws(HeaderError) -> [NameAddress] { isStarContact ? [] : try nameAddresses("Contact") }

  /// True for `Contact: *`, which asks a registrar to forget all (RFC 3261 §10.2.2).
  package var isStarContact: Bool { self["Contact"]?.trimmed == "*" }

  /// CSeq (RFC 3261 §20.16).
  /// - Throws: `missing`, `repeated`, `malformed` or `outOfRange`.
  package func cseq() throws(HeaderError) -> CSeq {
    let text = try onlyLine("CSeq")
    do throws(HeaderError) { return try CSeq(text) } catch { throw error.inField("CSeq") }
  }

  /// Call-ID, compared byte for byte (RFC 3261 §20.8); nil if it is missing or empty.
  package var callID: String? {
    guard let text = self["Call-ID"], !text.isEmpty else { return nil }
    return text
  }

  /// Max-Forwards (RFC 3261 §20.22): 0 to 255; nil if it is missing or beyond 255, which RFC 4475 §3.1.2.4 lets count
  /// as missing.
  /// - Throws: `malformed` for anything but digits, `repeated`.
  package func maxForwards() throws(HeaderError) -> Int? {
    guard has("Max-Forwards") else { return nil }
    let text = try onlyLine("Max-Forwards").trimmed
    guard text.isDigits else { throw HeaderError(.malformed, "Max-Forwards: expected a number") }
    return decimal(Array(text.utf8)[...]).flatMap { $0 <= 255 ? Int($0) : nil }
  }

  /// Expires in seconds (RFC 3261 §20.19); nil if it is missing, 3600 for what is no number below 2^32, as §10.3 has it
  /// of a Contact's.
  /// - Throws: `repeated`.
  package func expires() throws(HeaderError) -> Int? {
    guard has("Expires") else { return nil }
    return deltaSeconds(try onlyLine("Expires").trimmed) ?? 3600
  }

  /// Every value of a header whose values are addresses: Contact, Route, Record-Route, P-Asserted-Identity,
  /// Diversion, ... (RFC 3261 §20, RFC 3325, RFC 5806).
  /// - Throws: `malformed`.
  package func nameAddresses(_ name: HeaderName) throws(HeaderError) -> [NameAddress] {
    var addresses: [NameAddress] = []
    for line in lines(name) {
      do throws(HeaderError) { addresses += try NameAddress.list(line) } catch { throw error.inField(name) }
      guard addresses.count <= mostValues else {
        throw HeaderError(.malformed, "\(name.text): more than \(mostValues) values")
      }
    }
    return addresses
  }

  /// Every element of a header whose values are tokens: Supported, Require, Allow, ...; also its parameters, as they
  /// stand. Empty if it is missing.
  package func tokens(_ name: HeaderName) -> [String] { lines(name).flatMap { splitHeaderList($0) } }

  /// Content-Type's media type in lower case and without parameters, such as `application/sdp`; nil if it is missing.
  package var contentType: String? {
    guard let text = self["Content-Type"] else { return nil }
    let type = text.prefix { $0 != ";" }.utf8.filter { $0 != 0x20 && $0 != 0x09 }
    return type.isEmpty ? nil : String(decoding: type, as: UTF8.self).asciiLowercased
  }

  /// The one line of a field that may stand once.
  func onlyLine(_ name: HeaderName) throws(HeaderError) -> String {
    var found: String?
    for field in fields where field.name == name {
      if found != nil { throw HeaderError(.repeated, "\(name.text) stands several times") }
      found = field.value
    }
    guard let found else { throw HeaderError(.missing, "\(name.text) is missing") }
    return found
  }

  private func single(_ name: HeaderName) throws(HeaderError) -> NameAddress {
    let text = try onlyLine(name)
    do throws(HeaderError) { return try NameAddress(text) } catch { throw error.inField(name) }
  }
}

extension NameAddress {
  /// A Contact's own `expires` in seconds; nil if there is none, 3600 if it is no number below 2^32
  /// (RFC 3261 §10.3 step 6).
  package var expires: Int? { parameters["expires"].map { deltaSeconds($0) ?? 3600 } }

  /// A Contact's `q` in thousandths, 0 to 1000 (RFC 3261 §20.10); nil if there is none or it is malformed.
  package var thousandthsOfQ: Int? {
    guard let text = parameters["q"] else { return nil }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, whole == "0" || whole == "1" else { return nil }
    let digits = parts.count == 2 ? String(parts[1]) : ""
    guard digits.utf8.count <= 3, digits.isEmpty || digits.isDigits else { return nil }
    let fraction = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 0
    let value = (whole == "1" ? 1000 : 0) + fraction
    return value <= 1000 ? value : nil
  }
}

/// `delta-seconds` (RFC 3261 §25.1): digits, below 2^32.
func deltaSeconds(_ text: String) -> Int? {
  guard let number = decimal(Array(text.utf8)[...]), number < 1 << 32 else { return nil }
  return Int(number)
}
