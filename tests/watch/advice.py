#!/usr/bin/env python3
"""usage: advice.py LIBDIR PROGRAMS MOIRAI: what is worth a look is said once, by statistics and reports, and not without a
reason."""

import json
import re
import subprocess
import sys

from watch import Place, expect, expect_in, finish, validate

# Of what depends on the time that things take, the machine may hide it in one run; what is never to be said is never said.
RUNS = {"false_sharing": 5, "lock_order": 1, "short_tasks": 5, "blocked": 5, "oversubscribed": 1, "little_work": 5}
# Threads of a busy machine do wait for each other, and a report that says so is right.
MACHINE_GIVES_REASON = {"little_work"}
SYSTEM_TELLS = {"blocked": "/proc/self/schedstat"}


def warnings(place, kind, flavour, number):
    """Kinds of the statistics, kinds of the report, and the table."""
    stats, trace = (place.work / f"{kind}.{flavour}.{number}.{what}" for what in ("stats", "trace"))
    done = place.run(kind, flavour, settings={"MOIRAI_STATS": f"json:{stats}"}, program="advice")
    expect(f"{kind} {flavour}: status", (0, ""), (done.returncode, done.stderr))
    document = json.loads(stats.read_text())
    validate(document, "stats.schema.json")
    said = [w["kind"] for w in document["warnings"]]
    expect(f"{kind} {flavour}: each once", len(said), len(set(said)))
    done = place.run(kind, flavour, settings={"MOIRAI_TRACE": str(trace)}, program="advice")
    expect(f"{kind} {flavour}: status with a trace", (0, ""), (done.returncode, done.stderr))
    reported = []
    if trace.exists():
        done = subprocess.run([place.moirai, "report", "-o", "-", trace], capture_output=True, text=True)
        data = json.loads(done.stdout.split('id="data">')[1].split("</script>")[0])
        reported = [w["kind"] for w in data["warnings"]]
        expect(f"{kind} {flavour}: each once in the report", len(reported), len(set(reported)))
    return said, reported


def check(place, kind, runs):
    for what in range(runs):
        said, reported = warnings(place, kind, "bad", what)
        if kind in said and kind in reported:
            break
    expect(f"{kind}: statistics", True, kind in said)
    expect(f"{kind}: report", True, kind in reported)
    said, reported = warnings(place, kind, "good", 0)
    expect(f"{kind}: not without a reason", False, kind in said)
    if kind not in MACHINE_GIVES_REASON:
        expect(f"{kind}: not in a report without a reason", False, kind in reported)


def check_table(place):
    """`moirai run --stats` has the same sentences as the files."""
    done = subprocess.run([place.moirai, "run", "--stats", place.programs / "advice", "lock_order", "bad"], text=True,
                          cwd=place.work, capture_output=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("moirai: worth a look: ")]
    expect("one line", 1, len(lines))
    expect_in("what to do", "take them in one order.", lines[0])
    expect("both places", 2, len(re.findall(r"advice\+0x[0-9a-f]+\)", lines[0])))


def main():
    place = Place(*sys.argv[1:4])
    for kind, runs in RUNS.items():
        try:
            open(SYSTEM_TELLS.get(kind, "/proc/self/stat")).close()
        except OSError:
            continue
        check(place, kind, runs)
    check_table(place)
    finish()


if __name__ == "__main__":
    main()
