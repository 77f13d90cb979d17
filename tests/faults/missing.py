#!/usr/bin/env python3
"""Entry points that are not there yet end the process with one line that names them, and docs/limits.md lists exactly
these. usage: missing.py CALL RUNTIME.so SYMBOL-LIST LIMITS.md"""
import concurrent.futures
import fnmatch
import re
import resource
import subprocess
import sys

call, runtime, symbols, limits = sys.argv[1:5]
names = sorted({m[1] for m in re.finditer(r"^T ((?:GOMP|GOACC|acc|omp)_\w+)", open(symbols).read(), re.M)
                if not m[1].startswith("GOMP_PLUGIN_")})
listed = set(re.findall(r"\b(?:GOMP|GOACC|acc|omp)_[\w*]*", open(limits).read()))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def refusal(name):
    """The runtime's line about `name`, or None: called with zeros, an entry point that exists may do anything."""
    try:
        result = subprocess.run([call, runtime, name], capture_output=True, text=True, errors="replace", timeout=3)
    except subprocess.TimeoutExpired:
        return None
    lines = [line for line in result.stderr.splitlines() if re.search(rf"\b{name}\b", line)]
    if not lines or result.returncode == 0:
        return None
    return lines[0] if len(result.stderr.splitlines()) == 1 and lines[0].startswith("moirai:") else "more than one line"


with concurrent.futures.ThreadPoolExecutor(4) as pool:
    refusals = dict(zip(names, pool.map(refusal, names)))

failures = 0
for name in names:
    line, documented = refusals[name], any(fnmatch.fnmatchcase(name, pattern) for pattern in listed)
    if (line is not None) != documented or line == "more than one line":
        failures += 1
        print(f"{name}: says {line!r}, {'listed' if documented else 'not listed'} in {limits}")
print(f"{len(names)} entry points, {sum(line is not None for line in refusals.values())} of them refuse")
sys.exit(1 if failures else 0)
