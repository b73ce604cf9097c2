#!/usr/bin/env python3
"""Writes a capture of one call: pcap2wave-capture.py FILE SECONDS [CODEC]. 20 ms packets both ways, with its SIP.

Without CODEC it is G.711, and noise; else g722, gsm, g729 or opus, and the words of data/fixtures/captures/payloads."""
import os
import random
import struct
import sys

path, seconds = sys.argv[1], int(sys.argv[2])
codec = sys.argv[3] if len(sys.argv) > 3 else "pcma"
payload_type, name, step = {"pcma": (8, "PCMA/8000", 160), "g722": (9, "G722/8000", 160), "gsm": (3, "GSM/8000", 160),
                            "g729": (18, "G729/8000", 160), "opus": (107, "opus/48000/2", 960)}[codec]
CALLER, CALLED = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
start = 1_350_000_000.0
generator = random.Random(799)


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def head(source, target, sport, dport, length):
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + length, 0, 0x4000, 64, 17, 0, source, target)
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    frame = b"\2\0" + target + b"\2\0" + source + b"\x08\0" + ip
    return frame + struct.pack(">HHHH", sport, dport, 8 + length, 0)


def record(time, frame):
    whole = int(time)
    return struct.pack("<IIII", whole, int((time - whole) * 1e6), len(frame), len(frame)) + frame


def sip(time, source, target, first, extra, sdp=""):
    lines = [first, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "From: <sip:03472619287@192.0.2.1>;tag=a",
             "To: <sip:799@192.0.2.2>" + extra, "Call-ID: bench@192.0.2.1", "Max-Forwards: 70"]
    lines.append("CSeq: 2 BYE" if first.startswith("BYE") else "CSeq: 1 INVITE")
    if sdp:
        lines.append("Content-Type: application/sdp")
    text = ("\r\n".join(lines) + f"\r\nContent-Length: {len(sdp)}\r\n\r\n" + sdp).encode()
    return record(time, head(source, target, 5060, 5060, len(text)) + text)


def sdp(address, port):
    return (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {payload_type}\r\na=rtpmap:{payload_type} {name}\r\n")


def payloads():
    """What is said, packet by packet; both sides say it, each from another place on."""
    if codec == "pcma":
        noise = generator.randbytes(1 << 20)
        return [noise[start:start + 160] for start in range(0, len(noise) - 160, 331)]
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/fixtures/captures/payloads")
    packets = []
    for who in ("caller", "technician"):
        with open(f"{folder}/{who}.{codec}", "rb") as file:
            data = file.read()
        while data:
            length = struct.unpack(">H", data[:2])[0]
            packets.append(data[2:2 + length])
            data = data[2 + length:]
    return packets


with open(path, "wb", buffering=1 << 20) as out:
    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    out.write(sip(start, CALLER, CALLED, "INVITE sip:799@192.0.2.2 SIP/2.0", "", sdp("192.0.2.1", 16384)))
    out.write(sip(start + 0.1, CALLED, CALLER, "SIP/2.0 200 OK", ";tag=b", sdp("192.0.2.2", 16386)))
    said = payloads()
    addresses = ((CALLER, CALLED, 16384, 16386), (CALLED, CALLER, 16386, 16384))
    heads = [[head(*one, 12 + length) for length in range(400)] for one in addresses]
    for index in range(seconds * 50):
        for way in (0, 1):
            time = start + 0.2 + index * 0.02 + way * 0.007 + generator.random() * 0.004
            rtp = struct.pack(">BBHII", 0x80, payload_type, index & 0xFFFF, index * step & 0xFFFFFFFF, 0xAA00 + way)
            payload = said[(index + way * 17) % len(said)]
            out.write(record(time, heads[way][len(payload)] + rtp + payload))
    out.write(sip(start + 0.3 + seconds, CALLER, CALLED, "BYE sip:799@192.0.2.2 SIP/2.0", ";tag=b"))
