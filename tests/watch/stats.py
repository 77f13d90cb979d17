#!/usr/bin/env python3
"""usage: stats.py LIBDIR PROGRAMS MOIRAI: what is counted, and where it goes, whatever the process does."""

import json
import os
import resource
import shutil
import socket
import stat
import subprocess
import sys
import time

from watch import LOCKS, REGIONS, STATUS, SUM, TASKS, THREADS, Place, expect, expect_in, finish, validate


def totals_of(path):
    document = json.loads(path.read_text())
    validate(document, "stats.schema.json")
    return document["totals"]


def check_counts(place):
    done = place.run(settings={"MOIRAI_STATS": "json:stats.json"})
    expect("status", STATUS, done.returncode)
    expect("output", f"{SUM}\n", done.stdout)
    expect("nothing is said", "", done.stderr)
    t = totals_of(place.work / "stats.json")
    expect("regions", REGIONS, t["regions"])
    expect("tasks created", REGIONS * TASKS, t["tasks_created"])
    expect("tasks run", REGIONS * TASKS, t["tasks_run"])
    expect("barriers", 2 * REGIONS * THREADS, t["barriers"])  # the explicit one, and the end of the region
    expect("locks taken", REGIONS * THREADS * LOCKS, t["locks_taken"])
    document = json.loads((place.work / "stats.json").read_text())
    for name, total in t.items():
        expect(f"threads add up to {name}", total, sum(row[name] for row in document["threads"]))
    expect("mode", 0o600, stat.S_IMODE((place.work / "stats.json").stat().st_mode))


def check_tasks(place):
    """Those that run at once and those that are stored: together as many as the program creates, on whichever thread."""
    done = place.run("short_tasks", "bad", settings={"MOIRAI_STATS": "json:tasks.json"}, program="advice")
    t = totals_of(place.work / "tasks.json")
    expect("many tasks", (0, 200000, 200000), (done.returncode, t["tasks_created"], t["tasks_run"]))


def check_gate(place):
    done = place.run("gate", settings={"MOIRAI_STATS": "json:gate.json"})
    waits = int(done.stdout.split()[1])
    t = totals_of(place.work / "gate.json")
    expect("condition waits", waits, t["condition_waits"])
    expect("locks, and those taken again by waits", 2 + waits, t["locks_taken"])


def check_table(place):
    done = place.run(settings={"MOIRAI_STATS": "1"})
    expect("output beside a table", f"{SUM}\n", done.stdout)
    expect_in("the table names the program", "moirai: statistics of known (", done.stderr)
    rows = {line.split()[0]: line.split()[1] for line in done.stderr.splitlines() if len(line.split()) > 1}
    expect("regions in the table", str(REGIONS), rows.get("regions"))
    done = place.run("nothing", settings={"MOIRAI_STATS": "1"})
    expect("a process that did nothing says nothing", (4, ""), (done.returncode, done.stderr))
    done = subprocess.run([place.moirai, "run", "--stats=json:ours.json", place.programs / "known"], cwd=place.work,
                          capture_output=True, text=True)
    expect("moirai run --stats: status", STATUS, done.returncode)
    expect("moirai run --stats: regions", REGIONS, totals_of(place.work / "ours.json")["regions"])


def check_executors(place):
    """named.c: executors with and without a name, and the one that is there by default."""
    def run(what):
        env = {**place.environment({"MOIRAI_STATS": what}), "LD_PRELOAD": ""}
        done = subprocess.run([place.programs / "named", "leave"], env=env, cwd=place.work, capture_output=True, text=True)
        expect("executors: status", 0, done.returncode)
        return done.stderr

    run("json:executors.json")
    document = json.loads((place.work / "executors.json").read_text())
    validate(document, "stats.schema.json")
    teams = {t["name"]: t["tasks_ended"] for t in document["team_list"] if t["native"]}
    expect("executors: names and tasks", {"fifteen letters": 8, "default": 2, "": 1001}, teams)
    expect_in("executors for people", 'executor "fifteen letters": ', run("1"))


def check_unwritable(place):
    def silent(what, settings, **more):
        done = place.run(settings=settings, **more)
        expect(f"{what}: status", STATUS, done.returncode)
        if done.stdout is not None:
            expect(f"{what}: output", f"{SUM}\n", done.stdout)
        return done.stderr or ""

    text = silent("no such folder", {"MOIRAI_STATS": "json:nowhere/x"})
    expect_in("no such folder", "cannot create", text)
    expect("one line", 1, text.count("\n"))
    expect_in("no file", "cannot create", silent("no file", {"MOIRAI_STATS": "json:/dev/null"}))
    (place.work / "link").symlink_to(place.work / "aim")
    expect_in("a link", "cannot create", silent("a link", {"MOIRAI_STATS": "json:link"}))
    expect("a link is not followed", False, (place.work / "aim").exists())
    (place.work / "old").write_text("mine")
    expect_in("a file that is there", "there already", silent("a file that is there", {"MOIRAI_STATS": "json:old"}))
    expect("a file that is there stays", "mine", (place.work / "old").read_text())
    expect("the other one", 1, len(list(place.work.glob("old.*"))))
    expect_in("nonsense", "MOIRAI_STATS takes", silent("nonsense", {"MOIRAI_STATS": "fly"}))
    for setting in "MOIRAI_STATS", "MOIRAI_LOCKS":
        text = silent(f"a full disk for {setting}", {setting: f"json:full.{setting}"},
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
        expect_in("a full disk", f"{setting}: cannot write", text)
        text = silent(f"no such folder for {setting}", {setting: "json:nowhere/x"})
        expect_in("no such folder", f"{setting}: cannot create", text)

    every = {"MOIRAI_STATS": "1", "MOIRAI_LOCKS": "1", "MOIRAI_TRACE": "nowhere/x", "MOIRAI_METRICS": "unix:nowhere/x"}
    silent("no standard error", every, preexec_fn=lambda: os.close(2), stderr=None, stdout=subprocess.PIPE,
           capture_output=False)
    with open("/dev/full", "w") as full:
        silent("no room for standard error", every, stderr=full, stdout=subprocess.PIPE, capture_output=False)
    read, write = os.pipe()
    os.close(read)
    silent("a reader that is gone", {"MOIRAI_STATS": "1"}, stderr=write, stdout=subprocess.PIPE, capture_output=False)
    os.close(write)
    done = place.run("reopen", "own", settings={"MOIRAI_STATS": "1"})
    expect("a file of the program's in the place of standard error", (STATUS, ""),
           (done.returncode, (place.work / "own").read_text()))


def check_children(place):
    for how, regions, locks in ("fork", 2, 2 * THREADS * LOCKS + 1), ("raw-fork", 0, 1):
        done = place.run(how, settings={"MOIRAI_STATS": f"json:{how}.json"})
        child = int(done.stdout.split()[2])
        expect(f"{how}: child's status", "child's status 5", done.stdout.splitlines()[-1])
        expect(f"{how}: parent", REGIONS, totals_of(place.work / f"{how}.json")["regions"])
        t = totals_of(place.work / f"{how}.json.{child}")
        if how == "fork":
            expect(f"{how}: child's regions", regions, t["regions"])
            expect(f"{how}: child's tasks", regions * TASKS, t["tasks_run"])
        expect(f"{how}: child's locks", locks, t["locks_taken"])
    for how, status in ("kill", -9), ("_exit", 6), ("abort", -6):
        done = place.run(how, settings={"MOIRAI_STATS": "1"})
        expect(f"{how}: status", (status, f"{SUM}\n", ""), (done.returncode, done.stdout, done.stderr))
    settings = {"MOIRAI_STATS": "json:daemon.json", "MOIRAI_LOCKS": "json:daemon.locks", "MOIRAI_TRACE": "daemon.trace"}
    place.run("daemon", settings=settings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
              stderr=subprocess.DEVNULL, capture_output=False)
    until = time.monotonic() + 50
    while not list(place.work.glob("daemon.locks.*")) and time.monotonic() < until:
        time.sleep(0.01)
    for name in "daemon.json", "daemon.locks", "daemon.trace":
        expect(f"a daemon writes its own {name}", 1, len(list(place.work.glob(f"{name}.*"))))


def check_threads(place):
    done = place.run("threads", 1000, settings={"MOIRAI_STATS": "json:threads.json", "MOIRAI_LOCKS": "json:threads.locks"})
    if done.returncode != 77:
        expect("1000 threads", 1000, totals_of(place.work / "threads.json")["locks_taken"])
        locks = json.loads((place.work / "threads.locks").read_text())["locks"]
        expect("1000 threads, locks", [1000], [lock["taken"] for lock in locks])


def check_privileged(place):
    """A program with others' rights does as if nothing was asked for. Only root can make one."""
    if os.geteuid() != 0:
        return
    program = place.work / "privileged"
    shutil.copy(place.programs / "jobs", program)
    os.chown(program, 65534, 65534)
    program.chmod(0o4755)
    place.work.chmod(0o777)
    settings = {"MOIRAI_STATS": "1", "MOIRAI_LOCKS": "1", "MOIRAI_TRACE": "privileged.trace",
                "MOIRAI_METRICS": "unix:privileged.socket"}
    done = subprocess.run([program], env={**place.environment(settings), "LD_PRELOAD": ""}, cwd=place.work,
                          capture_output=True, text=True)
    if done.returncode == 127 or os.statvfs(place.work).f_flag & os.ST_NOSUID:
        return  # the libraries lie where it may not look, or there are no such programs here
    expect("privileged", (0, ""), (done.returncode, done.stderr))
    expect("privileged: no files", ["privileged"], [p.name for p in place.work.glob("privileged*")])


def ask(path, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(request)
        text = b""
        while part := s.recv(65536):
            text += part
    return text.decode()


def check_metrics(place):
    path = place.work / "metrics"
    settings = {"MOIRAI_METRICS": "unix:metrics", "MOIRAI_STATS": "json:served.json"}
    target = subprocess.Popen([place.programs / "known", "stay"], env=place.environment(settings), cwd=place.work,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    expect("output of one that is asked", f"{SUM}\n", target.stdout.readline())
    expect("mode of the socket", 0o600, stat.S_IMODE(path.stat().st_mode))
    plain = ask(path, b"\n")
    expect_in("regions", f'moirai_regions_total{{pid="{target.pid}"}} {REGIONS}\n', plain)
    expect_in("locks", f'moirai_locks_taken_total{{pid="{target.pid}"}} {REGIONS * THREADS * LOCKS}\n', plain)
    http = ask(path, b"GET /metrics HTTP/1.0\r\n\r\n")
    expect("an answer for HTTP", "HTTP/1.0 200 OK", http.splitlines()[0])
    for line in plain.splitlines():
        expect(f"a line of the format: {line}", True, line.startswith(("# HELP moirai_", "# TYPE moirai_", "moirai_")))
    with socket.socket(socket.AF_UNIX) as s:  # one who goes away at once
        s.connect(str(path))
    target.communicate("\n")
    expect("status of one that was asked", STATUS, target.returncode)
    expect("the socket is gone", False, path.exists())
    done = place.run(settings={"MOIRAI_METRICS": "unix:nowhere/metrics"})
    expect("no socket: status", (STATUS, f"{SUM}\n"), (done.returncode, done.stdout))
    expect_in("no socket", "no socket at", done.stderr)


def main():
    place = Place(*sys.argv[1:4])
    for check in check_counts, check_tasks, check_gate, check_table, check_executors, check_unwritable, check_children, \
            check_threads, check_metrics, check_privileged:
        check(place)
    finish()


if __name__ == "__main__":
    main()
