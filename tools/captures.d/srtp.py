"""SRTP (RFC 3711) with AES_CM_128_HMAC_SHA1_80, slowly, and with nothing but the standard library."""

import base64
import hashlib
import hmac


def double(value):
    return (value << 1 ^ (0x11B if value & 0x80 else 0)) & 0xFF


def s_box():
    box, p, q = [0] * 256, 1, 1
    while True:
        p ^= double(p)
        for shift in (1, 2, 4):
            q ^= q << shift & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        rotated = q
        for shift in (1, 2, 3, 4):
            rotated ^= (q << shift | q >> 8 - shift) & 0xFF
        box[p] = rotated ^ 0x63
        if p == 1:
            box[0] = 0x63
            return box


BOX = s_box()


def round_keys(key):
    words, constant = [key[index : index + 4] for index in range(0, 16, 4)], 1
    for index in range(4, 44):
        word = words[-1]
        if index % 4 == 0:
            word = bytes(BOX[byte] for byte in word[1:] + word[:1])
            word, constant = bytes([word[0] ^ constant]) + word[1:], double(constant)
        words.append(bytes(x ^ y for x, y in zip(words[index - 4], word)))
    return [b"".join(words[index : index + 4]) for index in range(0, 44, 4)]


def aes(keys, block):
    """AES-128 of one block (FIPS 197)."""
    state = bytes(x ^ y for x, y in zip(block, keys[0]))
    for number in range(1, 11):
        state = [BOX[state[(index + 4 * (index % 4)) % 16]] for index in range(16)]
        if number < 10:
            mixed = []
            for column in range(0, 16, 4):
                a = state[column : column + 4]
                whole = a[0] ^ a[1] ^ a[2] ^ a[3]
                mixed += [a[row] ^ whole ^ double(a[row] ^ a[(row + 1) % 4]) for row in range(4)]
            state = mixed
        state = bytes(x ^ y for x, y in zip(state, keys[number]))
    return state


def counter_mode(keys, start, length):
    blocks = ((start + index & (1 << 128) - 1).to_bytes(16, "big") for index in range(-(-length // 16)))
    return b"".join(aes(keys, block) for block in blocks)[:length]


class Sender:
    """One direction; `inline` is what its side's a=crypto says."""

    def __init__(self, master):
        """master: 30 bytes, key and salt."""
        self.inline = base64.b64encode(master).decode()
        keys, salt = round_keys(master[:16]), int.from_bytes(master[16:], "big")
        derive = lambda label, length: counter_mode(keys, (salt ^ label << 48) << 16, length)
        self.keys, self.authentication = round_keys(derive(0, 16)), derive(1, 20)
        self.salt = int.from_bytes(derive(2, 14), "big")

    def protect(self, packet, rollover=0):
        """An RTP packet without CSRCs and extension."""
        sequence, ssrc = int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[8:12], "big")
        start = self.salt << 16 ^ ssrc << 64 ^ (rollover << 16 | sequence) << 16
        stream = counter_mode(self.keys, start, len(packet) - 12)
        whole = packet[:12] + bytes(x ^ y for x, y in zip(packet[12:], stream))
        tag = hmac.new(self.authentication, whole + rollover.to_bytes(4, "big"), hashlib.sha1).digest()
        return whole + tag[:10]
