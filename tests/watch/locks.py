#!/usr/bin/env python3
"""usage: locks.py LIBDIR PROGRAMS MOIRAI: the profile of locks, of programs whose locks are known."""

import json
import subprocess
import sys

from watch import INNER_WAITS, LOCKS, REGIONS, STATUS, SUM, THREADS, Place, expect, expect_in, finish, validate


def profile(place, *how):
    path = place.work / f"{how[0]}.json"
    done = place.run(*how, settings={"MOIRAI_LOCKS": f"json:{path}"})
    expect(f"{how}: status", (STATUS, ""), (done.returncode, done.stderr))
    document = json.loads(path.read_text())
    validate(document, "locks.schema.json")
    expect(f"{how}: nothing was lost", 0, document["lost"])
    return done.stdout, document["locks"]


def names(place, lock):
    """Of the function that takes it, by its call site, as addr2line has it."""
    done = subprocess.run(["addr2line", "-f", "-e", lock["site"]["object"], lock["site"]["address"]], capture_output=True,
                          text=True)
    return done.stdout.split()[0]


def conditions(place, locks):
    """Waits, timeouts, futile and spurious ones, by the function that waits."""
    return {names(place, l): (l["waits"], l["timeouts"], l["futile"], l["spurious"])
            for l in locks if l["kind"] == "condition"}


def main():
    place = Place(*sys.argv[1:4])
    output, locks = profile(place, "exit")
    expect("output", f"{SUM}\n", output)
    expect("one mutex at one place", [("mutex", REGIONS * THREADS * LOCKS)], [(l["kind"], l["taken"]) for l in locks])
    expect("the place", "add_locked", names(place, locks[0]))
    expect("times fit", True, locks[0]["held_max_ns"] <= locks[0]["held_ns"])

    _, locks = profile(place, "contend")
    held = [l for l in locks if names(place, l) == "hold_long"]
    expect("all wait for it", [(THREADS, THREADS, THREADS)],
           [(l["taken"], l["contended"], l["waiters_peak"]) for l in held])
    expect("for the time that it is held", True, held[0]["wait_ns"] >= 30000000 * (1 + 2))
    expect("and hold it", True, held[0]["held_ns"] >= 30000000 * THREADS)
    expect("in order", True, held[0]["wait_p50_ns"] <= held[0]["wait_p99_ns"] <= held[0]["wait_max_ns"])

    _, locks = profile(place, "critical")
    taken = {l["kind"]: l["taken"] for l in locks}
    expect("critical and lock", (THREADS * LOCKS,) * 2, (taken.get("critical"), taken.get("openmp")))

    output, locks = profile(place, "vain")
    waits = int(output.split()[1])
    expect("a condition", {"pass_gate": (waits, 0, waits - 1, 0)}, conditions(place, locks))
    output, locks = profile(place, "interrupted")
    expect("one that is waited for in the middle of a wait for another",
           {"pass_gate": (1, 0, 0, 0), "wait_in_handler": (INNER_WAITS, 0, INNER_WAITS - 1, INNER_WAITS)},
           conditions(place, locks))
    expect("each with its mutex",
           {"pass_gate", "wait_in_handler", "wait_interrupted"}, {names(place, l) for l in locks if l["kind"] == "mutex"})

    done = place.run(settings={"MOIRAI_LOCKS": "1"})
    expect("status", (STATUS, f"{SUM}\n"), (done.returncode, done.stdout))
    expect_in("a table", "moirai: locks of known (", done.stderr)
    done = place.run("interrupted", settings={"MOIRAI_LOCKS": "1"})
    inner = [line.split() for line in done.stderr.splitlines() if "wait_in_handler" in line or line.startswith("condition")]
    expect("spurious ones in the table", [["0", "0"], [str(INNER_WAITS - 1), str(INNER_WAITS)]],
           sorted(row[11:13] for row in inner if row[0] == "condition"))
    done = place.run("nothing", settings={"MOIRAI_LOCKS": "1"})
    expect("none is said of none", (4, ""), (done.returncode, done.stderr))
    done = subprocess.run([place.moirai, "run", "--locks=json:ours", place.programs / "known"], cwd=place.work)
    expect("moirai run --locks", (STATUS, True), (done.returncode, (place.work / "ours").exists()))
    finish()


if __name__ == "__main__":
    main()
