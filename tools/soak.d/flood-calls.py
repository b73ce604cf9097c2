#!/usr/bin/env python3
"""Emergency calls while strangers flood the line:  flood-calls.py DAEMON FLOODER SECONDS [RATE [CALLS_A_SECOND]]

Starts the daemon on a site of its own and the flooder against it. Meanwhile calls go on: caller, announcement, key,
technician, talk, BYE; each over real SIP and RTP, from a trunk's address and from a registered phone. Prints a table, and
exits with 1 if a call has failed or the memory has grown.
"""
import asyncio, collections, hashlib, itertools, os, random, re, shutil, signal, socket, subprocess, sys, tempfile, time

daemon_path, flooder_path, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
rate = int(sys.argv[4]) if len(sys.argv) > 4 else 20000
calls_a_second = float(sys.argv[5]) if len(sys.argv) > 5 else 2
SERVER, TRUNK, PHONE, TECHNICIAN = "127.0.0.1", "127.0.0.2", "127.0.0.11", "127.0.0.10"
SOURCES, PATIENCE, TALK = 1000, 32, 25
unique = itertools.count(random.randrange(1 << 30) << 20)


def free_port(count=1):
    while True:
        first = random.randrange(10000, 15000) * 2
        try:
            for port in range(first, first + count):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as probe:
                        probe.bind(("0.0.0.0", port))
            return first
        except OSError:
            continue


PORT, RTP = free_port(), free_port(400)


def header(text, name):
    found = re.search(rf"^{name}:\s*(.*?)\r$", text, re.M | re.I)
    return found.group(1) if found else ""


def reply(request, status, tag, contact="", body=""):
    to = header(request, "To")
    lines = [f"SIP/2.0 {status} -"] + re.findall(r"^(?:Via|Record-Route):.*(?=\r$)", request, re.M)
    lines += [f"From: {header(request, 'From')}", f"To: {to}" + ("" if "tag=" in to else f";tag={tag}")]
    lines += [f"Call-ID: {header(request, 'Call-ID')}", f"CSeq: {header(request, 'CSeq')}"] + ([contact] if contact else [])
    lines += ["Content-Type: application/sdp"] if body else []
    return "\r\n".join(lines + [f"Content-Length: {len(body)}", "", body])


def proof(challenge, method, uri, user):
    value = lambda name: re.search(rf'{name}="([^"]*)"', challenge).group(1)
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
    secret = md5(f"{user}:{value('realm')}:secret{user}")
    response = md5(f"{secret}:{value('nonce')}:00000001:c:auth:{md5(f'{method}:{uri}')}")
    return (f'Authorization: Digest username="{user}", realm="{value("realm")}", nonce="{value("nonce")}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"')


class Sound(asyncio.DatagramProtocol):
    """One leg's RTP: 20 ms packets of one byte value; counts those of the other side's."""

    def __init__(self, own, other):
        self.own, self.other, self.heard, self.peer = bytes([own]) * 160, bytes([other]) * 160, 0, None
        self.enough = asyncio.Event()
        self.number, self.ssrc = random.randrange(1 << 15), random.randbytes(4)

    @classmethod
    async def open(cls, address, own, other):
        _, sound = await asyncio.get_running_loop().create_datagram_endpoint(lambda: cls(own, other), (address, 0))
        return sound

    def connection_made(self, transport):
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data, _):
        if data[12:] == self.other:
            self.heard += 1
            if self.heard >= TALK:
                self.enough.set()

    def sdp(self, address):
        return (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
                f"m=audio {self.port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
                "a=fmtp:101 0-15\r\na=ptime:20\r\n")

    def answered(self, sdp):
        self.peer = (SERVER, int(re.search(r"m=audio (\d+)", sdp).group(1)))

    def send(self, kind, payload, timestamp):
        self.number = self.number + 1 & 0xFFFF
        head = bytes([0x80, kind]) + self.number.to_bytes(2, "big") + timestamp.to_bytes(4, "big") + self.ssrc
        self.transport.sendto(head + payload, self.peer)

    async def speak(self, presses_key):
        """Speaks for ever; presses 1 after a tenth of a second, and every second until somebody is heard."""
        for frame in itertools.count():
            if presses_key and self.heard == 0 and frame % 50 == 5:
                for end in (0, 0, 0, 0x80, 0x80, 0x80):
                    self.send(101, bytes([1, 10 | end]) + (480).to_bytes(2, "big"), frame * 160)
            self.send(8, self.own, frame * 160)
            await asyncio.sleep(0.02)


class End(asyncio.DatagramProtocol):
    """A SIP socket: requests are repeated until they are answered, answers when the request comes again."""

    def __init__(self, address):
        self.address, self.answers, self.handlers, self.done = address, {}, {}, collections.OrderedDict()

    @classmethod
    async def open(cls, address):
        _, end = await asyncio.get_running_loop().create_datagram_endpoint(lambda: cls(address), (address, 0))
        return end

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.port = transport.get_extra_info("sockname")[1]
        self.contact = f"Contact: <sip:x@{self.address}:{self.port}>"

    def send(self, text):
        self.transport.sendto(text.encode(), (SERVER, PORT))

    def datagram_received(self, data, _):
        text = data.decode("utf-8", "replace")
        key = (header(text, "Call-ID"), header(text, "CSeq"))
        if text.startswith("SIP/2.0"):
            if key in self.answers:
                self.answers[key](int(text[8:11]), text)
        elif key in self.done:
            for answer in self.done[key]:
                self.send(answer)
        else:
            handler = self.handlers.get(key[0]) or self.called
            handler(text.split(" ", 1)[0], text)

    def answer(self, request, *texts):
        key = (header(request, "Call-ID"), header(request, "CSeq"))
        self.done[key] = texts
        while len(self.done) > 2000:
            self.done.popitem(last=False)
        for text in texts:
            self.send(text)

    def called(self, method, request):
        if method in ("OPTIONS", "MESSAGE", "BYE"):
            self.answer(request, reply(request, 200 if method != "BYE" else 481, "x"))

    def request(self, method, uri, call, number, sender, to, extra=(), body=""):
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.address}:{self.port};rport;branch=z9hG4bK{next(unique):x}", "Max-Forwards: 70",
                 f"From: {sender}", f"To: {to}", f"Call-ID: {call}", f"CSeq: {number} {method}", self.contact, *extra]
        lines += ["Content-Type: application/sdp"] if body else []
        return "\r\n".join(lines + [f"Content-Length: {len(body)}", "", body])

    async def ask(self, text):
        """Sends a request until its final answer comes, which it returns."""
        key, future = (header(text, "Call-ID"), header(text, "CSeq")), asyncio.get_running_loop().create_future()
        heard = False

        def answered(status, answer):
            nonlocal heard
            heard = True
            if status >= 200 and not future.done():
                future.set_result((status, answer))

        self.answers[key] = answered
        end, pause = time.monotonic() + PATIENCE, 0.5
        while not future.done() and time.monotonic() < end:
            if not (heard and text.startswith("INVITE")):
                self.send(text)
            await asyncio.wait([future], timeout=min(pause, end - time.monotonic()))
            pause = min(pause * 2, 4)
        del self.answers[key]
        if not future.done():
            raise TimeoutError(f"{key[1]} was not answered")
        return future.result()


async def call(end, name, number, results):
    """A caller who reaches the technician: 720, key 1, talk, BYE."""
    begin = time.monotonic()
    call, uri, tag = f"call-{next(unique):x}", f"sip:720@{SERVER}:{PORT}", f"{next(unique):x}"
    sender, to = f"<sip:{number}@{end.address}>;tag={tag}", f"<sip:720@{SERVER}>"
    sound, speaking, over = await Sound.open(end.address, 0x11, 0x22), None, asyncio.Event()

    def called(method, request):
        if method == "BYE":
            over.set()
        end.answer(request, reply(request, 200, tag))

    end.handlers[call] = called
    try:
        sequence, extra = 1, []
        while True:
            status, answer = await end.ask(end.request("INVITE", uri, call, sequence, sender, to, extra, sound.sdp(end.address)))
            target, dialog = header(answer, "Contact").strip("<>") or uri, header(answer, "To")
            ack = end.request("ACK", target, call, sequence, sender, dialog)
            end.send(ack)
            if status != 401 or extra:
                break
            sequence, extra = 2, [proof(header(answer, "WWW-Authenticate"), "INVITE", uri, name)]
        if status != 200:
            raise RuntimeError(f"INVITE: {status}")
        # Each copy of the 200 wants its ACK.
        end.answers[call, f"{sequence} INVITE"] = lambda *_: end.send(ack)
        results.answered.append(time.monotonic() - begin)
        sound.answered(answer)
        speaking = asyncio.create_task(sound.speak(presses_key=True))
        await asyncio.wait_for(sound.enough.wait(), PATIENCE)
        results.connected.append(time.monotonic() - begin)
        await results.wait("heard", number)
        if number.endswith("0"):
            # Some are left to the technician to end.
            results.leaving.add(number)
            await asyncio.wait_for(over.wait(), PATIENCE)
        else:
            status, _ = await end.ask(end.request("BYE", target, call, sequence + 1, sender, dialog))
            if status != 200:
                raise RuntimeError(f"BYE: {status}")
        await results.wait("done", number)
        results.good += 1
    except Exception as error:
        results.failed.append(f"{time.strftime('%H:%M:%S')} {number} {type(error).__name__} {error}")
    finally:
        if speaking:
            speaking.cancel()
        sound.transport.close()
        end.handlers.pop(call, None)
        end.answers.pop((call, f"{sequence} INVITE"), None)


class Technician:
    """731: registered, takes every call, and has to hear its caller."""

    def __init__(self, end, results):
        self.end, self.results = end, results
        end.called = self.called

    def called(self, method, request):
        if method == "INVITE":
            asyncio.create_task(self.answer(request))
        elif method != "ACK":
            self.end.answer(request, reply(request, 200 if method != "BYE" else 481, "x"))

    async def answer(self, invite):
        end, call, tag = self.end, header(invite, "Call-ID"), f"{next(unique):x}"
        number = re.search(r"sip:(\w+)@", header(invite, "From")).group(1)
        sound = await Sound.open(end.address, 0x22, 0x11)
        sound.answered(invite)
        acknowledged, over = asyncio.Event(), asyncio.Event()

        def handle(method, request):
            if method == "ACK":
                acknowledged.set()
            elif method in ("BYE", "CANCEL"):
                over.set()
            if method != "ACK":
                end.answer(request, reply(request, 200, tag))

        end.handlers[call] = handle
        ok = reply(invite, 200, tag, end.contact, sound.sdp(end.address))
        end.answer(invite, reply(invite, 180, tag, end.contact))
        await asyncio.sleep(0.2)
        end.answer(invite, ok)
        speaking = asyncio.create_task(sound.speak(presses_key=False))
        try:
            for pause in (0.5, 1, 2, 4, 4, 4, 4, 4, 4, 4):
                try:
                    await asyncio.wait_for(acknowledged.wait(), pause)
                    break
                except asyncio.TimeoutError:
                    end.send(ok)
            await asyncio.wait_for(sound.enough.wait(), PATIENCE)
            self.results.event("heard", number).set()
            while not over.is_set():
                if number in self.results.leaving:
                    target = header(invite, "Contact").strip("<>")
                    me = header(ok, "To")
                    await end.ask(end.request("BYE", target, call, 1, me, header(invite, "From")))
                    break
                await asyncio.sleep(0.05)
            self.results.event("done", number).set()
        except Exception as error:
            self.results.failed.append(f"technician of {number}: {type(error).__name__} {error}")
        finally:
            speaking.cancel()
            sound.transport.close()
            end.handlers.pop(call, None)


class Results:
    def __init__(self):
        self.good, self.failed, self.answered, self.connected, self.leaving = 0, [], [], [], set()
        self.waiting = {}

    def event(self, what, number):
        """What the technician tells of this caller."""
        return self.waiting.setdefault((what, number), asyncio.Event())

    async def wait(self, what, number):
        await asyncio.wait_for(self.event(what, number).wait(), PATIENCE)
        del self.waiting[what, number]


async def register(end, user):
    uri, call, own = f"sip:{SERVER}:{PORT}", f"register-{user}-{next(unique):x}", f"<sip:{user}@{SERVER}>"
    for number in itertools.count(1, 2):
        extra = ["Expires: 60"]
        status, answer = await end.ask(end.request("REGISTER", uri, call, number, f"{own};tag={user}", own, extra))
        if status == 401:
            extra.append(proof(header(answer, "WWW-Authenticate"), "REGISTER", uri, user))
            status, _ = await end.ask(end.request("REGISTER", uri, call, number + 1, f"{own};tag={user}", own, extra))
        if status != 200:
            raise RuntimeError(f"REGISTER {user}: {status}")
        yield
        await asyncio.sleep(25)


async def keep_registered(registrations, user, results):
    try:
        async for _ in registrations:
            pass
    except Exception as error:
        results.failed.append(f"registration of {user}: {error}")


class Process:
    """What the daemon uses."""

    def __init__(self, pid):
        self.pid, self.samples = pid, []

    def rss(self):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def cpu(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def watch(self):
        while True:
            self.samples.append(self.rss())
            await asyncio.sleep(1)


def write_site(site):
    files = {
        "Listen.txt": f"udp:{SERVER}:{PORT},tcp:{SERVER}:{PORT}", "RTPPorts.txt": f"{RTP}-{RTP + 399}", "XMLnumber.txt": "799",
        "TickeNR.TXT": "1", "SMSProvider.txt": "none", "CFU.txt": "none", "trunks/GW14/Host.txt": TRUNK,
        "queues/Line/Number.txt": "720", "queues/Line/Map1.txt": "799731", "731/Password.txt": "secret731",
        "731/CFNRTimeout.txt": "40", "732/Password.txt": "secret732", "Recording.txt": "recording"}
    for path, value in files.items():
        os.makedirs(os.path.dirname(os.path.join(site, path)), exist_ok=True)
        with open(os.path.join(site, path), "w") as file:
            file.write(value + "\n")


async def run(site, log):
    daemon = subprocess.Popen([daemon_path, "run", "--site", site], stderr=log, env={**os.environ, "MALLOC_ARENA_MAX": "2"})
    flooder = None
    try:
        end = time.monotonic() + 30
        while "ready" not in open(log.name).read():
            if daemon.poll() is not None or time.monotonic() > end:
                raise SystemExit("the daemon did not start")
            await asyncio.sleep(0.05)
        process, results, tasks = Process(daemon.pid), Results(), []
        trunk, phone, technician = [await End.open(address) for address in (TRUNK, PHONE, TECHNICIAN)]
        Technician(technician, results)
        for place, user in ((technician, "731"), (phone, "732")):
            registrations = register(place, user)
            await anext(registrations)
            tasks.append(asyncio.create_task(keep_registered(registrations, user, results)))
        made = 0

        async def calls(until):
            nonlocal made
            running = set()
            while time.monotonic() < until:
                made += 1
                of_phone = made % 5 == 3
                number = "732" if of_phone else f"0471{made:06}"
                # The phone has one number: one call of it at a time.
                if of_phone and any(task.get_name() == "732" for task in running if not task.done()):
                    made -= 1
                else:
                    running.add(asyncio.create_task(
                        call(phone if of_phone else trunk, "732" if of_phone else "", number, results), name=number))
                await asyncio.sleep(1 / calls_a_second)
            if running:
                await asyncio.wait(running)

        # What a first call needs, and what the first seconds of a flood fill, is there before the memory is looked at.
        await calls(time.monotonic() + min(5, seconds / 6))
        calm, calm_calls = process.rss(), results.good
        begin, cpu = time.monotonic(), process.cpu()
        flooder = await asyncio.create_subprocess_exec(
            flooder_path, SERVER, str(PORT), str(seconds), str(rate), str(SOURCES), stdout=asyncio.subprocess.PIPE)
        watch = asyncio.create_task(process.watch())
        await calls(begin + seconds)
        output = (await flooder.communicate())[0].decode().split()
        took, cpu = time.monotonic() - begin, process.cpu() - cpu
        watch.cancel()
        for task in tasks:
            task.cancel()
        sent = dict(zip(output[::2], map(int, output[1::2])))
        alive = daemon.poll() is None
        daemon.send_signal(signal.SIGTERM)
        ended = daemon.wait(20)
        return report(results, made, calm_calls, sent, took, cpu, calm, process.samples, alive and ended == 0, log.name)
    finally:
        for child in (flooder, daemon):
            if child and (child.returncode if hasattr(child, "returncode") else None) is None:
                try:
                    child.kill()
                except ProcessLookupError:
                    pass


def report(results, made, calm_calls, sent, took, cpu, calm, samples, is_sound, log):
    row = lambda name, value, note="": print(f"{name:<44} {value:>12} {note}".rstrip())
    row(f"flood from {SOURCES} addresses, {took:.0f} s", "sent", "a second")
    for kind, count in sent.items():
        row(f"  {kind}", count, f"{count / took:.0f}")
    datagrams = sum(count for kind, count in sent.items() if kind != "connections")
    row("  datagrams together", datagrams, f"{datagrams / took:.0f}")
    row("calls made", made)
    row("  of them while the flood went on", made - calm_calls)
    row("  failed", len(results.failed))
    if results.connected:
        row("  INVITE to 200, s: median, worst", f"{sorted(results.answered)[len(results.answered) // 2]:.3f}",
            f"{max(results.answered):.3f}")
        row("  INVITE to the technician's voice, s", f"{sorted(results.connected)[len(results.connected) // 2]:.3f}",
            f"{max(results.connected):.3f}")
    # The flood fills its tables in the beginning; from then on nothing may grow.
    filled = max(samples[: max(len(samples) // 4, 1)], default=calm)
    row("daemon's RSS, MB: before the flood", f"{calm:.1f}")
    row("  a quarter into it, most", f"{filled:.1f}")
    row("  at the end, most", f"{samples[-1]:.1f}", f"{max(samples):.1f}")
    row("daemon's CPU, s a second", f"{cpu / took:.2f}")
    lines = open(log).read().count("\n")
    row("lines in its log", lines)
    for failure in results.failed[:20]:
        print("FAILED:", failure)
    grown = samples[-1] - filled
    if grown > 4:
        print(f"FAILED: the memory has grown by {grown:.1f} MB")
    if not is_sound:
        print("FAILED: the daemon did not live and end well")
    return not results.failed and results.good == made and grown <= 4 and is_sound


site = tempfile.mkdtemp(prefix="pikett-flood-")
write_site(site)
with open(os.path.join(site, "log"), "w") as log:
    is_good = asyncio.run(run(site, log))
if is_good:
    shutil.rmtree(site)
else:
    print(f"the site and the daemon's log are kept in {site}")
sys.exit(0 if is_good else 1)
