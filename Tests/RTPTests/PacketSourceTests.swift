import RTP
import Telephony
import Testing

@Suite struct PacketSourceTests {
  @Test(arguments: ["192.0.2.1:5004", "[2001:db8::1]:30000", "255.255.255.255:65535", "[::1]:1"])
  func goesToEndpointAndBack(text: String) throws {
    let endpoint = try #require(Endpoint(text))
    #expect(PacketSource(endpoint).endpoint == endpoint)
  }

  @Test func mappedAddressesAreIPv4() throws {
    let mapped = PacketSource(try #require(Endpoint("[::ffff:192.0.2.1]:5004")))
    #expect(mapped == PacketSource(ipv4: 0xC000_0201, port: 5004))
    #expect(mapped.isIPv4)
    #expect(mapped.ipv4 == 0xC000_0201)
    #expect(mapped.endpoint?.description == "192.0.2.1:5004")
  }

  @Test func knowsNoAddress() throws {
    #expect(PacketSource(ipv4: 0, port: 9).isUnspecified)
    #expect(PacketSource(try #require(Endpoint("[::]:9"))).isUnspecified)
    #expect(!PacketSource(ipv4: 1, port: 9).isUnspecified)
  }

  @Test func portsDoNotCountForTheAddress() {
    let source = PacketSource(ipv4: 7, port: 1)
    #expect(source.hasAddress(of: PacketSource(ipv4: 7, port: 2)))
    #expect(!source.hasAddress(of: PacketSource(ipv4: 8, port: 1)))
  }
}
