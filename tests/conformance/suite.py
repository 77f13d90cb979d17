"""Which files of a testsuite are run-time tests, and what each one's directives ask for."""
import dataclasses
import fnmatch
import os
import re

from directives import Unknown, directives, holds, words


@dataclasses.dataclass(frozen=True)
class Row:
    """A directory in one language, as one of the testsuite's .exp files goes through it."""
    name: str
    directory: str
    files: str
    language: str
    compiler: tuple


ROWS = (
    Row('libgomp.c', 'libgomp.c', r'\.c$', 'c', ('gcc',)),
    Row('libgomp.c-c++-common', 'libgomp.c-c++-common', r'\.c$', 'c', ('gcc',)),
    Row('libgomp.c-c++-common:c++', 'libgomp.c-c++-common', r'\.c$', 'c++', ('g++', '-x', 'c++')),
    Row('libgomp.c++', 'libgomp.c++', r'\.C$', 'c++', ('g++', '-x', 'c++')),
    Row('libgomp.fortran', 'libgomp.fortran', r'\.[fF](90|95|03|08)?$', 'fortran', ('gfortran',)),
)

# A target region that runs on the host shares the host's memory.
TRUE_EVERYWHERE = (
    'alias', 'fd_truncate', 'fpic', 'lp64', 'lto', 'offload_device_shared_as', 'shared', 'size32plus', 'sync_int_long',
    'tls', 'tls_runtime')
TRUE_ON_X86 = ('__float128', 'large_long_double', 'vect_simd_clones')
FALSE = (
    'aarch64_tiny', 'ia32', 'offload_device', 'offload_device_any_intel_mic', 'offload_device_nonshared_as',
    'offload_device_nvptx', 'offload_target_amdgcn', 'offload_target_nvptx',
    'run_expensive_tests', 'skip-all-targets')
ABOUT_COMPILING = (
    'dg-add-options', 'dg-bogus', 'dg-error', 'dg-excess-errors', 'dg-final', 'dg-prune-output', 'dg-require-alias',
    'dg-warning', 'dg-xfail-if', 'dg-xfail-run-if')


@dataclasses.dataclass
class Test:
    """One file in one language."""
    name: str
    row: Row
    sources: list
    options: list
    environment: dict = dataclasses.field(default_factory=dict)
    output: str = ''
    fails: bool = False
    seconds: float = None
    patience: float = 1.0
    runs: bool = True


def clang_rows(compiler, flags):
    """The rows of C and C++, compiled by a clang."""
    languages = {'c': (compiler, *flags), 'c++': (compiler, '--driver-mode=g++', '-x', 'c++', *flags)}
    return tuple(dataclasses.replace(row, compiler=languages[row.language]) for row in ROWS if row.language in languages)


def tests(root, rows):
    """All run-time tests under `root`, in order."""
    known = machine()
    return [test for row in rows for path in files(root, row) if (test := read(row, root, path, known)).runs]


def files(root, row):
    found = []
    for folder, _, names in os.walk(os.path.join(root, row.directory)):
        found += [os.path.join(folder, name) for name in names if re.search(row.files, name)]
    return sorted(found)


def machine():
    """Effective targets: the conditions that depend on where we are."""
    name = os.uname().machine
    known = dict.fromkeys(TRUE_EVERYWHERE, True) | dict.fromkeys(FALSE, False)
    known |= dict.fromkeys(TRUE_ON_X86, name == 'x86_64')
    known |= {'avx_runtime': cpu_has('avx'), 'sse2_runtime': cpu_has('sse2')}
    known['triplet'] = f'{name}-pc-linux-gnu'
    return known


def cpu_has(flag):
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as lines:
        return any(line.startswith('flags') and flag in line.split() for line in lines)


def read(row, root, path, known):
    with open(path, encoding='utf-8', errors='replace') as file:
        text = file.read()
    name = f'{row.name}/{os.path.relpath(path, os.path.join(root, row.directory))}'
    reader = Reader(Test(name, row, [path], []), text, known)
    for directive, arguments in directives(text):
        reader.obey(directive, arguments)
    return reader.finish()


class Reader:
    """Carries out a file's directives one after the other, as later ones may take back what earlier ones said."""

    def __init__(self, test, text, known):
        self.test = test
        self.known = known | {'c': test.row.language == 'c', 'c++': test.row.language == 'c++'}
        self.kind = 'run'
        # C and C++ tests without options of their own get -O2. Fortran tests that say "dg-do run" are built at every
        # level of optimisation there is, the others at -O; one level is enough to test a runtime.
        fortran = test.row.language == 'fortran'
        self.base = [] if not fortran else ['-O2' if 'dg-do run' in text else '-O']
        self.options = [] if fortran else ['-O2']

    def finish(self):
        self.test.options = self.base + self.options
        self.test.runs = self.test.runs and self.kind == 'run'
        return self.test

    def obey(self, directive, arguments):
        verb = getattr(self, directive.replace('-', '_'), None)
        if verb:
            verb(*arguments)
        elif directive not in ABOUT_COMPILING:
            raise Unknown(f'{self.test.name}: {directive}')

    def applies(self, selector):
        """A selector says `target CONDITION` or `xfail CONDITION`; the latter is not about applying."""
        kind, _, condition = selector.strip().partition(' ')
        return kind != 'target' or holds(condition, self.known)

    def dg_do(self, kind, selector=''):
        self.kind = kind if self.applies(selector) else 'nothing'

    def dg_options(self, options, selector=''):
        if self.applies(selector):
            self.options = options.split()

    def dg_additional_options(self, options, selector=''):
        if self.applies(selector):
            self.options = self.options + options.split()

    def dg_additional_sources(self, names):
        folder = os.path.dirname(self.test.sources[0])
        self.test.sources += [os.path.join(folder, name) for name in names.split()]

    def dg_set_target_env_var(self, name, value):
        self.test.environment[name] = value

    def dg_output(self, text):
        self.test.output += text

    def dg_shouldfail(self, _reason='', selector=''):
        self.test.fails = self.applies(selector)

    def dg_require_effective_target(self, name):
        self.test.runs = self.test.runs and holds(name, self.known)

    def dg_skip_if(self, _reason, condition, among='*', unless=''):
        given = self.base + self.options
        if holds(condition, self.known) and matches(among, given) and not matches(unless, given):
            self.test.runs = False

    def dg_timeout(self, seconds):
        self.test.seconds = float(seconds)

    def dg_timeout_factor(self, factor):
        self.test.patience = float(factor)


def matches(patterns, options):
    return any(pattern == '*' or fnmatch.filter(options, pattern) for pattern in words(patterns))
