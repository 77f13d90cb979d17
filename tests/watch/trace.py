#!/usr/bin/env python3
"""usage: trace.py LIBDIR PROGRAMS MOIRAI: what is recorded of known programs, however they end, and the page about it."""

import collections
import json
import os
import resource
import shutil
import subprocess
import sys

from watch import INNER_WAITS, REGIONS, STATUS, SUM, TASKS, THREADS, Place, expect, expect_in, finish, validate


def trace(place, path):
    done = subprocess.run([place.moirai, "trace", path], capture_output=True, text=True)
    expect(f"{path}: it can be read", (0, ""), (done.returncode, done.stderr))
    document = json.loads(done.stdout)
    validate(document, "trace.schema.json")
    return document


def data_of(page):
    return json.loads(page.split('id="data">')[1].split("</script>")[0])


def kinds(document):
    return collections.Counter(e["cat"] for e in document["traceEvents"] if e["ph"] != "M")


def expect_all(what, document, regions=REGIONS):
    found = kinds(document)
    for kind, wanted in ("region", regions), ("task", regions * TASKS), ("create", regions * TASKS), \
            ("part", regions * THREADS):
        expect(f"{what}: {kind}", wanted, found[kind])


def check_events(place):
    done = place.run(settings={"MOIRAI_TRACE": "plain"})
    expect("status and output", (STATUS, f"{SUM}\n", ""), (done.returncode, done.stdout, done.stderr))
    document = trace(place, place.work / "plain")
    expect_all("plain", document)
    expect("nothing is lost", (0, 0), (document["otherData"]["overwritten"], document["otherData"]["dropped"]))
    names = {e["name"] for e in document["traceEvents"] if e.get("cat") == "region"}
    expect("regions have a place", {"region regions"}, names)
    spans = [e for e in document["traceEvents"] if e.get("cat") == "part"]
    expect("threads", THREADS, len({e["tid"] for e in spans}))


def check_jobs(place):
    """quick_start.c: five tasks, one of which fails."""
    settings = {"MOIRAI_TRACE": "jobs", "MOIRAI_STATS": "json:jobs.json"}
    env = {**place.environment(settings), "LD_PRELOAD": ""}
    done = subprocess.run([place.programs / "jobs"], env=env, cwd=place.work, capture_output=True, text=True)
    expect("native: status", (0, ""), (done.returncode, done.stderr))
    totals = json.loads((place.work / "jobs.json").read_text())["totals"]
    expect("native: counted", (5, 1, 0), (totals["jobs_run"], totals["jobs_failed"], totals["jobs_dropped"]))
    document = trace(place, place.work / "jobs")
    expect("native: recorded", 5, kinds(document)["native task"])
    expect("native: by name", {"native task add_up"},
           {e["name"] for e in document["traceEvents"] if e.get("cat") == "native task"})


def check_names(place):
    """named.c: tasks with and without names, of executors with and without one."""
    env = {**place.environment({"MOIRAI_TRACE": "named"}), "LD_PRELOAD": ""}
    done = subprocess.run([place.programs / "named"], env=env, cwd=place.work, capture_output=True, text=True)
    expect("named: status", (0, ""), (done.returncode, done.stderr))
    slices = collections.Counter((e["name"], e["args"].get("executor"))
                                 for e in trace(place, place.work / "named")["traceEvents"] if e.get("cat") == "native task")
    text = "0123456789" * 10
    expect("named: slices", {("native task resize the image", "fifteen letters"): 2,
                             ("native task twenty bytes exactly", "fifteen letters"): 1,
                             (f"native task {text[:60]}", "fifteen letters"): 1, ("native task a \"quote\" <", "default"): 1,
                             ("native task inner", "fifteen letters"): 1, ("native task outer", "fifteen letters"): 1,
                             ("native task work", "fifteen letters"): 2, ("native task work", "default"): 1,
                             ("native task work", None): 1}, dict(slices))
    done = subprocess.run([place.moirai, "report", "-o", "-", place.work / "named"], capture_output=True, text=True)
    sums = collections.Counter()
    lines = {}
    for row in data_of(done.stdout)["sums"]:
        if row["kind"] == "native task":
            sums[row["name"]] += row["count"]
            lines[row["name"]] = row["line"]
    expect("named: the page sums by name", {"resize the image": 2, "twenty bytes exactly": 1, text[:60]: 1, "inner": 1,
                                            "outer": 1, "a \"quote\" <": 1, "work": 4}, dict(sums))
    expect_in("named: where", "named.c", lines["resize the image"])


def check_fibers(place):
    """fibers.c: three fibers, two of which have a name, with five turns each."""
    env = {**place.environment({"MOIRAI_TRACE": "fibers"}), "LD_PRELOAD": ""}
    done = subprocess.run([place.programs / "fibers"], env=env, cwd=place.work, capture_output=True, text=True)
    expect("fibers: status", (0, ""), (done.returncode, done.stderr))
    turns = collections.Counter(e["name"] for e in trace(place, place.work / "fibers")["traceEvents"]
                                if e.get("cat") == "native task")
    expect("fibers: turns", {"native task rest": 5, "native task the sleeper": 10}, dict(turns))


def check_channels(place):
    env = {**place.environment({"MOIRAI_TRACE": "channels"}), "LD_PRELOAD": ""}
    done = subprocess.run([place.programs / "channels"], env=env, cwd=place.work, capture_output=True, text=True)
    expect("channels: status", (0, ""), (done.returncode, done.stderr))
    document = trace(place, place.work / "channels")
    names = collections.Counter(e["name"] for e in document["traceEvents"] if e.get("cat") == "channel")
    expect("channels: waits by kind", {"channel receive, bounded": 7, "channel send, unbuffered": 5, "channel select": 3},
           dict(names))


def check_conditions(place):
    """Waits in vain and for no reason, in the recording and in the report's table."""
    for how in "vain", "interrupted":
        done = place.run(how, settings={"MOIRAI_TRACE": how})
        waits = int(done.stdout.split()[1])
        wanted = {"condition pass_gate": [waits, waits - 1, 0]}
        if how == "interrupted":
            wanted["condition wait_in_handler"] = [INNER_WAITS, INNER_WAITS - 1, INNER_WAITS]
        found = collections.defaultdict(lambda: [0, 0, 0])
        for e in trace(place, place.work / how)["traceEvents"]:
            if e.get("cat") == "condition":
                for i, one in enumerate((True, e["args"].get("futile", False), e["args"].get("spurious", False))):
                    found[e["name"]][i] += one
        expect(f"{how}: waits, futile and spurious ones", wanted, dict(found))
        done = subprocess.run([place.moirai, "report", "-o", "-", place.work / how], capture_output=True, text=True)
        data = json.loads(done.stdout.split('id="data">')[1].split("</script>")[0])
        expect(f"{how}: the same in the report", wanted,
               {f"condition {s['name']}": [s["count"], s["futile"], s["spurious"]] for s in data["sums"] if s["kind"] == "condition"})


def check_ends(place):
    for how, status in ("kill", -9), ("_exit", 6), ("abort", -6):
        done = place.run(how, settings={"MOIRAI_TRACE": how})
        expect(f"{how}: status", (status, f"{SUM}\n", ""), (done.returncode, done.stdout, done.stderr))
        expect_all(how, trace(place, place.work / how))
    done = place.run("fork", settings={"MOIRAI_TRACE": "forked"})
    child = done.stdout.split()[2]
    expect_all("parent", trace(place, place.work / "forked"))
    expect_all("child", trace(place, place.work / f"forked.{child}"), 2)
    done = subprocess.run(["sh", "-c", f"{place.programs / 'known'}; exec {place.programs / 'known'}"],
                          env=place.environment({"MOIRAI_TRACE": "%p.exec"}), cwd=place.work, capture_output=True)
    expect("one after the other", STATUS, done.returncode)
    recorded = list(place.work.glob("*.exec"))
    expect("each its own", 2, len(recorded))
    for path in recorded:
        expect_all("of two", trace(place, path))


def check_bounds(place):
    settings = {"MOIRAI_TRACE": "small", "MOIRAI_TRACE_BYTES": "600K"}
    done = place.run(settings=settings)
    expect("one ring: status", (STATUS, f"{SUM}\n"), (done.returncode, done.stdout))
    expect_in("one ring", "MOIRAI_TRACE_BYTES has no room", done.stderr)
    expect("what has no room is counted", True, trace(place, place.work / "small")["otherData"]["dropped"] > 0)
    expect("the file is bounded", True, (place.work / "small").stat().st_size < 700 * 1024)

    done = place.run("nothing", settings={"MOIRAI_TRACE": "unused"})
    expect("no events, no file", (4, False), (done.returncode, (place.work / "unused").exists()))
    done = place.run(settings={"MOIRAI_TRACE": "nowhere/x"})
    expect("no folder", (STATUS, f"{SUM}\n"), (done.returncode, done.stdout))
    expect("no folder: one line", 1, done.stderr.count("cannot create"))
    done = place.run(settings={"MOIRAI_TRACE": "large"},
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)))
    expect("a limit", (STATUS, f"{SUM}\n"), (done.returncode, done.stdout))
    expect_in("a limit", "no room for", done.stderr)
    if os.geteuid() == 0 and shutil.which("unshare"):
        script = (f"mount -t tmpfs -o size=256k none {place.work} || exit 77; "
                  f"MOIRAI_TRACE={place.work}/full LD_PRELOAD={place.preload} {place.programs / 'known'}")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
        if done.returncode not in (1, 77):
            expect("a full disk", (STATUS, f"{SUM}\n"), (done.returncode, done.stdout))
            expect_in("a full disk", "MOIRAI_TRACE: ", done.stderr)
    done = place.run("threads", 1000, settings={"MOIRAI_TRACE": "threads"})
    expect("1000 threads", True, done.returncode in (STATUS, 77))


def check_files(place):
    """Whatever the file is, there is one line about it, and no crash."""
    good = (place.work / "plain").read_bytes()
    for name, content in ("empty", b""), ("text", b"hello" * 2000), ("head", good[:4000]), ("cut", good[:200000]), \
            ("version", good[:8] + b"\x63" + good[9:70000]), ("sizes", good[:16] + b"\xff" * 48 + good[64:100000]):
        (place.work / name).write_bytes(content)
        for command in "trace", "report":
            done = subprocess.run([place.moirai, command, place.work / name], capture_output=True, text=True)
            if name == "cut":
                expect(f"{command} {name}", 0, done.returncode)
            else:
                expect(f"{command} {name}", (125, 1), (done.returncode, done.stderr.count("\n")))
    for wrong in ["trace"], ["report"], ["report", "a", "b"], ["report", "--fly", "a"], ["trace", "--fly"]:
        done = subprocess.run([place.moirai, *wrong], capture_output=True)
        expect(f"misuse {wrong}", 2, done.returncode)
    done = subprocess.run([place.moirai, "report", "-o", "/nowhere/x", place.work / "plain"], capture_output=True, text=True)
    expect_in("no place for the page", "cannot write /nowhere/x", done.stderr)
    for command in ["trace"], ["report", "-o", "-"], ["report", "-o", "/dev/full"]:
        with open("/dev/full", "w") as full:
            done = subprocess.run([place.moirai, *command, place.work / "plain"], stdout=full, stderr=subprocess.DEVNULL)
        expect(f"a full disk for {command}", 125, done.returncode)


def check_page(place):
    done = subprocess.run([place.moirai, "run", "--trace", "ours", place.programs / "known"], cwd=place.work,
                          capture_output=True, text=True)
    expect("moirai run --trace", (STATUS, f"{SUM}\n"), (done.returncode, done.stdout))
    done = subprocess.run([place.moirai, "report", "ours"], cwd=place.work, capture_output=True, text=True)
    expect("report", (0, "ours.html\n", ""), (done.returncode, done.stdout, done.stderr))
    page = place.work / "ours.html"
    text = page.read_text()
    for part in "http:", "https:", "src=", "@import":
        expect(f"the page asks nobody: {part}", False, part in text)
    data = data_of(text)
    sums = collections.Counter()
    for row in data["sums"]:
        sums[row["kind"]] += row["count"]
    expect("regions and tasks of the page", (REGIONS, REGIONS * TASKS), (sums["region"], sums["task"]))
    expect("length of tasks", REGIONS * TASKS, sum(data["task_ns"]))
    expect("steals", data["steals"], sum(data["distance"]))
    browser = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not browser:
        print("no browser: the page is not opened")
        return
    done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={place.work}/profile",
                           "--dump-dom", page.as_uri()], capture_output=True, text=True)
    expect_in("the page comes to its end", 'data-ready="yes"', done.stdout)
    expect_in("the table", "known.c", done.stdout)


def main():
    place = Place(*sys.argv[1:4])
    for check in check_events, check_jobs, check_names, check_fibers, check_channels, check_conditions, check_ends, check_bounds, check_files, check_page:
        check(place)
    finish()


if __name__ == "__main__":
    main()
