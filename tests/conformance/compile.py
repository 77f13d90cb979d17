"""Builds tests, each once: programs are kept under a name that changes with whatever they were made from."""
import functools
import hashlib
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ALWAYS = ['-fopenmp', '-fmessage-length=0', '-I' + os.path.join(HERE, 'include')]
PROTOTYPES = os.path.join(HERE, '../omp/gomp_abi.h')  # what include/libgomp_g.h includes
SECONDS = 300


class Failed(Exception):
    pass


def program(test, cache):
    """The path of the program of `test`, built if it is not there yet."""
    path = os.path.join(cache, test.row.name, f'{os.path.basename(test.name)}-{key(test)}')
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # Modules and dumps go where the compiler runs, and other tests have modules of the same names.
        with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
            build(test, folder)
            os.rename(os.path.join(folder, 'program'), path)
    return path


def build(test, folder):
    command = [*test.row.compiler, *ALWAYS, *test.options, *test.sources, '-o', 'program', '-lm']
    try:
        done = subprocess.run(command, cwd=folder, env=os.environ | {'LC_ALL': 'C'}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors='replace', timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failed(f'no end after {SECONDS} s') from late
    if done.returncode != 0:
        raise Failed(next((line for line in done.stderr.splitlines() if 'rror' in line), done.stderr.strip()))


def key(test):
    parts = [test.name, version(test.row.compiler[0]), *test.row.compiler[1:], *ALWAYS, *test.options]
    texts = [content(path) for path in test.sources + includes()]
    if any(b'libgomp_g.h' in text for text in texts[:len(test.sources)]):
        texts.append(content(PROTOTYPES))
    parts += [hashlib.sha256(text).hexdigest() for text in texts]
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:16]


def content(path):
    with open(path, 'rb') as file:
        return file.read()


@functools.cache
def includes():
    folder = os.path.join(HERE, 'include')
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


@functools.cache
def version(compiler):
    return subprocess.run([compiler, '--version'], capture_output=True, text=True, check=True).stdout.splitlines()[0]
