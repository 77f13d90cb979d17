#!/usr/bin/env python3
"""Programs that were linked to an older build still run: nothing that the libraries export is gone or has another
signature than in the references beside this file. What is new passes. usage: abidiff.py LIBDIR [--renew]"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = ("libmoirai.so.1", "libmoirai_omp.so.1")
SKIPPED = 77
# The core's own symbols carry the number of the build. What refuses has no signature yet.
PRIVATE_SYMBOL = re.compile("moirai_core_")
REFUSING = ("interpose/gomp/absent.c", "interpose/gomp/openacc.c")
DUMP = ("abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --no-architecture"
        " --no-parameter-names --exported-interfaces-only --type-id-style hash").split()


def drop_refusals(unit):
    """Remove the functions of a source file that only refuse; their names."""
    names = set()
    for function in unit.findall("function-decl"):
        names.add(function.get("name"))
        unit.remove(function)
    return names


def describe(library):
    """The exported interface of `library` as libabigail's XML, without what differs from build to build."""
    corpus = ET.fromstring(subprocess.run([*DUMP, library], check=True, capture_output=True, text=True).stdout)
    refusing = set()
    for unit in corpus.findall("abi-instr"):
        path = re.sub(r".*/(?=(interpose|src)/)", "", unit.get("path"))
        unit.set("path", path)
        if path in REFUSING:
            refusing |= drop_refusals(unit)
    for symbols in (*corpus.findall("elf-function-symbols"), *corpus.findall("elf-variable-symbols")):
        for symbol in list(symbols):
            if symbol.get("name") in refusing or PRIVATE_SYMBOL.match(symbol.get("name")):
                symbols.remove(symbol)
    ET.indent(corpus)
    return ET.tostring(corpus, encoding="unicode") + "\n"


def compare(reference, now):
    """What abidiff says about removals and changes, or None."""
    done = subprocess.run(["abidiff", "--no-added-syms", "--no-show-locs", reference, now], capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else None


def main():
    libdir, renew = pathlib.Path(sys.argv[1]), "--renew" in sys.argv
    if not shutil.which("abidw"):
        print("no abidw (Debian: abigail-tools)")
        return SKIPPED
    broken = 0
    for library in LIBRARIES:
        reference, now = HERE / f"{library}.abi", describe(libdir / library)
        if renew:
            reference.write_text(now)
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".abi") as file:
            file.write(now)
            file.flush()
            said = compare(reference, file.name)
        if said:
            broken = 1
            print(f"{library}: what it exports is not what it was\n{said}")
    if broken:
        print("A program linked to an older build may break. If that is meant, run tests/abi/renew and commit the references.")
    return broken


if __name__ == "__main__":
    sys.exit(main())
