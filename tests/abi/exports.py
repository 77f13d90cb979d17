#!/usr/bin/env python3
"""The names and versions that the shared objects export: all of libgomp 12's list and of libomp 14's and 19's, but for what
libomp-leaks.txt has, and those of compilers after them that are there (newer.txt). usage: exports.py LIBDIR"""
import pathlib
import re
import sys

import elf

HERE = pathlib.Path(__file__).parent
# Nodes of compilers after GCC 12, which must be there before anything is under them.
NEWER = """OMP_5.1.1 OMP_5.2 OMP_6.0 OMP_6.1 OACC_2.6.1 GOMP_5.1.1 GOMP_5.1.2 GOMP_5.1.3 GOMP_6.0 GOMP_6.0.1
GOMP_PLUGIN_1.4""".split()
OURS = re.compile(r"(GOMP|GOACC|omp|ompc|acc|ompt|moirai|kmp|kmpc)_|__kmpc_")
LLVM = "VERSION"


def lines(name):
    return (HERE / name).read_text().splitlines()


def leaks():
    """One expression for all names that need not be there."""
    patterns = [line.split()[0] for line in lines("libomp-leaks.txt") if not line.startswith("#")]
    return re.compile("|".join(f"(?:{pattern})$" for pattern in patterns))


def wanted_names():
    """{name: nodes} and all nodes."""
    names, nodes, missing = {}, {LLVM, *NEWER}, leaks()
    for line in [line for name in ("libgomp-12.txt", "newer.txt") for line in lines(name)]:
        if line.startswith("A "):
            nodes.add(line[2:].strip())
        elif match := re.match(r"[TW] ((?:GOMP|GOACC|omp|acc)_\w+)@@?(\S+)", line):
            if not match[1].startswith("GOMP_PLUGIN_"):
                names.setdefault(match[1], set()).add(match[2])
    for line in [line for name in ("libomp-14.txt", "libomp-19.txt") for line in lines(name)]:
        match = re.match(r"[TWBDR] (\w+)@@?VERSION$", line)
        # GOMP_* of LLVM's runtime are GCC's names; a program that is linked to it asks for GCC's nodes.
        if match and not match[1].startswith("GOMP_") and not missing.match(match[1]):
            names.setdefault(match[1], set()).add(LLVM)
    for name, found in names.items():
        if name.startswith("omp_"):
            found.add(LLVM)
    return names, nodes


def check_runtime(report, runtime, wanted, wanted_nodes):
    present, nodes = elf.exports(runtime), elf.nodes(runtime)
    for node in sorted(wanted_nodes - nodes):
        report.check(False, f"{runtime.name}: no version node {node}")
    for name, versions in sorted(wanted.items()):
        for node in sorted(versions - present.get(name, set())):
            report.check(False, f"{runtime.name}: no {name}@{node}")
    for name in present:
        report.check(name in wanted_nodes or OURS.match(name), f"{runtime.name}: {name} is none of its business")


def check_preload(report, preload, wanted):
    """What means one thing in all versions has none and answers every reference; the omp_* have all theirs."""
    present = elf.exports(preload)
    for name, versions in sorted(wanted.items()):
        found = present.get(name, set())
        if name.startswith("omp_"):
            for node in sorted(versions - found):
                report.check(False, f"{preload.name}: no {name}@{node}")
            report.check("" not in found, f"{preload.name}: {name} answers every reference")
        else:
            report.check("" in found, f"{preload.name}: no unversioned {name}")


def main():
    libdir, report = pathlib.Path(sys.argv[1]), elf.Report()
    wanted, nodes = wanted_names()
    check_runtime(report, libdir / "libmoirai_omp.so.1", wanted, nodes)
    check_preload(report, libdir / "libmoirai_preload.so", wanted)
    for name in elf.exports(libdir / "libmoirai.so.1"):
        foreign = re.match(r"(GOMP|GOACC|omp|ompc|acc|ompt|pthread|kmp|kmpc)_|__kmpc|__pthread", name)
        report.check(not foreign, f"libmoirai.so.1: exports {name}")
    return report.status()


sys.exit(main())
