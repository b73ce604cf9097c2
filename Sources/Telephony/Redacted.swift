/// A secret (password, digest secret, key) that no log, capture or error text can show by accident.
package struct Redacted<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The secret itself; whoever writes `.secret` has decided to use it.
  package let secret: Value

  package init(_ secret: Value) { self.secret = secret }

  package var description: String { "[redacted]" }
  package var debugDescription: String { "[redacted]" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Redacted: Equatable where Value: Equatable {}
extension Redacted: Hashable where Value: Hashable {}
