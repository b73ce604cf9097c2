"""The captures of data/fixtures/captures/varieties.tsv: one talk in every wrapping, codec and disorder.

The talk: INVITE at 0, 200 at 30 ms; from 50 ms on the caller's words (0.8 s), from 112 ms on the technician's (0.6 s);
BYE at 1 s. WAV time 0 is the first packet's, 50 ms."""

import gzip
import os
import random
import struct

import srtp
from calls import (CALLED, CALLER, ETHERNET, FOLDER, START, Capture, description, ethernet, ip, kept_words, kind,
                   linear_words, linux_sll, words, write)

A, B = (CALLER, 16_384), (CALLED, 30_000)
SIP_A, SIP_B = (CALLER, 5060), (CALLED, 5060)
SIX_A, SIX_B = ("2001:db8::10", 16_384), ("2001:db8::20", 30_000)
SIX_SIP = ("2001:db8::10", 5060), ("2001:db8::20", 5060)


def save(name, data):
    os.makedirs(f"{FOLDER}/varieties", exist_ok=True)
    write("varieties/" + name, data)


class Talk(Capture):
    """A capture whose RTP may be disordered and whose timestamps count as the codec's clock does."""

    def stream(self, begin, source, target, payloads, payload_type=8, ssrc=0x1001, step=160, every=20, sequence=4000,
               timestamp=160_000, lost=(), marks=(0,), protect=bytes):
        """A packet every `every` ms; payloads that are None are pauses."""
        for index, payload in enumerate(payloads):
            if payload is None or index in lost:
                continue
            marker = 0x80 if index in marks else 0
            packet = struct.pack(">BBHII", 0x80, marker | payload_type, sequence + index & 0xFFFF,
                                 timestamp + step * index & 0xFFFFFFFF, ssrc) + payload
            self.add(begin + every * index, source, target, protect(packet))

    def words(self, a=A, b=B, payload_type=8, left=None, right=None, **more):
        self.stream(50, a, b, left or words("caller", payload_type), payload_type, 0x1001, **more)
        self.stream(112, b, a, right or words("technician", payload_type), payload_type, 0x2001, **more)


    def answer(self):
        """The technician's words alone."""
        self.stream(112, B, A, words("technician"), ssrc=0x2001)


def talk(*frame, a=A, b=B, signalling=None, types="8", lines=(), payload_type=8, left=None, right=None, step=160,
         every=20, **network):
    """The talk in one wrapping and codec."""
    capture = Talk(*frame, **network)
    capture.call(0, 1000, "words@example.net", (a, b), types, signalling, lines=lines)
    capture.words(a, b, payload_type, left, right, step=step, every=every)
    return capture


# Link layers.

MACS = bytes.fromhex("020000000002020000000001")
vlan = lambda packet: MACS + b"\x81\x00\x00\x07" + kind(packet) + packet
qinq = lambda packet: MACS + b"\x88\xa8\x00\x64\x81\x00\x00\x07" + kind(packet) + packet
raw = lambda packet: packet
bsd_null = lambda packet: struct.pack("<I", 2 if packet[0] >> 4 == 4 else 24) + packet
bsd_loop = lambda packet: struct.pack(">I", 2 if packet[0] >> 4 == 4 else 24) + packet
linux_sll2 = lambda packet: kind(packet) + bytes.fromhex("0000" "00000003" "0001" "00" "06" "0200000000010000") + packet


# File formats.


def pcap(records, order="<", nanoseconds=False, link=ETHERNET):
    magic, factor = (0xA1B23C4D, 1000) if nanoseconds else (0xA1B2C3D4, 1)
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262_144, link)
    for time, frame in sorted(records, key=lambda record: record[0]):
        parts = (time // 1_000_000, time % 1_000_000 * factor, len(frame), len(frame))
        data += struct.pack(order + "IIII", *parts) + frame
    return data


def section(interfaces, order="<"):
    """A section of a pcapng file; interfaces: (link, exponent of the resolution, offset in s, records, simple)."""
    block = lambda type_, body: (
        struct.pack(order + "II", type_, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body)))
    padded = lambda data: data + b"\0" * (-len(data) % 4)
    data = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    records = []
    for number, (link, exponent, offset, own) in enumerate(interfaces):
        options = struct.pack(order + "HHB3x", 9, 1, exponent) + struct.pack(order + "HHq", 14, 8, offset)
        data += block(1, struct.pack(order + "HHI", link, 0, 262_144) + options + bytes(4))
        records += [(time, number, exponent, offset, frame) for time, frame in own]
    for time, number, exponent, offset, frame in sorted(records, key=lambda record: record[0]):
        units = (time - offset * 1_000_000) * 10**exponent // 1_000_000
        head = struct.pack(order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, len(frame), len(frame))
        # A comment, as editors leave them.
        data += block(6, head + padded(frame) + struct.pack(order + "HH4sHH", 1, 4, b"note", 0, 0))
    # Interface statistics, which hold no packet.
    return data + block(5, struct.pack(order + "IIIHH", 0, 0, 0, 0, 0))


def formats():
    records = talk().records
    save("us-little.pcap", pcap(records))
    save("us-big.pcap", pcap(records, ">"))
    save("ns-little.pcap", pcap(records, nanoseconds=True))
    save("ns-big.pcap", pcap(records, ">", nanoseconds=True))
    caller = [record for record in records if b"\x10\x01" == record[1][52:54]]
    rest = [record for record in records if record not in caller]
    cooked = [(time, linux_sll(frame[14:])) for time, frame in caller]
    save("interfaces.pcapng", section([(ETHERNET, 6, 0, rest), (113, 9, 1_600_000_000, cooked)]))
    middle = START + 400_000
    early, late = ([r for r in records if (r[0] < middle) == is_early] for is_early in (True, False))
    second = section([(101, 3, 0, []), (ETHERNET, 9, 0, late)], ">")
    save("sections.pcapng", section([(ETHERNET, 6, 0, early)]) + second)
    save("gzip.pcap.gz", gzip.compress(pcap(records), mtime=0))
    save("gzip.pcapng.gz", gzip.compress(section([(ETHERNET, 6, 0, records)]), mtime=0))
    save("cut-off.pcap", pcap(records)[:-4000])
    save("cut-off.pcapng", section([(ETHERNET, 6, 0, records)])[:-4000])
    whole = gzip.compress(pcap(records), mtime=0)
    save("cut-off.pcap.gz", whole[: len(whole) * 3 // 4])


def links():
    six = dict(a=SIX_A, b=SIX_B, signalling=SIX_SIP)
    save("vlan.pcap", pcap(talk(vlan).records))
    save("qinq.pcap", pcap(talk(qinq).records))
    save("cooked.pcap", pcap(talk(linux_sll).records, link=113))
    save("cooked-2.pcap", pcap(talk(linux_sll2).records, link=276))
    save("raw.pcap", pcap(talk(raw).records, link=101))
    save("raw-6.pcap", pcap(talk(raw, **six).records, link=101))
    save("null.pcap", pcap(talk(bsd_null, **six).records, link=0))
    save("loop.pcap", pcap(talk(bsd_loop).records, ">", link=108))


def network():
    # Router alert and padding.
    save("options.pcap", pcap(talk(options=b"\x94\x04\0\0" + b"\1" * 8).records))
    hops, destination = b"\x05\x02\0\0\1\0", b"\1\x0c" + bytes(12)
    six = dict(a=SIX_A, b=SIX_B, signalling=SIX_SIP)
    save("extensions.pcap", pcap(talk(extensions=[(0, hops), (60, destination)], **six).records))
    # Each first fragment comes last, and some fragments come twice.
    records = []
    for number, (time, frame) in enumerate(talk(mtu=140).records):
        is_first = frame[20] & 0x3F == 0x20 and frame[21] == 0
        records.append((time + (9 if is_first else 0), frame))
        if number % 20 == 0:
            records.append((time + 10, frame))
    save("fragments-4.pcap", pcap(records))
    headers = [f"X-Route-{index}: " + "x" * 60 for index in range(20)]
    capture = Talk()
    capture.call(0, 1000, "words@example.net", (SIX_A, SIX_B), "8", SIX_SIP, headers=headers)
    capture.words(SIX_A, SIX_B)
    save("fragments-6.pcap", pcap(capture.records))


# SIP over TCP.


class TCPTalk(Talk):
    """What `add` would send from or to port 5060 goes into a TCP stream instead."""

    def __init__(self):
        super().__init__()
        self.next = {}

    def segment(self, milliseconds, source, target, data, flags=0x18, at=None):
        offset = self.next.setdefault(source, 0xFFFF_FF00)
        number = offset if at is None else at
        header = struct.pack(">HHIIBBHHH", source[1], target[1], number & 0xFFFFFFFF, 0, 0x50, flags, 65535, 0, 0)
        for packet in ip(source, target, header + data, 6):
            self.records.append((START + round(milliseconds * 1000), ethernet(packet)))
        if at is None:
            self.next[source] = offset + len(data) + (1 if flags & 2 else 0)

    def add(self, milliseconds, source, target, payload):
        if source[1] != 5060:
            return super().add(milliseconds, source, target, payload)
        begin = self.next.setdefault(source, 0xFFFF_FF00)
        self.next[source] = begin + len(payload)
        # The middle comes last, the first part twice, and the last again together with the middle: an overlap.
        cuts = [0, len(payload) // 3, 2 * len(payload) // 3, len(payload)]
        parts = [(begin + cuts[n], payload[cuts[n] : cuts[n + 1]]) for n in range(3)]
        overlap = (begin + cuts[1], payload[cuts[1] :])
        for index, (at, data) in enumerate([parts[2], parts[0], parts[0], parts[1], overlap]):
            self.segment(milliseconds + index * 0.1, source, target, data, at=at)


def tcp():
    capture = TCPTalk()
    capture.segment(-3, SIP_A, SIP_B, b"", 0x02)
    capture.segment(-2, SIP_B, SIP_A, b"", 0x12)
    capture.segment(-1, SIP_A, SIP_B, b"", 0x10)
    # A ping of RFC 5626, and its pong.
    capture.segment(-0.5, SIP_A, SIP_B, b"\r\n\r\n")
    capture.segment(-0.4, SIP_B, SIP_A, b"\r\n")
    capture.call(0, 1000, "words@example.net", (A, B), "8")
    capture.words()
    save("tcp.pcap", pcap(capture.records))
    capture = TCPTalk()
    # The capture began while the connection was up, in the middle of a message.
    capture.segment(-50, SIP_A, SIP_B, b"a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n")
    capture.call(0, 1000, "words@example.net", (A, B), "8")
    capture.words()
    save("tcp-midway.pcap", pcap(capture.records))


# Without the usual SIP.


def without_sip():
    capture = Talk()
    capture.words()
    save("no-sip.pcap", pcap(capture.records))
    generator = random.Random(5)
    # Among other traffic: names, an encrypted tunnel, a game.
    for index in range(40):
        payload = generator.randbytes(60 + index)
        capture.add(20 * index, (CALLER, 40_000 + index % 3), ("203.0.113.9", (53, 4500, 27_015)[index % 3]), payload)
    save("no-sip-crowd.pcap", pcap(capture.records))
    local, remote = (CALLER, 16_386), (CALLED, 16_388)
    for name, has_answer in (("innovaphone.pcap", True), ("innovaphone-invite.pcap", False)):
        capture = Talk()
        capture.sip(0, SIP_A, SIP_B, f"INVITE sip:1@{CALLED} SIP/2.0", "dummy", "1 INVITE", answered=False,
                    sdp=description(local, "8", ()))
        if has_answer:
            capture.sip(1, SIP_B, SIP_A, "SIP/2.0 200 OK", "dummy", "1 INVITE", sdp=description(remote, "8", ()))
        capture.words(local, remote)
        save(name, pcap(capture.records))
    capture = Talk()
    capture.words(local, remote)
    save("innovaphone-bare.pcap", pcap(capture.records))


# Codecs.


def big_endian(samples):
    return struct.pack(f">{len(samples)}h", *samples)


def linear(name, rate, packet):
    """L16 at a multiple of 8000 Hz, `packet` ms a packet."""
    samples, size = linear_words(name, rate // 8000), rate * packet // 1000
    return [big_endian(samples[start : start + size]) for start in range(0, len(samples), size)]


def codecs():
    both = lambda codec: dict(left=kept_words("caller", codec), right=kept_words("technician", codec))
    save("pcmu.pcap", pcap(talk(types="0", payload_type=0).records))
    save("g722.pcap", pcap(talk(types="9", payload_type=9, **both("g722")).records))
    save("gsm.pcap", pcap(talk(types="3", payload_type=3, **both("gsm")).records))
    save("g729.pcap", pcap(talk(types="18", payload_type=18, **both("g729")).records))
    lines = ["a=rtpmap:107 opus/48000/2", "a=fmtp:107 useinbandfec=1"]
    save("opus.pcap", pcap(talk(types="107", lines=lines, payload_type=107, step=960, **both("opus")).records))
    wide = lambda rate: dict(
        left=linear("caller", rate, 20), right=linear("technician", rate, 20)[:10], step=rate // 50)
    save("l16.pcap", pcap(talk(types="98", lines=["a=rtpmap:98 L16/8000"], payload_type=98, **wide(8000)).records))
    save("l16-wide.pcap",
         pcap(talk(types="98", lines=["a=rtpmap:98 L16/16000/1"], payload_type=98, **wide(16_000)).records))
    # 1920 bytes of sound a packet: more than Ethernet carries in one.
    save("l16-fragments.pcap", pcap(talk(types="98", lines=["a=rtpmap:98 L16/48000"], payload_type=98, mtu=1500,
                                         **wide(48_000)).records[:60]))
    capture = Talk()
    capture.call(0, 1000, "words@example.net", (A, B), "96 8", lines=["a=rtpmap:96 AMR-WB/16000"])
    capture.stream(50, A, B, [bytes([240] * 24)] * 40, 96, step=320)
    capture.answer()
    save("unknown-codec.pcap", pcap(capture.records))
    noise = words("caller")
    capture = Talk()
    capture.call(0, 1000, "words@example.net", (A, B), "8 13")
    # 200 ms of words, 200 ms of comfort noise (RFC 3389, -60 dBov) told once, the rest of the words.
    capture.stream(50, A, B, noise[:10] + [None] * 10 + noise[20:], sequence=4000, marks=(0, 20))
    capture.stream(50, A, B, [None] * 10 + [bytes([60])], 13, marks=())
    capture.answer()
    save("comfort-noise.pcap", pcap(capture.records))


def keys():
    capture = Talk()
    lines = ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
    capture.call(0, 1000, "words@example.net", (A, B), "8 101", lines=lines)
    capture.stream(50, A, B, words("caller"), lost=range(10, 20))
    capture.key(50 + 200, A, B, 5, 10, 0x1001, 8)
    capture.answer()
    save("keys.pcap", pcap(capture.records))


def encrypted():
    sides = [srtp.Sender(bytes(range(first, first + 30))) for first in (1, 101)]
    capture = Talk()
    for milliseconds, source, target, line, media, side in (
        (0, SIP_A, SIP_B, f"INVITE sip:799@{CALLED} SIP/2.0", A, sides[0]),
        (30, SIP_B, SIP_A, "SIP/2.0 200 OK", B, sides[1]),
    ):
        crypto = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{side.inline}"
        sdp = description(media, "8", [crypto]).replace("RTP/AVP", "RTP/SAVP")
        capture.sip(milliseconds, source, target, line, "words@example.net", "1 INVITE", milliseconds > 0, sdp)
    capture.stream(50, A, B, words("caller"), sequence=65_530, protect=Rollover(sides[0]))
    capture.stream(112, B, A, words("technician"), ssrc=0x2001, protect=sides[1].protect)
    save("srtp.pcap", pcap(capture.records))


class Rollover:
    """Counts how often the sequence numbers have begun anew."""

    def __init__(self, sender):
        self.sender, self.last, self.count = sender, 0, 0

    def __call__(self, packet):
        sequence = struct.unpack(">H", packet[2:4])[0]
        self.count += sequence < self.last
        self.last = sequence
        return self.sender.protect(packet, self.count)


# Disorder.


def disorder():
    said = words("caller")

    def one(name, add):
        capture = Talk()
        capture.call(0, 1000, "words@example.net", (A, B), "8")
        add(capture)
        capture.answer()
        save(name, pcap(capture.records))

    def late(capture):
        generator = random.Random(7)
        for index, payload in enumerate(said):
            delay = 0 if index == 0 else generator.uniform(0, 60)
            capture.stream(50 + 20 * index + delay, A, B, [payload], sequence=4000 + index,
                           timestamp=160_000 + 160 * index)

    def twice(capture):
        capture.stream(50, A, B, said)
        for index in range(0, 40, 2):
            capture.stream(57 + 20 * index, A, B, [said[index]], sequence=4000 + index, timestamp=160_000 + 160 * index)

    def other_ssrc(capture):
        capture.stream(50, A, B, said[:20])
        capture.stream(450, A, B, said[20:], ssrc=0xABCD, sequence=9, timestamp=77)

    def jump(capture):
        capture.stream(50, A, B, said[:20])
        capture.stream(450, A, B, said[20:], sequence=4020, timestamp=3_000_000_000)

    def packet_time(capture):
        capture.stream(50, A, B, said[:16])
        long = [b"".join(said[start : start + 3]) for start in range(16, 40, 3)]
        capture.stream(50 + 320, A, B, long, sequence=4016, timestamp=160_000 + 2560, step=480, every=60)

    def pauses(capture):
        # The words but for 300 ms, in which nothing is sent; sequence numbers go on, timestamps with the time.
        capture.stream(50, A, B, said[:12])
        capture.stream(50 + 540, A, B, said[27:], sequence=4012, timestamp=160_000 + 27 * 160)

    one("reordered.pcap", late)
    one("duplicates.pcap", twice)
    one("wrap-around.pcap", lambda capture: capture.stream(50, A, B, said, sequence=65_520, timestamp=2**32 - 1600))
    one("lost.pcap", lambda capture: capture.stream(50, A, B, said, lost=range(15, 20)))
    one("ssrc-change.pcap", other_ssrc)
    one("timestamp-jump.pcap", jump)
    one("ptime-change.pcap", packet_time)
    one("dtx.pcap", pauses)
    # Ringing comes from the network, then the technician from his phone.
    capture = Talk()
    capture.call(0, 1500, "words@example.net", (A, B), "8")
    capture.stream(50, A, B, said)
    capture.stream(60, B, A, words("technician")[:10], ssrc=0x7001)
    capture.stream(700, B, A, words("technician"), ssrc=0x2001, sequence=7, timestamp=5)
    save("ringing-then-talk.pcap", pcap(capture.records))


for make in (formats, links, network, tcp, without_sip, codecs, keys, encrypted, disorder):
    make()
