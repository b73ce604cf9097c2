import Disk
import Telephony

/// The minutes that a scenario has lasted, as `date` writes them in the site's time zone: what tickets may be called.
struct Minutes {
  private let began = currentWallTime()

  /// `start_end` of everything that may have begun and ended since.
  func spans(_ scene: Scene) async throws -> [String] {
    let last = currentWallTime().unixSeconds / 60
    var minutes: [String] = []
    for minute in began.unixSeconds / 60...last {
      let words = ["env", "TZ=Europe/Rome", "date", "-d", "@\(minute * 60)", "+%d.%m.%Y_%H.%M"]
      minutes += try await scene.run(words, name: "date").lines.prefix(1)
    }
    return minutes.indices.flatMap { start in minutes[start...].map { "\(minutes[start])_\($0)" } }
  }
}
