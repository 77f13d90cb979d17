"""What the tests of watching share: running the program, looking at what comes out."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
REGIONS, THREADS, LOCKS, TASKS, INNER_WAITS = 10, 3, 100, 50, 5  # of known.c
SUM = REGIONS * (THREADS * LOCKS + TASKS)
STATUS = 3

failures = []


def expect(what, wanted, got):
    if wanted != got:
        failures.append(what)
        print(f"FAIL {what}\n  wanted: {wanted!r}\n  got:    {got!r}", flush=True)


def expect_in(what, part, text):
    if part not in text:
        failures.append(what)
        print(f"FAIL {what}\n  not there: {part!r}\n  in: {text!r}", flush=True)


class Place:
    """The things under test, and a folder to work in."""

    def __init__(self, libdir, programs, moirai):
        self.libdir, self.programs, self.moirai = (Path(p).resolve() for p in (libdir, programs, moirai))
        self.preload = self.libdir / "libmoirai_preload.so"
        self.folder = tempfile.TemporaryDirectory()
        self.work = Path(self.folder.name)

    def environment(self, settings):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_", "MOIRAI_", "LD_"))}
        env.update(LD_PRELOAD=str(self.preload), **settings)
        return env

    def run(self, *args, settings=None, program="known", **more):
        more = {"capture_output": True, **more}
        return subprocess.run([self.programs / program, *map(str, args)], env=self.environment(settings or {}),
                              cwd=self.work, text=True, **more)


def validate(document, schema_name):
    schema = json.loads((SOURCE / "docs" / schema_name).read_text())
    try:
        import jsonschema
    except ImportError:
        return
    jsonschema.validate(document, schema)


def finish():
    print(f"{len(failures)} failures" if failures else "passed")
    sys.exit(1 if failures else 0)
