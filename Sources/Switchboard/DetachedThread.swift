import Glibc

/// Runs blocking work that belongs on no existing thread: waiting for a child, or for other threads to end.
enum DetachedThread {
  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Runs `body` on a thread of its own; on the caller's, should there be no thread to be had.
  static func run(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body))
    guard pthread_create(&thread, nil, detachedThread, work.toOpaque()) == 0 else {
      work.release()
      return body()
    }
    pthread_detach(thread)
  }

  fileprivate static func enter(_ context: UnsafeMutableRawPointer) {
    Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
  }
}

/// A thread's entry must be a top-level function: a closure may be inferred to belong to the main actor.
private func detachedThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let context { DetachedThread.enter(context) }
  return nil
}
