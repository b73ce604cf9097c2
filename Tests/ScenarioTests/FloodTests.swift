import Disk
import Testing

extension ScenarioTests {
  /// A minute of `tools/soak flood`: emergency calls go on while strangers flood the line, all of them succeed, and
  /// the memory does not grow.
  @Test func callsInAFlood() async throws {
    try await Scene.play("flood") { scene in
      let folder = joined(Surroundings.package, "tools/soak.d")
      let flooder = scene.path("flooder")
      let built = try await scene.run(["clang", "-std=gnu11", "-O2", joined(folder, "flood.c"), "-o", flooder])
      try demand(built.code == 0, "clang: \(built.lines)")
      let calls = try scene.start(
        "flood-calls",
        [
          "python3", joined(folder, "flood-calls.py"), joined(Surroundings.programs, "pikett"), flooder, "30", "5000",
          "1",
        ],
        environment: ["PIKETT_DATA": Surroundings.data])
      let code = try await calls.exit(within: .seconds(150))
      let lines = await calls.lines
      try demand(code == 0, lines.joined(separator: "\n"))
    }
  }
}
