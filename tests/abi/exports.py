#!/usr/bin/env python3
"""The names and versions that the shared objects export: all of libgomp 12's list, and those of compilers after it that
are there (newer.txt). usage: exports.py LIBDIR"""
import pathlib
import re
import sys

import elf

# Nodes of compilers after GCC 12, which must be there before anything is under them.
NEWER = """OMP_5.1.1 OMP_5.2 OMP_6.0 OMP_6.1 OACC_2.6.1 GOMP_5.1.1 GOMP_5.1.2 GOMP_5.1.3 GOMP_6.0 GOMP_6.0.1
GOMP_PLUGIN_1.4""".split()

libdir = pathlib.Path(sys.argv[1])
wanted, wanted_nodes = {}, {"VERSION", *NEWER}
here = pathlib.Path(__file__).parent
for line in [line for name in ("libgomp-12.txt", "newer.txt") for line in (here / name).read_text().splitlines()]:
    if line.startswith("A "):
        wanted_nodes.add(line[2:].strip())
    elif match := re.match(r"[TW] ((?:GOMP|GOACC|omp|acc)_\w+)@@?(\S+)", line):
        if not match[1].startswith("GOMP_PLUGIN_"):
            wanted.setdefault(match[1], set()).add(match[2])

report = elf.Report()
runtime = libdir / "libmoirai_omp.so.1"
present, present_nodes = elf.exports(runtime), elf.nodes(runtime)
for node in sorted(wanted_nodes - present_nodes):
    report.check(False, f"{runtime.name}: no version node {node}")
for name, nodes in sorted(wanted.items()):
    nodes = nodes | ({"VERSION"} if name.startswith("omp_") else set())
    for node in sorted(nodes - present.get(name, set())):
        report.check(False, f"{runtime.name}: no {name}@{node}")
for name in present:
    known = name in wanted_nodes or re.match(r"(GOMP|GOACC|omp|acc|ompt|moirai)_|__kmpc_", name)
    report.check(known, f"{runtime.name}: {name} is none of its business")

preload = libdir / "libmoirai_preload.so"
present = elf.exports(preload)
for name in sorted(wanted):
    found = present.get(name, set())
    if name.startswith("omp_"):
        # VERSION is LLVM's: a clang-built program has its regions from there and must not get half its answers here.
        report.check(wanted[name] <= found, f"{preload.name}: no {name}@{wanted[name]}")
        report.check("VERSION" not in found and "" not in found, f"{preload.name}: {name} answers every reference")
    else:
        report.check("" in found, f"{preload.name}: no unversioned {name}")

native = elf.exports(libdir / "libmoirai.so.1")
for name in native:
    foreign = re.match(r"(GOMP|GOACC|omp|acc|ompt|pthread|kmp)_|__kmpc|__pthread", name)
    report.check(not foreign, f"libmoirai.so.1: exports {name}")
sys.exit(report.status())
