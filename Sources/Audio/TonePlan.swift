/// The tones of one country, after the list of national tones that goes with ITU-T E.180 (Supplement 2).
struct TonePlan: Sendable {
  let country: String
  let ringing: Tone
  let busy: Tone
  let congestion: Tone

  static func of(_ country: String) -> TonePlan? {
    let name = country.lowercased() == "uk" ? "gb" : country.lowercased()
    return all.first { $0.country == name }
  }

  /// A country with one frequency, or one pair of them, for all three tones; cadences are on, off, on, off ... in ms.
  private init(
    _ country: String, _ frequencies: [Double], ring: [Int], busy: [Int], congestion: [Int],
    busyFrequencies: [Double]? = nil
  ) {
    self.country = country
    ringing = Self.tone(frequencies, ring)
    self.busy = Self.tone(busyFrequencies ?? frequencies, busy)
    self.congestion = Self.tone(busyFrequencies ?? frequencies, congestion)
  }

  private static func tone(_ frequencies: [Double], _ cadence: [Int]) -> Tone {
    Tone(cadence.enumerated().map { ToneSegment($0.offset % 2 == 0 ? frequencies : [], $0.element) })
  }

  static let all: [TonePlan] = [
    TonePlan("at", [420], ring: [1000, 5000], busy: [400, 400], congestion: [200, 200]),
    TonePlan(
      "au", [413, 438], ring: [400, 200, 400, 2000], busy: [375, 375], congestion: [375, 375], busyFrequencies: [425]),
    TonePlan("be", [425], ring: [1000, 3000], busy: [500, 500], congestion: [167, 167]),
    TonePlan("bg", [425], ring: [1000, 4000], busy: [500, 500], congestion: [250, 250]),
    TonePlan(
      "ca", [440, 480], ring: [2000, 4000], busy: [500, 500], congestion: [250, 250], busyFrequencies: [480, 620]),
    TonePlan("ch", [425], ring: [1000, 4000], busy: [500, 500], congestion: [200, 200]),
    TonePlan("cz", [425], ring: [1000, 4000], busy: [330, 330], congestion: [165, 165]),
    TonePlan("de", [425], ring: [1000, 4000], busy: [480, 480], congestion: [240, 240]),
    TonePlan("dk", [425], ring: [1000, 4000], busy: [500, 500], congestion: [200, 200]),
    TonePlan("ee", [425], ring: [1000, 4000], busy: [300, 300], congestion: [200, 200]),
    TonePlan(
      "es", [425], ring: [1500, 3000], busy: [200, 200], congestion: [200, 200, 200, 200, 200, 600]),
    TonePlan("fi", [425], ring: [1000, 4000], busy: [300, 300], congestion: [200, 200]),
    TonePlan("fr", [440], ring: [1500, 3500], busy: [500, 500], congestion: [250, 250]),
    TonePlan(
      "gb", [400, 450], ring: [400, 200, 400, 2000], busy: [375, 375], congestion: [400, 350, 225, 525],
      busyFrequencies: [400]),
    TonePlan("gr", [425], ring: [1000, 4000], busy: [300, 300], congestion: [200, 200]),
    TonePlan("hu", [425], ring: [1250, 3750], busy: [300, 300], congestion: [300, 300]),
    TonePlan("it", [425], ring: [1000, 4000], busy: [500, 500], congestion: [200, 200]),
    TonePlan("li", [425], ring: [1000, 4000], busy: [500, 500], congestion: [200, 200]),
    TonePlan("lt", [425], ring: [1000, 4000], busy: [350, 350], congestion: [200, 200]),
    TonePlan("nl", [425], ring: [1000, 4000], busy: [500, 500], congestion: [250, 250]),
    TonePlan("no", [425], ring: [1000, 4000], busy: [500, 500], congestion: [200, 200]),
    TonePlan("pl", [425], ring: [1000, 4000], busy: [500, 500], congestion: [500, 500]),
    TonePlan("pt", [425], ring: [1000, 5000], busy: [500, 500], congestion: [200, 200]),
    TonePlan("se", [425], ring: [1000, 5000], busy: [250, 250], congestion: [250, 750]),
    TonePlan(
      "us", [440, 480], ring: [2000, 4000], busy: [500, 500], congestion: [250, 250], busyFrequencies: [480, 620]),
  ]
}
