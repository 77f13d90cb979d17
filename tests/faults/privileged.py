#!/usr/bin/env python3
"""A privileged program that is linked to Moirai obeys no variable of its caller's that is Moirai's own, loads no tool and
writes no file that one names; one without privileges does. Needs root and a folder where the set-user-ID bit counts.
usage: privileged.py COMPILER PRIVILEGED.c libmoirai_preload.so"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

NOBODY = 65534
compiler, source, library = sys.argv[1:]
if os.getuid() != 0:
    print("only root can make a program privileged")
    sys.exit(77)

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    folder.chmod(0o777)
    copy, program, log = folder / pathlib.Path(library).name, folder / "privileged", folder / "log"
    shutil.copy(library, copy)
    subprocess.run([compiler, "-O1", "-fopenmp", source, "-Wl,--no-as-needed", copy, f"-Wl,-rpath,{folder}", "-o", program],
                   check=True)
    asked = {"MOIRAI_PTHREAD": "bogus", "MOIRAI_CPUS": "many", "OMP_TOOL_LIBRARIES": str(folder / "tool.so"),
             "OMP_TOOL_VERBOSE_INIT": str(log), "OMP_NUM_THREADS": "3"}

    def run():
        result = subprocess.run([program], env={**os.environ, **asked}, capture_output=True, text=True, timeout=60)
        print(result.stdout, result.stderr, sep="", end="")
        assert result.returncode == 0, result
        assert result.stdout.endswith(", counted 2000, 3 threads\n"), result.stdout
        return result

    plain = run()
    assert plain.stdout.startswith("plain"), plain.stdout
    assert "MOIRAI_PTHREAD" in plain.stderr and "MOIRAI_CPUS" in plain.stderr, plain.stderr
    assert log.exists(), "the log of tools was asked for"

    log.unlink()
    os.chown(program, NOBODY, -1)
    program.chmod(0o4755)
    privileged = run()
    if privileged.stdout.startswith("plain"):
        print("the set-user-ID bit does not count here")
        sys.exit(77)
    assert privileged.stderr == "", privileged.stderr
    assert not log.exists(), "a privileged program wrote a file that its caller named"
