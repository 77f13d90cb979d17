#!/usr/bin/env python3
"""A value that cannot be understood is named on stderr, once, and the program runs on without it; a good one is
silent. usage: malformed.py PROGRAM [NAME=VALUE of the environment ...]"""
import os
import subprocess
import sys

program = sys.argv[1]
base = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "MOIRAI_"))}
base.update(setting.split("=", 1) for setting in sys.argv[2:])

BAD = {
    "OMP_NUM_THREADS": ["abc", "0", "-3", "2,", "4,x", "99999999999999999999"],
    "OMP_SCHEDULE": ["fast", "dynamic,", "dynamic,-1", "dynamic,x", "sometimes:dynamic"],
    "OMP_DYNAMIC": ["maybe", "2"],
    "OMP_NESTED": ["perhaps"],
    "OMP_MAX_ACTIVE_LEVELS": ["-1", "many"],
    "OMP_THREAD_LIMIT": ["0", "-1", "none"],
    "OMP_STACKSIZE": ["big", "10X", "-4k"],
    "OMP_WAIT_POLICY": ["lazy"],
    "OMP_CANCELLATION": ["maybe"],
    "OMP_PROC_BIND": ["near", "true,close", "close,,spread", ""],
    "OMP_ALLOCATOR": ["", "omp_null_allocator", "omp_default_mem_space:", "omp_default_mem_space:alignment=3",
                      "omp_high_bw_mem_space:pinned=yes"],
    "OMP_PLACES": ["{0", "{0},", "{}", "cores(0)", "cores(1", "boxes", "{0:-1}", "{99999}", "!", ""],
    "GOMP_CPU_AFFINITY": ["x", "0,,1", "1-0", "0-1:0", "0 1,"],
    "OMP_DISPLAY_AFFINITY": ["verbose"],
    "OMP_AFFINITY_FORMAT": ["100%", "%0n", "%.n", "%{host", "%99999n"],
    "OMP_DISPLAY_ENV": ["all"],
    "OMP_DEFAULT_DEVICE": ["-1", "gpu"],
    "OMP_TARGET_OFFLOAD": ["never"],
    "OMP_NUM_TEAMS": ["0", "-2", "some"],
    "OMP_TEAMS_THREAD_LIMIT": ["0", "none"],
    "OMP_MAX_TASK_PRIORITY": ["-1", "high"],
    "OMP_TOOL": ["off"],
    "OMP_DEBUG": ["on"],
    "OMP_NUM_THREADS_ALL": ["0"],
    "OMP_NUM_THREADS_DEV_3": ["x"],
    "GOMP_STACKSIZE": ["none"],
    "GOMP_SPINCOUNT": ["-1", "often"],
}
GOOD = {
    "OMP_NUM_THREADS": ["3", " 2 ", "4,2"],
    "OMP_SCHEDULE": ["static", "guided,4", "nonmonotonic:dynamic , 3"],
    "OMP_DYNAMIC": ["true", "FALSE"],
    "OMP_NESTED": ["false"],
    "OMP_MAX_ACTIVE_LEVELS": ["0", "3"],
    "OMP_THREAD_LIMIT": ["1", "100"],
    "OMP_STACKSIZE": ["4M", "2048", "1 g"],
    "OMP_WAIT_POLICY": ["active", "PASSIVE"],
    "OMP_PROC_BIND": ["true", "false", "close , Spread"],
    "OMP_PLACES": ["{0}", "threads"],
    "GOMP_CPU_AFFINITY": ["0", "0 0-0"],
    "OMP_ALLOCATOR": ["omp_high_bw_mem_alloc", "omp_default_mem_space", "omp_const_mem_space:partition=blocked"],
    "OMP_TARGET_OFFLOAD": ["disabled"],
    "OMP_TOOL": ["disabled"],
    "OMP_TOOL_LIBRARIES": ["", "/nowhere/tool.so"],
    "OMP_NUM_TEAMS": ["3"],
    "OMP_NUM_THREADS_ALL": ["3"],
    "OMP_NUM_THREADS_DEV": ["3"],
    "GOMP_STACKSIZE": ["4M"],
    "GOMP_SPINCOUNT": ["infinite"],
}


def run(name, value):
    return subprocess.run([program], env={**base, name: value}, capture_output=True, text=True, timeout=20)


failures = 0
for table, wanted in ((BAD, 1), (GOOD, 0)):
    for name, values in table.items():
        for value in values:
            result = run(name, value)
            # Under a preload libgomp is still loaded, and says what it thinks of the values by itself.
            lines = [line for line in result.stderr.splitlines() if line and not line.startswith("libgomp:")]
            ours = [line for line in lines if line.startswith("moirai:") and name in line]
            if result.returncode or len(ours) != wanted or len(lines) != wanted:
                failures += 1
                print(f"{name}='{value}': status {result.returncode}, {wanted} lines expected, stderr: {result.stderr!r}")
sys.exit(1 if failures else 0)
