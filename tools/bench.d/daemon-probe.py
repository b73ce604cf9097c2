# Starts the daemon five times on a free port:  daemon-probe.py BINARY SITE
# Prints: best start in ms, the last run's RSS and anonymous RSS in MB once it is idle, its threads.
import os, signal, socket, sys, time

binary, site = sys.argv[1:]
options = (
    "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{0};rport;branch=z9hG4bK{1}\r\n"
    "From: <sip:probe@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {1}@probe\r\nCSeq: 1 OPTIONS\r\n"
    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def run():
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(os.path.join(site, "Listen.txt"), "w") as listen:
        listen.write(f"udp:127.0.0.1:{port}\n")
    log = os.open(os.path.join(site, "log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    sent = 0
    probe.settimeout(0.002)
    begin = time.monotonic()
    pid = os.posix_spawn(
        binary, [binary, "run", "--site", site], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, log, 2)]
    )
    os.close(log)
    while True:
        sent += 1
        text = options.format(probe.getsockname()[1], f"{pid}x{sent}")
        probe.sendto(text.encode(), ("127.0.0.1", port))
        try:
            answer = probe.recv(65536)
            break
        except TimeoutError:
            pass
        if time.monotonic() - begin > 20 or os.waitpid(pid, os.WNOHANG)[0]:
            sys.exit("bench daemon: no OPTIONS was answered; its log:\n" + open(os.path.join(site, "log")).read())
    took = time.monotonic() - begin
    if not answer.startswith(b"SIP/2.0 200"):
        sys.exit(f"bench daemon: OPTIONS was answered by {answer.splitlines()[0]!r}")
    return pid, took


def stop(pid):
    os.kill(pid, signal.SIGTERM)
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit("bench daemon: it did not end well; its log:\n" + open(os.path.join(site, "log")).read())


def processor_time(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return fields[11], fields[12]


def status(pid):
    lines = (line.split(":", 1) for line in open(f"/proc/{pid}/status"))
    return {name: value.split()[0] for name, value in lines if value.split()}


best = None
for count in range(5):
    pid, took = run()
    best = min(best or took, took)
    if count < 4:
        stop(pid)
# Idle is who has used no processor time for a second.
before, quiet = processor_time(pid), 0
while quiet < 10:
    time.sleep(0.1)
    now = processor_time(pid)
    before, quiet = now, quiet + 1 if now == before else 0
idle = status(pid)
stop(pid)
print(f"{best * 1000:.0f} {int(idle['VmRSS']) / 1024:.1f} {int(idle['RssAnon']) / 1024:.1f} {idle['Threads']}")
