import SIPMessage

/// What stands at a place of a message, in words: `from.tag`, `via.2.transport`, `contact.1.param.expires`,
/// `header.Subject`. Nil if it cannot be read; `none` if there is nothing.
func meaning(_ place: String, of message: Message) -> String? {
  let parts = place.split(separator: ".", maxSplits: 1).map(String.init)
  let rest = parts.count == 2 ? parts[1] : ""
  let headers = message.headers
  switch parts[0] {
  case "method", "uri": return requestMeaning(parts[0], rest, message)
  case "status", "reason":
    guard case .response(let response) = message else { return nil }
    return parts[0] == "status" ? "\(response.status)" : response.reason
  case "from": return (try? headers.from()).flatMap { meaning(rest, of: $0) }
  case "to": return (try? headers.to()).flatMap { meaning(rest, of: $0) }
  case "contact": return (try? headers.contacts()).flatMap { element(rest, $0) { meaning($0, of: $1) } }
  case "route": return (try? headers.nameAddresses("Route")).flatMap { element(rest, $0) { meaning($0, of: $1) } }
  case "via": return (try? headers.vias()).flatMap { element(rest, $0) { meaning($0, of: $1) } }
  case "call-id": return headers.callID ?? "none"
  case "cseq": return (try? headers.cseq())?.description
  case "max-forwards": return (try? headers.maxForwards()).map { $0.map { "\($0)" } ?? "none" }
  case "content-type": return headers.contentType ?? "none"
  case "body": return "\(message.body.count)"
  case "header": return headers[HeaderName(rest)] ?? "none"
  default: return nil
  }
}

private func requestMeaning(_ part: String, _ rest: String, _ message: Message) -> String? {
  guard case .request(let request) = message else { return nil }
  return part == "method" ? request.method.token : meaning(rest, of: request.uri)
}

/// `count`, or the place within the element of that number, from 1.
private func element<Value>(_ rest: String, _ values: [Value], _ meaning: (String, Value) -> String?) -> String? {
  if rest == "count" { return "\(values.count)" }
  let parts = rest.split(separator: ".", maxSplits: 1).map(String.init)
  guard parts.count == 2, let number = Int(parts[0]), values.indices.contains(number - 1) else { return nil }
  return meaning(parts[1], values[number - 1])
}

private func meaning(_ place: String, of address: NameAddress) -> String? {
  switch place {
  case "name": address.displayName ?? "none"
  case "tag": address.tag ?? "none"
  case "uri": address.uri.description
  case "q": address.thousandthsOfQ.map { "\($0)" } ?? "none"
  default: parameter(place, address.parameters) ?? meaning(place, of: address.uri)
  }
}

private func meaning(_ place: String, of via: Via) -> String? {
  switch place {
  case "transport": via.transport
  case "host": via.host
  case "port": via.port.map { "\($0)" } ?? "none"
  case "branch": via.branch ?? "none"
  default: parameter(place, via.parameters)
  }
}

private func meaning(_ place: String, of uri: SIPURI) -> String? {
  switch place {
  case "": uri.description
  case "scheme": uri.scheme
  case "user": uri.user ?? "none"
  case "password": uri.password ?? "none"
  case "host": uri.host
  case "port": uri.port.map { "\($0)" } ?? "none"
  case "opaque": uri.opaque ?? "none"
  default: parameter(place, uri.parameters)
  }
}

/// `param.NAME`: its value, `yes` for a flag.
private func parameter(_ place: String, _ parameters: Parameters) -> String? {
  guard place.hasPrefix("param.") else { return nil }
  let name = String(place.dropFirst("param.".count))
  return parameters.has(name) ? parameters[name] ?? "yes" : "none"
}
