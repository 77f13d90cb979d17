"""How each runtime is put behind a program of GCC's or clang's: shared by the benchmarks of this folder."""

import os
import sys
from glob import glob
from pathlib import Path

from machine import BENCH, first_line

PEERS = ("libgomp", "libomp")
ALL = PEERS + ("moirai",)
# What a caller's shell says must not decide what is measured.
FOREIGN_ENV = ("OMP_", "GOMP_", "KMP_", "MOIRAI_", "LD_PRELOAD", "LD_LIBRARY_PATH")


def warn(text):
    print(f"bench: {text}", file=sys.stderr)


def own_environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN_ENV)}


class Runtime:
    """`env` puts the library behind the program; `file` is where it must then come from, None for the system's own."""

    def __init__(self, name, env, file):
        self.name, self.env, self.file = name, env, file

    def is_loaded(self, path):
        loaded = os.path.realpath(path)
        if self.file:
            return loaded == os.path.realpath(self.file)
        return Path(loaded).name.startswith("libgomp.so")


def newest_libomp():
    found = glob("/usr/lib/llvm-*/lib/libomp.so.5")
    return Path(max(found, key=lambda f: int(f.split("llvm-")[1].split("/")[0]))) if found else None


def libomp_19(args):
    """Installed, or out of Debian's package, which that of LLVM 14 keeps from being installed."""
    folder = first_line(BENCH.parent / "tests/kmp/libomp19", args.build.resolve() / "llvm-19")
    return Path(folder) / "libomp.so.5" if folder else None


def make_libomp(args, scratch):
    path = args.libomp or (libomp_19(args) if args.cc else newest_libomp())
    if not path or not path.exists():
        warn(f"no libomp (Debian: {'libomp5-19' if args.cc else 'libomp-dev'}), its columns are left out")
        return None
    link = Path(scratch) / args.soname
    link.symlink_to(path.resolve())
    return Runtime("libomp", {"LD_LIBRARY_PATH": scratch}, path)


def make_moirai(args):
    file = args.lib / args.soname if args.as_library else args.lib
    if not file.exists():
        sys.exit(f"bench: no {file}: build first, choose with --lib, or leave it out with --runtimes libgomp,libomp")
    if args.as_library:
        return Runtime("moirai", {"LD_LIBRARY_PATH": str(args.lib.resolve())}, file)
    return Runtime("moirai", {"LD_PRELOAD": str(file.resolve())}, file)


def make_runtimes(args, scratch):
    """Those that args.runtimes names, of what args says about files (bench/run, bench/wait)."""
    names = args.runtimes.split(",")
    for name in names:
        if name not in ALL:
            sys.exit(f"bench: unknown runtime {name}, choose of {', '.join(ALL)}")
    makers = {
        "libgomp": lambda: Runtime("libgomp", {}, None),
        "libomp": lambda: make_libomp(args, scratch),
        "moirai": lambda: make_moirai(args),
    }
    runtimes = [makers[name]() for name in names]
    return [r for r in runtimes if r]
