#!/usr/bin/env python3
"""usage: real.py LIBDIR PROGRAMS MOIRAI: programs of Debian give the same bytes when all of it is on, and what two kinds of
watching both count is the same."""

import json
import shutil
import subprocess
import sys

from watch import Place, expect, finish, validate

RUNS = {
    "pigz": ["pigz", "-p", "3", "-b", "128", "-c", "-n"],
    "sox": ["sox", "-D", "--multi-threaded", "-t", "raw", "-r", "44100", "-e", "signed", "-b", "16", "-c", "2", "-", "-t", "raw", "-",
             "rate", "-v", "48000"],
    "clustalo": ["clustalo", "-i", "-", "--threads", "3"],
}


def proteins():
    """Some that are alike, as FASTA."""
    letters = "ACDEFGHIKLMNPQRSTVWY"
    chains = ("".join(letters[(i * i * 3 + (i * n) // 9) % 20] for i in range(80 + n)) for n in range(12))
    return "".join(f">p{n}\n{chain}\n" for n, chain in enumerate(chains)).encode()


def main():
    place = Place(*sys.argv[1:4])
    noise = bytes((i * i * 7 + i // 3) % 251 for i in range(600000))
    for name, command in RUNS.items():
        if not shutil.which(name):
            print(f"{name} is not there")
            continue
        data = proteins() if name == "clustalo" else noise
        plain = subprocess.run(command, input=data, capture_output=True)
        files = {kind: place.work / f"{name}.{kind}" for kind in ("stats", "locks", "trace")}
        watched = subprocess.run([place.moirai, "run", "--threads", "3", f"--stats=json:{files['stats']}",
                                  f"--locks=json:{files['locks']}", "--trace", files["trace"], "--", *command],
                                 input=data, capture_output=True)
        expect(f"{name}: status and messages", (plain.returncode, plain.stderr), (watched.returncode, watched.stderr))
        expect(f"{name}: output", True, plain.stdout == watched.stdout)
        stats = json.loads(files["stats"].read_text())
        validate(stats, "stats.schema.json")
        if files["locks"].exists():
            locks = json.loads(files["locks"].read_text())
            validate(locks, "locks.schema.json")
            taken = sum(l["taken"] for l in locks["locks"] if l["kind"] == "mutex")
            expect(f"{name}: locks are counted alike", stats["totals"]["locks_taken"], taken)
            waits = sum(l["waits"] for l in locks["locks"] if l["kind"] == "condition")
            expect(f"{name}: waits, too", stats["totals"]["condition_waits"], waits)
        if files["trace"].exists():
            done = subprocess.run([place.moirai, "trace", files["trace"]], capture_output=True, text=True)
            document = json.loads(done.stdout)
            validate(document, "trace.schema.json")
            regions = sum(e.get("cat") == "region" for e in document["traceEvents"])
            expect(f"{name}: regions are recorded", stats["totals"]["regions"], regions)
            done = subprocess.run([place.moirai, "report", files["trace"]], capture_output=True, text=True)
            expect(f"{name}: report", (0, ""), (done.returncode, done.stderr))
        print(f"{name}: {stats['totals']['locks_taken']} locks, {stats['totals']['regions']} regions")
    finish()


if __name__ == "__main__":
    main()
