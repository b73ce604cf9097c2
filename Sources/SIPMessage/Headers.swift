import Telephony

/// The header fields of a message in their order, each line a name and its raw (unfolded, trimmed) value.
///
/// Several values in one comma-separated line stay one line here; the typed readers (`Headers+Typed.swift`) split them.
package struct Headers: Hashable, Sendable {
  package struct Field: Hashable, Sendable {
    package var name: HeaderName
    package var value: String
    package init(_ name: HeaderName, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package var fields: [Field] = []

  package init() {}
  package init(_ fields: [(HeaderName, String)]) { self.fields = fields.map { Field($0.0, $0.1) } }

  /// The first line called `name`; setting replaces all lines of that name in the first one's place (or appends),
  /// nil removes them.
  package subscript(name: HeaderName) -> String? {
    get { fields.first { $0.name == name }?.value }
    set {
      let place = fields.firstIndex { $0.name == name } ?? fields.count
      fields.removeAll { $0.name == name }
      if let newValue { fields.insert(Field(name, newValue), at: min(place, fields.count)) }
    }
  }

  /// Every line called `name`, in order.
  package func lines(_ name: HeaderName) -> [String] { fields.filter { $0.name == name }.map(\.value) }

  package func has(_ name: HeaderName) -> Bool { fields.contains { $0.name == name } }

  /// Appends a line.
  package mutating func add(_ name: HeaderName, _ value: String) { fields.append(Field(name, value)) }

  /// Puts a line before the first one of its name, or at the very front.
  package mutating func prepend(_ name: HeaderName, _ value: String) {
    fields.insert(Field(name, value), at: fields.firstIndex { $0.name == name } ?? 0)
  }
}
