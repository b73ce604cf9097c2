import Telephony
import Testing

@Suite struct CauseTests {
  /// RFC 3398 §8.2.6.1, line by line; 488 and 606 without a Warning, and what came after the RFC.
  @Test(
    arguments: [
      (400, 41), (401, 21), (402, 21), (403, 21), (404, 1), (405, 63), (406, 79), (407, 21), (408, 102), (410, 22),
      (413, 127), (414, 127), (415, 79), (416, 127), (420, 127), (421, 127), (423, 127), (480, 18), (481, 41),
      (482, 25),
      (483, 25), (484, 28), (485, 1), (486, 17), (487, 16), (488, 65), (500, 41), (501, 79), (502, 38), (503, 41),
      (504, 102), (505, 127), (513, 127), (600, 17), (603, 21), (604, 1), (606, 65), (607, 21), (608, 21),
      (302, 127), (499, 127), (599, 41), (699, 127),
    ] as [(Int, UInt8)])
  func ofASIPStatus(_ status: Int, _ cause: UInt8) {
    #expect(Cause(sipStatus: status).rawValue == cause)
  }

  /// RFC 3398 §7.2.4.1, line by line; 16 is no refusal and has no status of its own.
  @Test(
    arguments: [
      (1, 404), (2, 404), (3, 404), (16, 480), (17, 486), (18, 408), (19, 480), (20, 480), (21, 403), (22, 410),
      (23, 410),
      (26, 404), (27, 502), (28, 484), (29, 501), (31, 480), (34, 503), (38, 503), (41, 503), (42, 503), (47, 503),
      (55, 403), (57, 403), (58, 503), (65, 488), (70, 488), (79, 501), (87, 403), (88, 503), (102, 504), (111, 500),
      (127, 500), (99, 480),
    ] as [(UInt8, Int)])
  func asASIPStatus(_ cause: UInt8, _ status: Int) {
    #expect(Cause(rawValue: cause).sipStatus == status)
  }

  @Test func whateverComesHasAnAnswer() {
    for status in [Int.min, -1, 0, 99, 100, 200, 700, Int.max] { #expect(Cause(sipStatus: status).rawValue > 0) }
    for value in UInt8(0)...255 {
      #expect((400...699).contains(Cause(rawValue: value).sipStatus))
      #expect(!Cause(rawValue: value).text.isEmpty)
    }
  }

  @Test func aReasonSaysItInFull() {
    #expect(Cause.normalClearing.reasonHeader == "Q.850;cause=16;text=\"Normal call clearing\"")
    #expect(Cause.userBusy.text == "User busy")
    #expect(Cause(rawValue: 99).reasonHeader == "Q.850;cause=99;text=\"Cause 99\"")
    for value in UInt8(0)...255 { #expect(Cause(rawValue: value).text.utf8.allSatisfy { $0 != 0x22 && $0 != 0x5C }) }
  }
}
