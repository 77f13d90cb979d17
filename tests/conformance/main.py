"""Runs the run-time tests of a testsuite under one or more runtimes. See scripts/conformance for how it is called."""
import argparse
import collections
import concurrent.futures
import os
import re
import resource
import sys

import compile as builder
import execute
import suite

HERE = os.path.dirname(os.path.abspath(__file__))
# Seconds of one CPU, see costs.txt.
USUAL_COST = 0.35
RUN_COST = 0.1


def arguments():
    parser = argparse.ArgumentParser(prog='conformance')
    parser.add_argument('--suite', required=True, type=os.path.abspath, help='directory that holds libgomp.c and so on')
    parser.add_argument('--cache', required=True, type=os.path.abspath, help='directory for programs')
    parser.add_argument('--build', required=True, type=os.path.abspath, help="Moirai's build directory")
    parser.add_argument('--known', default=os.path.join(HERE, 'known.txt'), help='tests that fail with libgomp too')
    parser.add_argument('--cc', help='a clang that compiles the tests in C and C++; what it cannot compile does not count')
    parser.add_argument('--cc-flag', action='append', default=[], help='one more argument of it; may be repeated')
    parser.add_argument('--libomp', type=os.path.abspath, help="folder of LLVM's runtime, the reference for --cc")
    parser.add_argument('--mode', action='append', choices=MODES, help='what to run under; may be repeated')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--only', type=re.compile, help='tests whose names match')
    parser.add_argument('--budget', type=float, help='seconds to stay within, by leaving the costliest tests out')
    parser.add_argument('--timeout', type=float, default=execute.DEFAULT_SECONDS, help='seconds for a test')
    return parser.parse_args()


def preload(options):
    return {'LD_PRELOAD': existing(os.path.join(options.build, 'lib/libmoirai_preload.so'))}


def as_library(options):
    name = 'libomp.so.5' if options.cc else 'libgomp.so.1'
    return {'LD_LIBRARY_PATH': os.path.dirname(existing(os.path.join(options.build, 'lib/compat', name)))}


def reference(options):
    return {'LD_LIBRARY_PATH': existing(options.libomp)} if options.libomp else {}


MODES = {'preload': preload, 'library': as_library, 'reference': reference}


def existing(path):
    if not os.path.exists(path):
        sys.exit(f'conformance: {path} is missing')
    return path


def names(path):
    """A file of names, one to a line; what follows a name says why it is there."""
    with open(path, encoding='utf-8') as lines:
        return dict((line.split(maxsplit=1) + [''])[:2] for line in lines if line.strip() and line[0] != '#')


def chosen(options):
    rows = suite.clang_rows(options.cc, options.cc_flag) if options.cc else suite.ROWS
    return [test for test in suite.tests(options.suite, rows) if not options.only or options.only.search(test.name)]


def affordable(tests, options, modes):
    """The cheapest of `tests`, as many as fit the budget; always the same ones, whatever the machine does just now."""
    if not options.budget:
        return tests
    costs = names(os.path.join(HERE, 'costs.txt'))
    left = options.budget * options.jobs
    kept = set()
    for test in sorted(tests, key=lambda test: float(costs.get(test.name, USUAL_COST))):
        left -= float(costs.get(test.name, USUAL_COST)) + RUN_COST * len(modes)
        if left < 0:
            break
        kept.add(test.name)
    if len(kept) < len(tests):
        print(f'{len(tests) - len(kept)} of {len(tests)} tests are left out for the budget of {options.budget:g} s\n')
    return [test for test in tests if test.name in kept]


def attempt(test, options, modes):
    """Mode -> why it failed, or None. No answer if the compiler is one that need not know all of GCC's language."""
    try:
        program = builder.program(test, options.cache)
    except builder.Failed as why:
        if options.cc:
            print(f'not applicable: {test.name}: {why}', file=sys.stderr)
            return None
        return dict.fromkeys(modes, f'compile error: {why}')
    return {mode: execute.verdict(test, program, settings, options.timeout) for mode, settings in modes.items()}


def run(options, modes):
    tests = affordable(chosen(options), options, modes)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        return list(zip(tests, pool.map(lambda test: attempt(test, options, modes), tests)))


def applicable(results):
    """The results of tests that were run; says how many others there are."""
    run_ones = [(test, reasons) for test, reasons in results if reasons is not None]
    if len(run_ones) < len(results):
        print(f'{len(results) - len(run_ones)} of {len(results)} tests are not applicable: they do not compile\n')
    return run_ones


def report(results, modes, known):
    """Prints tables and failures. Returns how many tests passed, failed, and failed without being known to."""
    sums = collections.Counter()
    for mode in modes:
        print(f'{mode:32}{"run":>8}{"passed":>8}{"failed":>8}')
        for row in dict.fromkeys(test.row for test, _ in results):
            reasons = [reasons[mode] for test, reasons in results if test.row is row]
            passed = reasons.count(None)
            print(f'{row.name:32}{len(reasons):8}{passed:8}{len(reasons) - passed:8}')
        for test, reasons in results:
            why = reasons[mode]
            sums['passed' if why is None else 'failed'] += 1
            if why is not None:
                sums['new'] += test.name not in known
                print(f'FAIL {test.name}: {why}')
                if test.name in known:
                    print(f'     known: {known[test.name].strip()}')
        print()
    return sums


def main():
    options = arguments()
    # A test that goes astray must not fill the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    modes = {mode: MODES[mode](options) for mode in options.mode or ['preload']}
    sums = report(applicable(run(options, modes)), modes, names(options.known))
    print(f'{sums["passed"]} passed, {sums["failed"]} failed')
    return 1 if sums['new'] or not sums['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
