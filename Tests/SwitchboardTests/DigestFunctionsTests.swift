import SIPUserAgent
import Switchboard
import Telephony
import Testing

/// The published test vectors of RFC 1321 §A.5 and FIPS 180-4.
@Suite struct DigestFunctionsTests {
  @Test(arguments: [
    ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    (String(repeating: "1234567890", count: 8), "57edf4a22be3c955ac49da2e2107b67a"),
  ]) func md5(text: String, digest: String) {
    #expect(hexadecimal(DigestFunctions.libcrypto.md5(Array(text.utf8))) == digest)
  }

  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  ]) func sha256(text: String, digest: String) {
    #expect(hexadecimal(DigestFunctions.libcrypto.sha256(Array(text.utf8))) == digest)
  }
}
