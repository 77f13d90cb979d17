#!/usr/bin/env python3
"""usage: probes.py LIBDIR PROGRAMS MOIRAI: the probes are in the libraries, with a name and where their arguments are, and are
one nop each for who does not stop there."""

import glob
import pathlib
import re
import subprocess
import sys

from watch import expect, finish

SKIPPED = 77
LIBRARIES = {"libmoirai_preload.so": 20, "libmoirai_omp.so.1": 15, "libmoirai.so.1": 5}  # at least as many


def probes(library):
    """(provider, name, address, arguments) of each."""
    text = subprocess.run(["readelf", "-n", "-W", library], capture_output=True, text=True).stdout
    return re.findall(r"Provider: (\S+)\s+Name: (\S+)\s+Location: (0x[0-9a-f]+).*?\s+Arguments:(.*)", text)


def code_at(library, address):
    where = int(address, 16)
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--start-address={where}", f"--stop-address={where + 1}",
                           library], capture_output=True, text=True).stdout
    return re.findall(rf"^ *{where:x}:\s+(\S+)", text, re.MULTILINE)


def main():
    if not glob.glob("/usr/include/sys/sdt.h") + glob.glob("/usr/include/*/sys/sdt.h"):
        sys.exit(SKIPPED)
    for name, least in LIBRARIES.items():
        library = pathlib.Path(sys.argv[1]) / name
        found = probes(library)
        expect(f"{name}: probes", True, len(found) >= least)
        expect(f"{name}: names", {("moirai", "event")}, {probe[:2] for probe in found})
        # "size@place": the kind, a signed number of four bytes, then two addresses and a number.
        sizes = {tuple(re.findall(r"(-?\d+)@", probe[3])) for probe in found}
        expect(f"{name}: four arguments, the kind first", (True, {"-4"}),
               (all(len(s) == 4 for s in sizes), {s[0] for s in sizes}))
        kinds = {int(m[1]) for probe in found if (m := re.match(r"\s*-4@\$(\d+)", probe[3]))}
        expect(f"{name}: sleeps", True, {14, 15} <= kinds)
        for probe in found[:8]:
            expect(f"{name}: off, {probe[2]} is", ["nop"], code_at(library, probe[2]))
    finish()


if __name__ == "__main__":
    main()
