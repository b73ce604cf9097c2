import Demo
import Disk
import Testing

extension ScenarioTests {
  /// `Digest.txt`: a phone that knows SHA-256 (linphonec) registers by it where it is asked for, and by MD5 elsewhere. One
  /// that looks at the first question only and knows no more than MD5 (baresip 1.0) is why MD5 alone is the default.
  @Test(arguments: ["sha256", "md5"]) func registersByDigest(_ choice: String) async throws {
    try await Scene.play("digest-\(choice)") { scene in
      var site = TestSite(scene.path("site"))
      if choice != "md5" { site.files["Digest.txt"] = choice }
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let wire = try await Wire.listen(site.traffic, scene)
      let port = Ports.take()
      let configuration = """
        [sip]
        sip_port=\(port)
        use_ipv6=0
        default_proxy=0
        register_only_when_network_is_up=0
        [auth_info_0]
        username=731
        passwd=secret731
        realm=pikett
        [proxy_0]
        reg_proxy=<sip:127.0.0.1:\(site.port)>
        reg_identity=sip:731@127.0.0.1
        reg_expires=300
        reg_sendregister=1

        """
      try RealFilesystem().replace(scene.path("linphonerc"), Array(configuration.utf8), sync: false)
      // It ends with its input, so it gets one that stays open.
      let phone = try scene.start(
        "linphonec",
        [
          "sh", "-c",
          "mkfifo keys && mkdir -p .local/share/linphone && HOME=$PWD exec linphonec -c linphonerc <>keys",
        ])
      try await daemon.says("phone registered", "user=731", within: .seconds(20))
      let voice = try Surroundings.voice("demo-technician")
      let old = try await choice == "md5" ? Baresip.register("732", saying: voice, scene, daemon) : nil
      try await wire.stop()
      try await daemon.stop()
      phone.send(9)

      let rows = try await Wire.fields(
        ["sip.auth.algorithm", "udp.srcport"], of: wire.path, where: "sip.Method == REGISTER && sip.Authorization",
        scene)
      let isNew = { (row: [String]) in row[1] == "\(port)" }
      let expected = choice == "md5" ? "MD5" : "SHA-256"
      try #require(rows.contains(where: isNew) && rows.filter(isNew).allSatisfy { $0[0] == expected }, "\(rows)")
      let others = rows.filter { !isNew($0) }
      // Without a name it is MD5 (RFC 7616 §3.3).
      try #require(others.isEmpty == (old == nil) && others.allSatisfy { ["MD5", ""].contains($0[0]) }, "\(rows)")
    }
  }
}
