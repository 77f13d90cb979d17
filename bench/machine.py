"""What a benchmark ran on, and how its figures are written: shared by those of this folder."""

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

BENCH = Path(__file__).resolve().parent


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else ""


def package_of(path):
    for name in (path, os.path.realpath(path)):
        for spelled in (str(name), str(name).replace("/lib/", "/usr/lib/", 1)):
            owner = first_line("dpkg-query", "-S", spelled).split(": ")[0]
            if owner:
                return first_line("dpkg-query", "-W", "-f", "${Package} ${Version}", owner)
    return ""


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def describe(args):
    """Of a run with args.n repetitions of args.ms milliseconds and the settings args.env."""
    return {
        "cpu": cpu_model(), "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()), "load": os.getloadavg()[0],
        "revision": first_line("git", "-C", str(BENCH), "rev-parse", "--short", "HEAD"),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "repetitions": args.n, "ms": args.ms, "env": args.env,
    }


def show(value):
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}"


def print_columns(lines, left):
    """The first line is the head; columns whose numbers are in `left` are not aligned to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        cells = [c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
