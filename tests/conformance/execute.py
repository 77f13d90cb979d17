"""Runs the program of a test and judges what it did."""
import os
import re
import signal
import subprocess
import tempfile

DEFAULT_SECONDS = 20
FOREIGN = re.compile('OMP_|GOMP_|LD_PRELOAD$|LD_LIBRARY_PATH$|LC_|LANG')


def verdict(test, program, settings, seconds):
    """Why `test` failed, or nothing."""
    limit = (test.seconds or seconds) * test.patience
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        status = run(program, folder, environment(test, settings), log, limit)
        log.seek(0)
        output = log.read().decode(errors='replace')
    return judge(test, status, output, limit)


def environment(test, settings):
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    return kept | {'LC_ALL': 'C', 'LANG': 'C'} | test.environment | settings


def run(program, folder, variables, log, limit):
    """The exit status, negative for a signal, or None if there was none in time. Children of the test go with it."""
    process = subprocess.Popen([program], cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               start_new_session=True)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def judge(test, status, output, limit):
    if status is None:
        return f'TIMEOUT after {limit:g} s' + quote(output)
    if test.fails and status == 0:
        return 'exit status 0 where failure was expected' + quote(output)
    if status != 0 and not test.fails:
        return ending(status) + quote(output)
    if test.output and not re.search(test.output, output):
        return 'dg-output mismatch' + quote(output)
    return None


def ending(status):
    return f'exit status {status}' if status > 0 else signal.Signals(-status).name


def quote(output):
    """The line that tells most: Moirai's own, or else the first."""
    lines = [line for line in output.splitlines() if line.strip()]
    own = [line for line in lines if line.startswith('moirai:')]
    return ': ' + (own or lines)[0][:200] if lines else ''
