#!/usr/bin/env python3
"""The default number of threads under a CPU quota of the control group, and whether a change of the quota is seen.
usage: quota.py HELLO QUOTA_CHANGE NAME=VALUE

Makes a group of its own, in either version of control groups. Exits with 77 where that is not allowed.
"""
import os
import pathlib
import subprocess
import sys

GROUP = f"moirai-test-{os.getpid()}"


def v1():
    root = pathlib.Path("/sys/fs/cgroup/cpu")
    if (root / "cpu.cfs_quota_us").exists() or (root / "cgroup.procs").exists():
        yield root / GROUP, lambda group, percent: (group / "cpu.cfs_quota_us").write_text(str(percent * 1000))


def v2():
    root = pathlib.Path("/sys/fs/cgroup")
    if "cpu" in ((root / "cgroup.subtree_control").read_text() if (root / "cgroup.subtree_control").exists() else ""):
        yield root / GROUP, lambda group, percent: (group / "cpu.max").write_text(f"{percent * 1000} 100000")


def joining(group):
    return lambda: (group / "cgroup.procs").write_text(str(os.getpid()))


def threads_under(group, program, environment):
    out = subprocess.run([program], env=environment, preexec_fn=joining(group), capture_output=True, text=True,
                         check=True).stdout
    return int(out.split()[0])


def cpus_over_time(group, limit, program, environment, percents):
    """What the program says under each quota; it waits for as long as that takes, and ctest for no longer than usual."""
    limit(group, percents[0])
    with subprocess.Popen([program], env=environment, preexec_fn=joining(group), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as child:
        said = [int(child.stdout.readline())]
        for percent in percents[1:]:
            limit(group, percent)
            said.append(int(child.stdout.readline()))
        child.stdin.close()
    return said


def main():
    program, changing, setting = sys.argv[1:]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    environment.update([setting.split("=", 1)])
    cpus = len(os.sched_getaffinity(0))
    for group, limit in [*v1(), *v2()]:
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            limit(group, 100)
            seen = {percent: (limit(group, percent), threads_under(group, program, environment))[1]
                    for percent in (50, 100, 150)}
            said = cpus_over_time(group, limit, changing, environment, (200, 100, 200)) if cpus > 1 else []
        except OSError:
            continue
        finally:
            group.rmdir()
        wanted = {50: 1, 100: 1, 150: min(2, cpus)}
        print(f"{group}: threads by quota {seen}, wanted {wanted}; CPUs over time: {said}")
        return seen != wanted or said not in ([], [2, 1, 2])
    print("no control group with a CPU controller can be made here")
    return 77


sys.exit(main())
