"""Processes forked from Python, with threads running in the parent and in the children."""
import multiprocessing
import os
import threading


def square(n):
    return n * n


def with_threads(n):
    """In a child: threads must work there."""
    parts = [0] * 4

    def add(i):
        parts[i] = sum(range(i, n, 4))

    threads = [threading.Thread(target=add, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(parts)


def count(counter, condition, n):
    for _ in range(n):
        with counter.get_lock():
            counter.value += 1
    with condition:
        condition.notify_all()


context = multiprocessing.get_context("fork")
with context.Pool(3) as pool:
    print(sum(pool.map(square, range(2000))), pool.map(with_threads, [1000, 2000, 3000]))

counter, condition = context.Value("i", 0), context.Condition()
children = [context.Process(target=count, args=(counter, condition, 500)) for _ in range(4)]
with condition:
    for child in children:
        child.start()
    print(condition.wait_for(lambda: counter.value == 2000, timeout=60))
for child in children:
    child.join()
print([child.exitcode for child in children], counter.value)

# Forks in the middle of everything: a thread takes and releases locks and waits all the time.
stop, busy = threading.Event(), threading.Condition()


def disturb():
    while not stop.is_set():
        with busy:
            busy.wait(0.001)
            busy.notify()


threads = [threading.Thread(target=disturb) for _ in range(3)]
for thread in threads:
    thread.start()
statuses = []
for i in range(20):
    pid = os.fork()
    if pid == 0:
        os._exit(7 if with_threads(1000) == 499500 else 1)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop.set()
for thread in threads:
    thread.join()
print(statuses)
