#!/usr/bin/env python3
"""Every entry point that clang emits calls to is called by a program: usage: emitted.py EMITTED.txt PROGRAM ..."""
import subprocess
import sys


def called(programs):
    """The undefined symbols of `programs`, without versions."""
    listing = subprocess.run(['nm', '-Du', '--without-symbol-versions', *programs], capture_output=True, text=True,
                             check=True).stdout
    return {line.split()[-1] for line in listing.splitlines() if line.strip()}


def main():
    with open(sys.argv[1], encoding='utf-8') as lines:
        emitted = dict(line.split(maxsplit=1) for line in lines if line[0] != '#')
    found = called(sys.argv[2:])
    missing = [name for name in emitted if name not in found]
    for name in missing:
        print(f'{name} is called by no program: {emitted[name].strip()}')
    return 1 if missing or not emitted else 0


if __name__ == '__main__':
    sys.exit(main())
