"""Programs that measure the same rows with different libraries, run in turns: what bench/task and bench/chan share."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from machine import describe, print_columns, show

BENCH = Path(__file__).resolve().parent


class Suite:
    """Where the programs are, whose libraries they measure, and in which rows."""

    def __init__(self, doc, folder, libraries, rows, targets, workers, note=", ns"):
        self.doc, self.folder, self.libraries, self.rows = doc, folder, libraries, rows
        self.targets, self.workers, self.note = targets, workers, note


def parse_args(suite):
    p = argparse.ArgumentParser(description=suite.doc.split("\n")[0])
    p.add_argument("--rows", default=",".join(suite.rows), help="comma-separated names (default: all)")
    p.add_argument("--workers", default=suite.workers, help="numbers of workers (default: %(default)s)")
    p.add_argument("--n", type=int, default=5, help="repetitions (default: %(default)s)")
    p.add_argument("--ms", type=int, default=100, help="measuring time of one run (default: %(default)s)")
    p.add_argument("--build", type=Path, default=BENCH.parent / "build", help="build folder (default: %(default)s)")
    p.add_argument("--timeout", type=float, default=60, help="seconds that one run may take (default: %(default)s)")
    p.add_argument("--json", type=Path, help="write everything measured to this file")
    p.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    p.set_defaults(env=[])
    return p.parse_args()


def programs(suite, args):
    """Each library with its rows, and the program of each row."""
    found = {}
    for name, files in suite.libraries.items():
        for program in (args.build / suite.folder / file for file in files):
            if program.exists():
                known = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
                found.setdefault(name, {}).update((row, program) for row in known)
    if "moirai" not in found:
        sys.exit(f"bench: nothing in {args.build / suite.folder}: build first, or choose with --build")
    return found


def run_once(args, program, row, workers):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MOIRAI_", "OMP_", "LD_PRELOAD"))}
    done = subprocess.run([program, row, str(args.ms), str(workers)], env=env, capture_output=True, text=True,
                          timeout=args.timeout)
    if done.returncode:
        sys.exit(f"bench: {program.name} {row}: status {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)["series"][0]["samples"]


def measure(args, found, row, workers):
    samples = {name: [] for name, known in found.items() if row in known}
    names = list(samples)
    for repetition in range(args.n):
        turn = repetition % len(names)
        for name in names[turn:] + names[:turn]:
            samples[name].append(run_once(args, found[name][row], row, workers))
    return samples


def read_targets(suite):
    targets = {}
    for line in (BENCH / suite.targets).read_text().splitlines():
        if line and not line.startswith("#"):
            row, workers, limit = line.split("\t")
            sign, number = limit.split()
            targets[row, int(workers)] = sign, float(number)
    return targets


def record_of(row, workers, samples, targets):
    figures = {}
    for name, runs in samples.items():
        medians = [median(r) for r in runs]
        middle = median(medians)
        figures[name] = {"median": middle, "best": min(min(r) for r in runs),
                         "spread": (max(medians) - min(medians)) / middle, "samples": runs}
    sign, limit = targets.get((row, workers), ("", None))
    own = figures["moirai"]["median"]
    verdict = "" if limit is None else "ok" if (own <= limit if sign == "<=" else own >= limit) else "miss"
    return {"row": row, "workers": workers, "figures": figures, "target": f"{sign} {limit:g}" if limit else "",
            "verdict": verdict}


def show_record(record, names):
    line = [record["row"], str(record["workers"])]
    for name in names:
        f = record["figures"].get(name)
        line += [show(f["median"]), show(f["best"]), f"{100 * f['spread']:.0f}%"] if f else ["", "", ""]
    own = record["figures"]["moirai"]["median"]
    for name in names[1:]:
        f = record["figures"].get(name)
        line += [f"{f['median'] / own:.2f}" if f else ""]
    return line + [record["target"], record["verdict"]]


def run(suite):
    args = parse_args(suite)
    found, targets = programs(suite, args), read_targets(suite)
    names, records = list(found), []
    machine = describe(args)
    for row in args.rows.split(","):
        if row not in suite.rows:
            sys.exit(f"bench: unknown row {row}, choose of {', '.join(suite.rows)}")
        for workers in map(int, args.workers.split(",")):
            records.append(record_of(row, workers, measure(args, found, row, workers), targets))
    head = ["row", "workers"]
    for name in names:
        head += [name, "best", "spread"]
    head += [f"{name}/moirai" for name in names[1:]] + ["target", ""]
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']:.2f} to {os.getloadavg()[0]:.2f}, "
          f"{args.n} x {args.ms} ms{suite.note}\n")
    missing = [name for name in suite.libraries if name not in found]
    if missing:
        print(f"left out, as they were not there when the benchmarks were built: {', '.join(missing)}\n")
    print_columns([head] + [show_record(r, names) for r in records], {0, len(head) - 2, len(head) - 1})
    if args.json:
        args.json.write_text(json.dumps({"machine": machine, "records": records}, indent=1) + "\n")
    return 1 if args.check and any(r["verdict"] == "miss" for r in records) else 0
