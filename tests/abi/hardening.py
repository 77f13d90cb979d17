#!/usr/bin/env python3
"""How the shared objects are linked: what they need, what the loader may do with them. usage: hardening.py LIBDIR"""
import os
import pathlib
import re
import sys

import elf

libdir = pathlib.Path(sys.argv[1])
ALIASES = ["libgomp.so.1", "libgomp.so", "libomp.so.5", "libomp.so", "libiomp5.so"]
report = elf.Report()

for name in ("libmoirai.so.1", "libmoirai_omp.so.1", "libmoirai_preload.so", "libmoirai_pthread.so"):
    dynamic = elf.tool("readelf", "-W", "-d", libdir / name)
    segments = elf.tool("readelf", "-W", "-l", libdir / name)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*?)\]", dynamic))
    stack = re.search(r"GNU_STACK\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+(\w+)", segments)
    undefined = elf.tool("nm", "-D", "--undefined-only", libdir / name)
    report.check(needed <= {"libc.so.6", "ld-linux-x86-64.so.2"}, f"{name}: needs {sorted(needed)}")
    report.check(stack and "E" not in stack[1], f"{name}: executable stack")
    report.check("GNU_RELRO" in segments, f"{name}: no RELRO")
    report.check("BIND_NOW" in dynamic or re.search(r"FLAGS_1.*NOW", dynamic), f"{name}: not bound at load")
    report.check("NODELETE" in dynamic, f"{name}: may be unloaded")
    report.check("TEXTREL" not in dynamic, f"{name}: text relocations")
    report.check("RPATH" not in dynamic and "RUNPATH" not in dynamic, f"{name}: carries a search path")
    report.check("libgomp" not in undefined, f"{name}: uses libgomp")

for alias in ALIASES:
    path = libdir / "compat" / alias
    report.check(path.is_symlink() and os.path.samefile(path, libdir / "libmoirai_omp.so.1"), f"compat/{alias}: not the runtime")
sys.exit(report.status())
