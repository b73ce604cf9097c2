#!/usr/bin/env python3
"""Writes a capture of one call: pcap2wave-capture.py FILE SECONDS. G.711 both ways, 20 ms packets, with its SIP."""
import random
import struct
import sys

path, seconds = sys.argv[1], int(sys.argv[2])
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
            f"m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n")


with open(path, "wb", buffering=1 << 20) as out:
    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    out.write(sip(start, CALLER, CALLED, "INVITE sip:799@192.0.2.2 SIP/2.0", "", sdp("192.0.2.1", 16384)))
    out.write(sip(start + 0.1, CALLED, CALLER, "SIP/2.0 200 OK", ";tag=b", sdp("192.0.2.2", 16386)))
    noise = generator.randbytes(1 << 20)
    heads = (head(CALLER, CALLED, 16384, 16386, 172), head(CALLED, CALLER, 16386, 16384, 172))
    for index in range(seconds * 50):
        for way in (0, 1):
            time = start + 0.2 + index * 0.02 + way * 0.007 + generator.random() * 0.004
            rtp = struct.pack(">BBHII", 0x80, 8, index & 0xFFFF, index * 160 & 0xFFFFFFFF, 0xAA00 + way)
            place = (index * 331 + way * 77_777) % (len(noise) - 160)
            out.write(record(time, heads[way] + rtp + noise[place:place + 160]))
    out.write(sip(start + 0.3 + seconds, CALLER, CALLED, "BYE sip:799@192.0.2.2 SIP/2.0", ";tag=b"))
