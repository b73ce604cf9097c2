import Audio

func fuzzWAV(_ bytes: [UInt8]) throws(Broken) {
  guard let file = try? WAVE(bytes) else { return }
  try hold((1...64).contains(file.channels) && Resampler.rates.contains(file.sampleRate), "the format is in range")
  try hold(
    file.frames > 0 && file.frames * file.channels * file.encoding.bytes <= bytes.count, "the sound lies in the file")
  // A header of a few bytes may stretch a file to any length; the limit is for that.
  let limit = 2
  guard let sound = try? WAVE.telephoneSound(bytes, limit: limit) else {
    return try hold(file.frames / file.sampleRate > limit, "what is short enough has a sound")
  }
  let expected = Double(file.frames) * 8000 / Double(file.sampleRate)
  try hold(
    abs(Double(sound.count) - expected) <= 2, "\(file.frames) frames at \(file.sampleRate) Hz give \(sound.count)")
  try hold(file.channel(0).count == file.frames, "a channel has all frames")
  try hold(file.channel(file.channels).allSatisfy { $0 == 0 }, "a channel that is not there is silent")

  let header = WAVEHeader(channels: 1)
  let written =
    header.bytes(dataBytes: UInt64(sound.count * 2))
    + sound.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  guard !sound.isEmpty else { return }
  guard let again = try? WAVE(written) else { throw Broken(property: "what we write can be read") }
  try hold(again.channel(0) == sound, "a sound survives writing")
}
