import Glibc

/// How far a reader has come in its file.
struct ReadingProgress {
  private let descriptor: Int32
  private let size: Double
  private let report: (Double) -> Void

  /// - Parameter descriptor: the reader's, by whose place in the file its progress is told.
  init(descriptor: Int32, report: @escaping (Double) -> Void) {
    self.descriptor = descriptor
    self.report = report
    var status = stat()
    size = fstat(descriptor, &status) == 0 ? Double(status.st_size) : 0
  }

  @inline(never)
  func tell() {
    let place = lseek(descriptor, 0, SEEK_CUR)
    if place >= 0, size > 0 { report(min(Double(place) / size, 1)) }
  }
}
