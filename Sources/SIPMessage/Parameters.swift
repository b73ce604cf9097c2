import Telephony

/// `;name=value` parameters in their order; names are compared without regard to case (RFC 3261 §7.3.1).
package struct Parameters: Hashable, Sendable {
  /// One parameter; `value` is nil for a flag such as `lr`. Quotes of a quoted value are taken off when read.
  package struct Item: Hashable, Sendable {
    package let name: String
    package let value: String?
    /// True if a header writes the value in quotes: it came so (`+sip.instance` demands them), or it is neither token
    /// nor host.
    package let isQuoted: Bool

    init(name: String, value: String?, isQuoted: Bool = false) {
      self.name = name
      self.value = value
      self.isQuoted = value.map { isQuoted || $0.isEmpty || !$0.utf8.allSatisfy(ByteSet.bareValue.contains) } ?? false
    }
  }

  package private(set) var items: [Item] = []

  /// More are refused when read: look-ups go through all of them.
  static let most = 256

  package init() {}

  package var isEmpty: Bool { items.isEmpty }

  /// The value of `name`: nil if it is missing or a flag. Setting nil removes the parameter.
  package subscript(name: String) -> String? {
    get { items.first { $0.name.equalsIgnoringCase(name) }?.value }
    set {
      guard let newValue else { return items.removeAll { $0.name.equalsIgnoringCase(name) } }
      set(name, newValue)
    }
  }

  /// True if `name` stands there, with or without a value.
  package func has(_ name: String) -> Bool { items.contains { $0.name.equalsIgnoringCase(name) } }

  /// Sets `name` in place, or appends it; nil makes it a flag.
  package mutating func set(_ name: String, _ value: String?) {
    if let index = items.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) {
      items[index] = Item(name: items[index].name, value: value)
    } else {
      items.append(Item(name: name, value: value))
    }
  }

  /// For the parser: no search for an earlier one of that name; the first one counts.
  mutating func append(_ item: Item) { items.append(item) }

  /// As header parameters: values that are neither token nor host are quoted.
  var headerText: String {
    var text = ""
    for item in items {
      text += ";" + tokenOnly(item.name)
      guard let value = item.value else { continue }
      text += "=" + (item.isQuoted ? quotedString(value) : value)
    }
    return text
  }

  /// As URI parameters, which are kept with their escapes.
  var uriText: String {
    var text = ""
    for item in items {
      text += ";" + uriEscaped(item.name, .uriParameter)
      if let value = item.value { text += "=" + uriEscaped(value, .uriParameter) }
    }
    return text
  }
}

/// `text` with every byte that no token may hold as `-`.
func tokenOnly(_ text: String) -> String {
  if text.utf8.allSatisfy(ByteSet.token.contains) { return text }
  return String(decoding: text.utf8.map { ByteSet.token.contains($0) ? $0 : 0x2D }, as: UTF8.self)
}
