# Calls per second through a B2BUA, and what they cost:  signalling-measure.py PIKETT WORKDIR
import csv, os, shutil, signal, socket, subprocess, sys, time

pikett, work = sys.argv[1:]
RATES = list(map(int, os.environ.get("SIGNALLING_RATES", "50 100 200 300 400 500 600 800 1000 1200 1500 2000").split()))
SECONDS = int(os.environ.get("SIGNALLING_SECONDS", "8"))
CALLER, PHONE = "127.0.0.2", "127.0.0.4"
TICK = os.sysconf("SC_CLK_TCK")


def free_port(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def cpu(pid):
    """Seconds of processor time of a process and of those of its children that still run."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        fields = open(f"/proc/{one}/stat").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
        for thread in os.listdir(f"/proc/{one}/task"):
            todo += map(int, open(f"/proc/{one}/task/{thread}/children").read().split())
    return total / TICK


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def sipp(name, address, port, *words):
    log = open(f"{work}/{name}.log", "w")
    return subprocess.Popen(
        ["sipp", "-i", address, "-mi", address, "-p", str(port), "-nostdin", "-trace_stat", "-fd", "1",
         "-stf", f"{work}/{name}.csv", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=work)


def last_row(name):
    rows = list(csv.DictReader(open(f"{work}/{name}.csv"), delimiter=";"))
    return rows[-1]


class Phone:
    """The called phone: answers everything, for all runs."""

    def __init__(self):
        self.port = free_port(PHONE)
        self.process = sipp("phone", PHONE, self.port, "-sn", "uas")

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def wait_for_sip(address, port, what):
    """Until OPTIONS is answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((CALLER, 0))
        probe.settimeout(0.1)
        me = "%s:%d" % probe.getsockname()
        for count in range(200):
            text = (f"OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {me};rport;branch=z9hG4bK{count}\r\n"
                    f"From: <sip:probe@{me}>;tag=1\r\nTo: <sip:{address}>\r\nCall-ID: {count}@probe\r\n"
                    "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
            probe.sendto(text.encode(), (address, port))
            try:
                probe.recv(65536)
                return
            except (TimeoutError, ConnectionRefusedError):
                pass
    sys.exit(f"bench signalling: {what} does not answer OPTIONS; its log: {work}")


class Pikett:
    def __init__(self, name, phone, files):
        self.number = "4711" if "trunks/GW14/Default.txt" in files else "799*731"
        self.site, self.port = f"{work}/{name}", free_port("127.0.0.1")
        site = {
            "Listen.txt": f"udp:127.0.0.1:{self.port}", "RTPPorts.txt": "10000-29999", "MaxCalls.txt": "1000",
            # The caller's 200 is the phone's, as with Asterisk.
            "Answer.txt": "user", "731/Contact.txt": f"sip:731@{PHONE}:{phone.port}", "731/CFNR.txt": "none",
            # sipp takes no messages.
            "731/IM.txt": "no",
            "trunks/GW14/Host.txt": CALLER, "trunks/GW14/Qualify.txt": "none", **files,
        }
        for path, text in site.items():
            write(f"{self.site}/{path}", text + "\n")
        log = open(f"{work}/{name}.log", "w")
        self.process = subprocess.Popen([pikett, "run", "--site", self.site], stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log, env=dict(os.environ, MALLOC_ARENA_MAX="2"))
        wait_for_sip("127.0.0.1", self.port, "pikett")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Asterisk:
    """Dial to the same phone, with the modules that this needs and no others."""
    number = "4711"

    def __init__(self, phone):
        home, self.port = f"{work}/asterisk", free_port("127.0.0.1")
        modules = next((path for path in ("/usr/lib/asterisk/modules", "/usr/lib/x86_64-linux-gnu/asterisk/modules",
                                          "/usr/lib64/asterisk/modules", "/usr/local/lib/asterisk/modules")
                        if os.path.isdir(path)), "/usr/lib/asterisk/modules")
        loads = ("res_sorcery_config res_sorcery_memory res_sorcery_astdb res_timing_timerfd res_pjproject res_pjsip "
                 "res_pjsip_session res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_endpoint_identifier_ip "
                 "res_pjsip_rfc3326 res_rtp_asterisk chan_pjsip app_dial pbx_config bridge_simple "
                 "bridge_native_rtp codec_alaw codec_ulaw").split()
        directories = "".join(f"{name} => {home}/{folder}\n" for name, folder in (
            ("astetcdir", "etc"), ("astvarlibdir", "lib"), ("astdbdir", "lib"), ("astkeydir", "lib"),
            ("astdatadir", "lib"), ("astagidir", "lib"), ("astspooldir", "spool"), ("astrundir", "run"),
            ("astlogdir", "log")))
        write(f"{home}/etc/asterisk.conf", f"[directories]\nastmoddir => {modules}\n{directories}")
        write(f"{home}/etc/modules.conf", "[modules]\nautoload=no\n" + "".join(f"load=>{one}.so\n" for one in loads))
        write(f"{home}/etc/logger.conf", "[general]\n[logfiles]\nconsole => error\n")
        write(f"{home}/etc/rtp.conf", "[general]\nrtpstart=30000\nrtpend=39999\n")
        write(f"{home}/etc/extensions.conf",
              f"[in]\nexten => _X.,1,Dial(PJSIP/phone/sip:731@{PHONE}:{phone.port})\n")
        endpoint = "type=endpoint\ncontext=in\ndisallow=all\nallow=alaw,ulaw\ndirect_media=no\n"
        write(f"{home}/etc/pjsip.conf",
              f"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{self.port}\n"
              f"[caller]\n{endpoint}\n[identify]\ntype=identify\nendpoint=caller\nmatch={CALLER}\n[phone]\n{endpoint}")
        for folder in ("lib", "spool", "run", "log"):
            os.makedirs(f"{home}/{folder}", exist_ok=True)
        log = open(f"{work}/asterisk.log", "w")
        self.process = subprocess.Popen(["asterisk", "-f", "-C", f"{home}/etc/asterisk.conf"],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for_sip("127.0.0.1", self.port, "asterisk")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def load(server, phone, rate):
    """-> calls failed, calls made, CPU ms a call of the server, processors' share that sipp took, retransmissions"""
    seconds = SECONDS
    os.path.exists(f"{work}/calls.csv") and os.remove(f"{work}/calls.csv")
    before, sipp_before, begin = cpu(server.process.pid), cpu(phone.process.pid), time.monotonic()
    caller = sipp("calls", CALLER, free_port(CALLER), "-sn", "uac", "-s", server.number, "-d", "300", "-r", str(rate),
                  "-m", str(rate * seconds), "-l", "20000", "-timeout", f"{seconds + 60}s", "-recv_timeout", "32000",
                  f"127.0.0.1:{server.port}")
    status = os.wait4(caller.pid, 0)
    took = time.monotonic() - begin
    # Who is still at work counts: a call ends with its file written.
    time.sleep(1)
    spent = cpu(server.process.pid) - before
    used = cpu(phone.process.pid) - sipp_before + status[2].ru_utime + status[2].ru_stime
    row = last_row("calls")
    made, good = int(row["TotalCallCreated"]), int(row["SuccessfulCall(C)"])
    missing = rate * seconds - good
    # sipp itself may be what cannot keep up.
    is_late = took > seconds * 1.25 + 2.5
    return missing, made, 1000 * spent / max(made, 1), used / took, int(row["Retransmissions(C)"]), is_late


def measure(name, start):
    phone = Phone()
    server = start(phone)
    at50, best, why = float("nan"), 0, f"{RATES[-1]}/s are not too many"
    try:
        for rate in RATES:
            failed, made, cost, share, again, is_late = load(server, phone, rate)
            if rate == 50:
                at50 = cost
            print(f"  {name}, {rate}/s: {made} calls, {failed} failed, {again} repetitions, {cost:.2f} ms a call, "
                  f"sipp takes {share:.2f} processors", file=sys.stderr)
            if failed or is_late:
                why = f"at {rate}/s " + (f"{failed} calls fail" if failed else "sipp does not keep up")
                break
            best, share_at_best = rate, share
    finally:
        server.stop()
        phone.stop()
    return at50, best, why


def verdict(is_good):
    return "ok" if is_good else "MISSED"


print(f"{os.cpu_count()} processors, shared with sipp")
rows = [
    ("bridged call", lambda phone: Pikett("bridged", phone, {"trunks/GW14/Default.txt": "731"})),
    ("emergency call, ticket and recording", lambda phone: Pikett("emergency", phone, {})),
]
has_asterisk = shutil.which("asterisk") is not None
if has_asterisk:
    rows.append(("Asterisk, Dial", Asterisk))
results = {name: measure(name, start) for name, start in rows}
print(f"{'signalling':40}{'CPU ms/call at 50/s':>20}{'calls/s without failure':>25}  then")
for name, (cost, best, why) in results.items():
    print(f"{name:40}{cost:20.2f}{best:25}  {why}")
if has_asterisk:
    cost, best, _ = results["bridged call"]
    reference, reference_best, _ = results["Asterisk, Dial"]
    print(f"{'CPU against Asterisk, bar 1/4':40}{cost / reference:20.2f}  {verdict(cost <= reference / 4)}")
    print(f"{'rate against Asterisk, bar 3':40}{best / max(reference_best, 1):20.2f}  {verdict(best >= 3 * reference_best)}")
else:
    print(f"{'Asterisk, Dial':40}{'not installed here':>20}  (Asterisk 22 elsewhere: 5.5 ms, 200/s)")
