# What recorded calls cost the whole daemon:  calls-measure.py PIKETT WORKDIR
# WORKDIR holds calls-media, relay and relay-load. Environment: CALLS_SHORT (10000), CALLS_RATE (150 a second).
import itertools, os, random, re, select, shutil, socket, struct, subprocess, sys, threading, time

pikett, work = sys.argv[1:]
SHORT, RATE = int(os.environ.get("CALLS_SHORT", "10000")), int(os.environ.get("CALLS_RATE", "150"))
SERVER, CALLER, PHONE = "127.0.0.1", "127.0.0.2", "127.0.0.4"
FEW, MANY, BUSY, ENDINGS, SECONDS = 10, 60, 50, 200, 10
TICK = os.sysconf("SC_CLK_TCK")
SO_TIMESTAMPNS = 35
unique = itertools.count(random.randrange(1 << 30) << 20)
free_ports = itertools.count(20000, 2)


def header(text, name):
    found = re.search(rf"^{name}:\s*(.*?)\r$", text, re.M | re.I)
    return found.group(1) if found else ""


def sdp(address, port):
    return (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
            "a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n")


def media_port(text):
    return int(re.search(r"^m=audio (\d+)", text, re.M).group(1))


class Media:
    """The program that speaks for all phones."""

    def __init__(self):
        self.process = subprocess.Popen([f"{work}/calls-media"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def counts(self):
        self.order("count")
        return tuple(map(int, self.process.stdout.readline().split()))

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class End(threading.Thread):
    """A SIP socket and what it is told; the kernel says when a datagram came. Nothing is repeated: loopback loses nothing."""

    def __init__(self, address, server_port):
        super().__init__(daemon=True)
        self.address, self.server, self.answers, self.came = address, (SERVER, server_port), {}, {}
        self.changed, self.is_over = threading.Condition(), False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.settimeout(0.1)
        self.socket.bind((address, 0))
        self.port = self.socket.getsockname()[1]
        self.contact = f"Contact: <sip:x@{address}:{self.port}>"

    def send(self, text):
        self.socket.sendto(text.encode(), self.server)

    def request(self, method, uri, call, number, sender, to, body=""):
        lines = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/UDP {self.address}:{self.port};rport;branch=z9hG4bK{next(unique):x}",
                 "Max-Forwards: 70", f"From: {sender}", f"To: {to}", f"Call-ID: {call}", f"CSeq: {number} {method}",
                 self.contact] + (["Content-Type: application/sdp"] if body else [])
        self.send("\r\n".join(lines + [f"Content-Length: {len(body)}", "", body]))

    def reply(self, request, status, body=""):
        to = header(request, "To")
        lines = [f"SIP/2.0 {status} -"] + re.findall(r"^(?:Via|Record-Route):.*(?=\r$)", request, re.M)
        lines += [f"From: {header(request, 'From')}", f"To: {to}" + ("" if "tag=" in to else ";tag=x")]
        lines += [f"Call-ID: {header(request, 'Call-ID')}", f"CSeq: {header(request, 'CSeq')}", self.contact]
        lines += ["Content-Type: application/sdp"] if body else []
        self.send("\r\n".join(lines + [f"Content-Length: {len(body)}", "", body]))

    def run(self):
        while not self.is_over:
            try:
                data, parts, _, _ = self.socket.recvmsg(65536, 256)
            except TimeoutError:
                continue
            seconds, rest = struct.unpack("qq", parts[0][2][:16])
            text = data.decode("utf-8", "replace")
            call, number = header(text, "Call-ID"), header(text, "CSeq")
            with self.changed:
                if text.startswith("SIP/2.0"):
                    if int(text[8:11]) >= 200:
                        self.answers[call, number] = text
                else:
                    self.came.setdefault((call, number.split()[1]), (seconds + rest / 1e9, text))
                self.changed.notify_all()
            if text.startswith("INVITE"):
                self.invited(text)
            elif not text.startswith(("SIP/2.0", "ACK")):
                self.reply(text, 200)

    def stop(self):
        self.is_over = True
        self.join()
        self.socket.close()

    def invited(self, invite):
        self.reply(invite, 488)

    def wait(self, place, key, what):
        with self.changed:
            if not self.changed.wait_for(lambda: key in place, 20):
                sys.exit(f"bench calls: {what} did not come in 20 s; the daemon's log: {open(work + '/log').read()[-2000:]}")
            return place.pop(key)


class Phone(End):
    """The technician's phone: answers all calls."""

    def __init__(self, address, server_port):
        super().__init__(address, server_port)
        self.invites = {}

    def invited(self, invite):
        port = next(free_ports)
        with self.changed:
            if (number := re.search(r"sip:\+?(\w+)@", header(invite, "From")).group(1)) in self.invites:
                return
            self.invites[number] = (invite, port)
            self.changed.notify_all()
        self.reply(invite, 200, sdp(self.address, port))


class Call:
    """A caller who talks to the technician."""

    def __init__(self, caller, phone, media):
        self.caller, self.phone, self.media = caller, phone, media
        self.id, self.number, self.port = f"call-{next(unique):x}", f"0471{next(unique) % 10**9:09}", next(free_ports)
        uri, sender, to = f"sip:799*731@{SERVER}", f"<sip:{self.number}@{CALLER}>;tag=c", f"<sip:799*731@{SERVER}>"
        caller.request("INVITE", uri, self.id, 1, sender, to, sdp(CALLER, self.port))
        answer = caller.wait(caller.answers, (self.id, "1 INVITE"), "the answer to INVITE")
        if not answer.startswith("SIP/2.0 200"):
            sys.exit(f"bench calls: INVITE was answered by {answer.splitlines()[0]}")
        caller.request("ACK", header(answer, "Contact").strip("<>"), self.id, 1, sender, header(answer, "To"))
        self.invite, self.phone_port = phone.wait(phone.invites, self.number, "the call at the phone")
        media.order(f"add {CALLER} {self.port} {media_port(answer)}")
        media.order(f"add {PHONE} {self.phone_port} {media_port(self.invite)}")

    def end(self):
        """The technician hangs up. -> seconds until the caller's phone has the BYE"""
        target, call = header(self.invite, "Contact").strip("<>"), header(self.invite, "Call-ID")
        begin = time.time()
        self.phone.request("BYE", target, call, 1, header(self.invite, "To") + ";tag=x", header(self.invite, "From"))
        came, _ = self.caller.wait(self.caller.came, (self.id, "BYE"), "the caller's BYE")
        self.phone.wait(self.phone.answers, (call, "1 BYE"), "the answer to BYE")
        self.media.order(f"remove {CALLER} {self.port}")
        self.media.order(f"remove {PHONE} {self.phone_port}")
        return came - begin


class Daemon:
    def __init__(self, phone_port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((SERVER, 0))
            self.port = probe.getsockname()[1]
        site = {
            "Listen.txt": f"udp:{SERVER}:{self.port}", "RTPPorts.txt": "10000-19999", "MaxCalls.txt": "1000",
            "Answer.txt": "user", "731/Contact.txt": f"sip:731@{PHONE}:{phone_port}", "731/CFNR.txt": "none",
            "731/IM.txt": "no", "trunks/GW14/Host.txt": CALLER, "trunks/GW14/Qualify.txt": "none"}
        for path, text in site.items():
            os.makedirs(os.path.dirname(f"{work}/site/{path}"), exist_ok=True)
            with open(f"{work}/site/{path}", "w") as file:
                file.write(text + "\n")
        self.process = subprocess.Popen([pikett, "run", "--site", f"{work}/site"], stdin=subprocess.DEVNULL,
                                        stderr=open(f"{work}/log", "w"), env={**os.environ, "MALLOC_ARENA_MAX": "2"})
        end = time.monotonic() + 20
        while "ready" not in open(f"{work}/log").read():
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit("bench calls: the daemon did not start: " + open(f"{work}/log").read())
            time.sleep(0.05)

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def rss(self):
        """KB of memory"""
        lines = dict(line.split(":", 1) for line in open(f"/proc/{self.process.pid}/status"))
        return int(lines["VmRSS"].split()[0])

    def settled(self, longest):
        """The memory once it has not changed for 3 s."""
        last, since, end = self.rss(), time.monotonic(), time.monotonic() + longest
        while time.monotonic() < min(since + 3, end):
            time.sleep(0.25)
            if (now := self.rss()) != last:
                last, since = now, time.monotonic()
        return last


def short_calls(daemon, count):
    """sipp calls and answers; -> calls that failed"""
    log = open(f"{work}/sipp.log", "w")
    words = ["-nostdin", "-trace_stat", "-fd", "1", "-stf", f"{work}/short.csv"]
    subprocess.run(["sipp", "-sn", "uac", "-i", CALLER, "-mi", CALLER, "-s", "799*731", "-d", "100", "-r", str(RATE), "-m",
                    str(count), "-l", "5000", "-timeout", f"{count // RATE + 60}s", *words, f"{SERVER}:{daemon.port}"],
                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=work)
    lines = open(f"{work}/short.csv").read().splitlines()
    row = dict(zip(lines[0].split(";"), lines[-1].split(";")))
    return count - int(row["SuccessfulCall(C)"])


def relay_cost():
    """ms of CPU per call-second of the C relay that captures"""
    os.mkdir(f"{work}/relayed")
    words = [f"{work}/relay-load", str(BUSY), str(SECONDS), "40000", "30000", "--", f"{work}/relay", str(BUSY), "30000",
             "40000", f"{work}/relayed"]
    fields = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return int(fields[fields.index("cpu_ns_per_packet") + 1]) * 100 / 1e6


def row(what, value, bar="", note=""):
    print(f"{what:58}{value:>12}{bar:>12}  {note}".rstrip(), flush=True)


def verdict(is_good):
    return "ok" if is_good else "MISSED"


phone_end = Phone(PHONE, 0)
daemon = Daemon(phone_end.port)
try:
    phone_end.server = (SERVER, daemon.port)
    caller_end, media, calls = End(CALLER, daemon.port), Media(), []
    phone_end.start()
    caller_end.start()
    row("recorded calls, sound both ways", "", "bar")
    idle = daemon.settled(10)

    def have(number):
        while len(calls) < number:
            calls.append(Call(caller_end, phone_end, media))

    have(FEW)
    few = daemon.settled(6)
    have(MANY)
    many = daemon.settled(6)
    each = (many - few) / (MANY - FEW)
    row(f"RSS a call in progress, from {FEW} to {MANY}, KB", f"{each:.0f}", "<= 100", verdict(each <= 100))
    while len(calls) > BUSY:
        calls.pop().end()
    sent, heard = media.counts()
    begin, cpu = time.monotonic(), daemon.cpu()
    time.sleep(SECONDS)
    cost = 1000 * (daemon.cpu() - cpu) / (time.monotonic() - begin) / BUSY
    sent, heard = media.counts()[0] - sent, media.counts()[1] - heard
    reference = relay_cost()
    row(f"CPU ms per call-second, {BUSY} calls", f"{cost:.2f}")
    row("  C relay with capture, the same load", f"{reference:.2f}")
    row("  ratio", f"{cost / reference:.2f}", "<= 1.25", verdict(cost <= 1.25 * reference))
    if shutil.which("asterisk"):
        row("  Asterisk with MixMonitor", "not measured")
    else:
        row("  Asterisk with MixMonitor", "", "", "not installed here (Asterisk 22 elsewhere: 10-13 ms)")
    row("  packets that came through, %", f"{100 * heard / sent:.1f}")
    delays = []
    for _ in range(ENDINGS):
        delays.append(1000 * calls.pop(0).end())
        have(BUSY)
        time.sleep(0.02)
    delays.sort()
    p99 = delays[len(delays) * 99 // 100 - 1]
    row(f"technician's BYE to caller's BYE, {BUSY} calls, ms: p50", f"{delays[len(delays) // 2]:.2f}")
    row("  p99", f"{p99:.2f}", "<= 5", verdict(p99 <= 5))
    row("  longest", f"{delays[-1]:.2f}")
    while calls:
        calls.pop().end()
    media.stop()

    phone_end.stop()
    caller_end.stop()
    # Only now does sipp's phone take the port.
    row("RSS, MB: before the first call", f"{idle / 1024:.1f}")
    answering = subprocess.Popen(["sipp", "-sn", "uas", "-i", PHONE, "-mi", PHONE, "-p", str(phone_end.port), "-nostdin"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=work)
    try:
        # The start is after a rush: code and tables have been touched. A call is forgotten after 32 s, SIP's longest timer,
        # and what it took goes back to the system within some seconds more.
        failed = short_calls(daemon, SHORT // 10)
        time.sleep(40)
        start = daemon.settled(20)
        row(f"  after the calls above and {SHORT // 10} short ones", f"{start / 1024:.1f}")
        failed += short_calls(daemon, SHORT)
        most = daemon.rss()
        time.sleep(40)
        end = daemon.settled(20)
    finally:
        answering.kill()
        answering.wait()
    row(f"  at the end of {SHORT} short ones, {RATE} a second", f"{most / 1024:.1f}")
    row(f"  when they are forgotten; {failed} failed", f"{end / 1024:.1f}", "+- 1.0",
        verdict(abs(end - start) <= 1024 and failed == 0))
finally:
    daemon.process.terminate()
    daemon.process.wait()
