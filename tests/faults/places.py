#!/usr/bin/env python3
"""Places that are well written and make no sense, or name CPUs that the process may not use: one line says so and what is
used instead. usage: places.py PROGRAM [NAME=VALUE of the environment ...]"""
import os
import subprocess
import sys

program = sys.argv[1]
base = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "MOIRAI_"))}
base.update(setting.split("=", 1) for setting in sys.argv[2:])
cpu = min(os.sched_getaffinity(0))
strange = 16000  # no machine has it

# Settings, and what the one line must say.
CASES = [
    ({"OMP_PLACES": "{0,!1}"}, "takes a CPU out of a place that does not have it: ignored, threads are not bound"),
    ({"OMP_PLACES": "{1}:3:-1"}, "goes below CPU 0: ignored, threads are not bound"),
    ({"OMP_PLACES": "{0},!{1}"}, "takes out a place that it does not have: ignored, threads are not bound"),
    ({"OMP_PLACES": "{0,!0}"}, "has a place without a CPU: ignored, threads are not bound"),
    ({"OMP_PLACES": "{0}:32767:0,{0}"}, "has too many places: ignored, threads are not bound"),
    ({"OMP_PLACES": f"{{{strange}}}"}, "has no place that this process may use: ignored, threads are not bound"),
    ({"OMP_PLACES": f"{{{strange}}}", "OMP_PROC_BIND": "true"},
     "has no place that this process may use: ignored, each CPU is a place"),
    ({"OMP_PLACES": f"{{{cpu}}},{{{strange}}}"}, "left out, as this process may not use them: 1 CPUs, and with them 1 places"),
    ({"OMP_PLACES": f"{{{cpu},{strange}}}"}, "left out, as this process may not use them: 1 CPUs, and with them 0 places"),
    ({"GOMP_CPU_AFFINITY": f"{cpu} {strange}"}, "left out, as this process may not use them: 1 CPUs"),
    ({"GOMP_CPU_AFFINITY": f"{strange}"}, "has no place that this process may use: ignored, threads are not bound"),
    ({"OMP_PLACES": "{0,!1}", "OMP_PROC_BIND": "false"}, None),
    ({"OMP_PLACES": "threads(1)"}, None),
    ({"OMP_PLACES": "cores", "OMP_PROC_BIND": "spread,close"}, None),
]

failures = 0
for settings, wanted in CASES:
    result = subprocess.run([program], env={**base, **settings}, capture_output=True, text=True, timeout=20)
    # Under a preload libgomp is still loaded, and says what it thinks of the values by itself.
    lines = [line for line in result.stderr.splitlines() if line and not line.startswith("libgomp:")]
    good = not lines if wanted is None else len(lines) == 1 and lines[0].startswith("moirai: ") and wanted in lines[0]
    if result.returncode or not good:
        failures += 1
        print(f"{settings}: status {result.returncode}, expected {wanted!r}, stderr: {result.stderr!r}")
sys.exit(1 if failures else 0)
