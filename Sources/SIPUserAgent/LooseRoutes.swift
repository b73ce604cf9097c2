import SIPMessage

extension Headers {
  /// The proxies that these lines name (Service-Route, Path), in order.
  /// - Returns: nil if they cannot be used: damaged, too many, too long, or a strict router among them, which neither RFC
  ///   3608 §5 nor RFC 3327 §4 allows.
  func looseRoutes(_ name: HeaderName) -> [NameAddress]? {
    guard let routes = try? nameAddresses(name), routes.count <= 8 else { return nil }
    let areGood = routes.allSatisfy { route in
      route.uri.isSIP && route.uri.parameters.has("lr") && route.description.utf8.count <= 512
    }
    return areGood ? routes : nil
  }
}
