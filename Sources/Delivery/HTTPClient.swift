import CCurl
package import Site
import Synchronization
import Telephony

/// What came back from a provider.
package enum HTTPResult: Hashable, Sendable {
  /// An answer, and the beginning of its body (64 KB at most).
  case answered(status: Int, body: [UInt8])
  /// No answer, and why, without a secret.
  case failed(String)
}

/// Sends HTTP requests by libcurl, one at a time: certificates verified, no redirects, time limited.
package struct HTTPClient: Sendable {
  /// The largest part of an answer that is read, in bytes.
  static let bodyLimit = 64 * 1024

  /// The library wants to be started once a process.
  private static let isStarted: Bool = ccurl_start() == CURLE_OK

  package init() {}

  /// Sends a request and waits for the answer, as long as the request's timeout allows.
  package func send(_ request: HTTPRequestDescription) -> HTTPResult {
    guard HTTPClient.isStarted, let handle = ccurl_new() else { return .failed("libcurl cannot be started") }
    defer { ccurl_free(handle) }
    var headers: UnsafeMutablePointer<curl_slist>?
    defer { curl_slist_free_all(headers) }
    // Expect: a gateway that does not know it would cost a second of waiting.
    let lines = request.headers.map { "\($0.name): \($0.value.secret)" } + ["Expect:"]
    for line in lines {
      guard !line.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 }) else {
        return .failed("a header holds a line break or another control character")
      }
      headers = curl_slist_append(headers, line)
    }
    let milliseconds = Int(clamping: max(1, request.timeout.milliseconds))
    var setUp = [
      ccurl_set_cautious(handle), ccurl_set_url(handle, request.url.secret), ccurl_set_headers(handle, headers),
      ccurl_set_timeouts(handle, milliseconds, milliseconds), ccurl_set_user_agent(handle, "Pikett"),
    ]
    if let body = request.body?.secret {
      // The body first: it makes the request a POST, whose name the method then replaces.
      setUp.append(ccurl_set_body(handle, body, Int64(body.count)))
      setUp.append(ccurl_set_method(handle, request.method.rawValue))
    } else if request.method != .get {
      setUp.append(ccurl_set_body(handle, [], 0))
      setUp.append(ccurl_set_method(handle, request.method.rawValue))
    }
    if let failure = setUp.first(where: { $0 != CURLE_OK }) { return .failed(problem(failure)) }
    return perform(handle)
  }

  private func perform(_ handle: UnsafeMutableRawPointer) -> HTTPResult {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: HTTPClient.bodyLimit) { space in
      var body = ccurl_body(bytes: space.baseAddress, count: 0, capacity: space.count)
      let code = withUnsafeMutablePointer(to: &body) { body in
        let code = ccurl_set_target(handle, body)
        return code == CURLE_OK ? ccurl_perform(handle) : code
      }
      let bytes = Array(space.prefix(body.count))
      // A body that goes on beyond what is read ends the transfer with a write error; its beginning counts.
      let isCut = code == CURLE_WRITE_ERROR && body.count == body.capacity
      let status = ccurl_status(handle)
      guard code == CURLE_OK || isCut, status > 0 else { return .failed(problem(code)) }
      return .answered(status: status, body: bytes)
    }
  }

  /// libcurl's words for the kind of error: they never quote a URL.
  private func problem(_ code: CURLcode) -> String { String(cString: ccurl_problem(code)) }
}
