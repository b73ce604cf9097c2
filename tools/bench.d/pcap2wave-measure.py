#!/usr/bin/env python3
"""Runs a command several times: pcap2wave-measure.py RUNS COMMAND...  Prints the least CPU seconds and its RSS in MB.

The RSS is what GNU time has measured: a child of Python's own begins with Python's."""
import os
import subprocess
import sys
import tempfile

best = None
for _ in range(int(sys.argv[1])):
    with tempfile.NamedTemporaryFile("r") as kilobytes:
        words = ["/usr/bin/time", "-q", "-o", kilobytes.name, "-f", "%M", *sys.argv[2:]]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        if status != 0:
            sys.exit(f"{sys.argv[2]} failed with status {status >> 8}")
        figures = (usage.ru_utime + usage.ru_stime, int(kilobytes.read()) / 1024)
    best = figures if best is None else (min(best[0], figures[0]), max(best[1], figures[1]))
print(f"{best[0]:.3f} {best[1]:.1f}")
