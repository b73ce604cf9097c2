#!/usr/bin/env python3
"""Runs a command several times: pcap2wave-measure.py RUNS COMMAND...  Prints the least CPU seconds and its RSS in KB."""
import os
import sys

best = None
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"{sys.argv[2]} failed with status {status >> 8}")
    figures = (usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
    best = figures if best is None else (min(best[0], figures[0]), max(best[1], figures[1]))
print(f"{best[0]:.3f} {best[1]}")
