import ArgumentParser

/// A time from a call's beginning as people write it: `90`, `1:30`, `1:30.5`, `0:01:30`.
struct CallTime: ExpressibleByArgument, CustomStringConvertible {
  let nanoseconds: Int64

  init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Seconds and milliseconds.
  var description: String {
    let milliseconds = String(nanoseconds / 1_000_000 % 1000)
    return "\(nanoseconds / 1_000_000_000)." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
  }

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard (1...3).contains(parts.count), let last = parts.last else { return nil }
    let second = last.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(second.count), second[0].isNumber || (second.count == 2 && second[0].isEmpty) else {
      return nil
    }
    let fraction = second.count == 2 ? second[1] : "0"
    guard fraction.isNumber else { return nil }
    // Hours that fit a file: 9 digits of them do not overflow.
    var seconds: Int64 = 0
    for (index, part) in (parts.dropLast() + [second[0].isEmpty ? "0" : second[0]]).enumerated() {
      guard part.isNumber, part.utf8.count <= 9, let number = Int64(part), index == 0 || number < 60 else { return nil }
      seconds = seconds * 60 + number
    }
    guard seconds < 1_000_000_000 else { return nil }
    let digits = fraction.prefix(9)
    guard var part = Int64(digits) else { return nil }
    for _ in digits.count..<9 { part *= 10 }
    nanoseconds = seconds * 1_000_000_000 + part
  }
}

extension Substring {
  fileprivate var isNumber: Bool { !isEmpty && utf8.allSatisfy { (48...57).contains($0) } }
}
