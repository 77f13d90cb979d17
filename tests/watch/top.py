#!/usr/bin/env python3
"""usage: top.py LIBDIR PROGRAMS MOIRAI: a process is looked at from outside, which it does not notice."""

import json
import os
import subprocess
import sys

from watch import LOCKS, REGIONS, STATUS, SUM, TASKS, THREADS, Place, expect, expect_in, finish, validate


def top(place, *args):
    return subprocess.run([place.moirai, "top", *map(str, args)], capture_output=True, text=True, timeout=50)


def main():
    place = Place(*sys.argv[1:4])
    target = subprocess.Popen([place.programs / "known", "stay"], env=place.environment({}), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    expect("output", f"{SUM}\n", target.stdout.readline())
    threads = len(os.listdir(f"/proc/{target.pid}/task"))
    done = top(place, "--once", "--json", target.pid)
    expect("status", (0, ""), (done.returncode, done.stderr))
    document = json.loads(done.stdout)
    validate(document, "stats.schema.json")
    expect("process", (target.pid, "known"), (document["pid"], document["program"]))
    totals = document["totals"]
    expect("regions", REGIONS, totals["regions"])
    expect("tasks", (REGIONS * TASKS,) * 2, (totals["tasks_created"], totals["tasks_run"]))
    expect("locks are not counted unasked", 0, totals["locks_taken"])
    rows = document["threads"]
    expect("threads of the pool", THREADS - 1, sum(row["pooled"] for row in rows))
    expect("the first thread", True, target.pid in [row["tid"] for row in rows])
    expect("teams", [(THREADS, False, REGIONS)], [(t["size"], t["busy"], t["regions"]) for t in document["team_list"]])
    done = top(place, "--once", target.pid)
    expect_in("for people", f"moirai top: known ({target.pid})", done.stdout)
    several = subprocess.Popen([place.moirai, "top", "--json", "--interval", "0.05", str(target.pid)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    documents = [several.stdout.readline() for _ in range(2)]
    expect("it goes on", True, all(documents))
    expect("no thread was added", threads, len(os.listdir(f"/proc/{target.pid}/task")))
    target.communicate("\n")
    expect("status of the target", STATUS, target.returncode)
    text, error = several.communicate(timeout=50)
    expect("its end is the end", 0, several.returncode)

    target = subprocess.Popen([place.programs / "known", "contend-stay"], env=place.environment({}), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    target.stdout.readline()
    locks = json.loads(top(place, "--once", "--json", target.pid).stdout)["locks"]
    expect("the lock that threads wait for, first", THREADS, locks[0]["waits"])
    expect("for as long as others hold it", True, locks[0]["wait_ns"] >= 30000000 * (1 + 2))
    line = top(place, "--once", target.pid).stdout.split("LAST AT\n")[1].splitlines()[0].split()
    expect("for people", (locks[0]["lock"], str(THREADS), True), (line[0], line[1], line[3].startswith("known+0x")))
    target.communicate("\n")

    target = subprocess.Popen([place.programs / "named", "stay"], env={**place.environment({}), "LD_PRELOAD": ""},
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    target.stdout.readline()
    teams = json.loads(top(place, "--once", "--json", target.pid).stdout)["team_list"]
    expect("executors", ["", "default", "fifteen letters"], sorted(t["name"] for t in teams if t["native"]))
    expect_in("executors for people", 'executor "fifteen letters": ', top(place, "--once", target.pid).stdout)
    target.communicate("\n")

    expect("no such process", 125, top(place, "--once", target.pid).returncode)
    done = top(place, "--once", os.getpid())
    expect("one without Moirai", (125, f"moirai: process {os.getpid()} does not run under Moirai\n"),
           (done.returncode, done.stderr))
    for wrong in (), ("x",), ("--fly", "1"), ("--interval", "0", "1"), ("1", "2"), ("-1",):
        expect(f"misuse {wrong}", 2, top(place, *wrong).returncode)
    finish()


if __name__ == "__main__":
    main()
