"""The captures without a table: plain calls, and two that were faults once."""

from calls import CALLED, CALLER, LINUX_SLL, Capture, linux_sll, pppoe, sound


def one_call(capture):
    a, b = (CALLER, 16_384), (CALLED, 30_000)
    capture.call(0, 700, "one@example.net", (a, b), "8 0")
    capture.rtp(50, a, b, sound(8, 300, 25), 8, 0x1001)
    capture.rtp(62, b, a, sound(8, 900, 30), 8, 0x2001)
    return capture


def two_calls():
    capture = Capture()
    a, b = (CALLER, 6000), (CALLED, 40_376)
    capture.call(0, 600, "first@example.net", (a, b), "0 8")
    capture.rtp(40, b, a, sound(0, 400, 25), 0, 0x3001)
    capture.call(1000, 1500, "second@example.net", (a, b), "8 0")
    capture.rtp(1040, b, a, sound(8, 700, 20), 8, 0x3002, lost={7})
    return capture


def keys():
    capture = Capture()
    a, b = (CALLER, 16_384), (CALLED, 30_000)
    lines = ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
    capture.call(0, 900, "keys@example.net", (a, b), "8 101", lines=lines)
    capture.rtp(50, a, b, sound(8, 300, 40), 8, 0x1001, lost=range(10, 18))
    # 120 ms and two repetitions of its end stand for the eight packets left out.
    capture.key(50 + 20 * 10, a, b, 1, 10, 0x1001, 6)
    capture.rtp(60, b, a, sound(8, 900, 40), 8, 0x2001)
    return capture


def session():
    capture = Capture()
    pikett = "203.0.113.5"
    caller_side, agent_side = (CALLER, 16_384), (CALLED, 30_000)
    left, right = (pikett, 20_000), (pikett, 20_002)
    identity = "Session-ID: 6f1d6e0c2a4b4b0a9a0d3c5b7e8f9a1b;remote=" + "0" * 32
    legs = ((CALLER, 5060), (pikett, 5060)), ((pikett, 5060), (CALLED, 5060))
    capture.call(0, 800, "one-caller@example.net", (caller_side, left), "8", legs[0], headers=[identity])
    capture.call(5, 801, "two-agent@example.net", (right, agent_side), "8", legs[1], headers=[identity])
    said, heard = sound(8, 300, 20), sound(8, 900, 20)
    capture.rtp(60, caller_side, left, said, 8, 0x1001)
    capture.rtp(60.5, right, agent_side, said, 8, 0x5001)
    capture.rtp(70, agent_side, right, heard, 8, 0x2001)
    capture.rtp(70.5, left, caller_side, heard, 8, 0x5002)
    return capture


def g729():
    capture = Capture()
    a, b = (CALLER, 6000), (CALLED, 40_376)
    capture.call(0, 400, "g729@example.net", (a, b), "18")
    capture.rtp(40, b, a, [bytes([index] * 20) for index in range(15)], 18, 0x3001)
    return capture


def rtp_only():
    capture = Capture(linux_sll, LINUX_SLL)
    capture.rtp(0, (CALLER, 6000), (CALLED, 6002), sound(8, 300, 15), 8, 0x6001)
    return capture


def fragments():
    capture = Capture(linux_sll, LINUX_SLL)
    a, b = ("2001:db8::10", 5060), ("2001:db8::20", 5060)
    capture.call(
        0, 5000, "parts@example.net", (("2001:db8::10", 16_384), ("2001:db8::20", 30_000)), "8 0", (a, b),
        headers=[f"X-Route-{index}: " + "x" * 60 for index in range(20)])
    return capture


one_call(Capture()).write_pcap("one-call.pcap")
one_call(Capture()).write_pcapng("one-call.pcapng")
one_call(Capture(pppoe)).write_pcap("pppoe.pcap", order=">")
two_calls().write_pcap("two-calls.pcap")
keys().write_pcap("keys.pcap")
session().write_pcap("session.pcap")
g729().write_pcap("g729.pcap")
rtp_only().write_pcap("rtp-only.pcap")
fragments().write_pcap("fragments.pcap")
