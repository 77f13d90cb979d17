"""Threads of Python that wait for one another in every way the standard library has."""
import concurrent.futures
import hashlib
import queue
import threading
import time
import zlib

blob = bytes(range(256)) * 2000


def pipeline(stages, items):
    """Items pass through bounded queues from thread to thread."""
    queues = [queue.Queue(maxsize=4) for _ in range(stages + 1)]

    def stage(i):
        while (item := queues[i].get()) is not None:
            queues[i + 1].put(item + i)
        queues[i + 1].put(None)

    def feed():
        for item in range(items):
            queues[0].put(item)
        queues[0].put(None)

    threads = [threading.Thread(target=stage, args=(i,)) for i in range(stages)] + [threading.Thread(target=feed)]
    for thread in threads:
        thread.start()
    total = 0
    while (item := queues[-1].get()) is not None:
        total += item
    for thread in threads:
        thread.join()
    return total


def turns(players, rounds):
    """A condition variable whose waiters wait for different things."""
    condition, turn, order = threading.Condition(), [0], []

    def play(me):
        for _ in range(rounds):
            with condition:
                condition.wait_for(lambda: turn[0] % players == me)
                order.append(me)
                turn[0] += 1
                condition.notify_all()

    threads = [threading.Thread(target=play, args=(i,)) for i in range(players)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return order == list(range(players)) * rounds


def without_the_lock(n):
    """hashlib and zlib release the interpreter lock."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda i: hashlib.sha256(blob + bytes([i])).hexdigest(), range(n)))
        sizes = list(pool.map(lambda i: len(zlib.compress(blob, i % 9 + 1)), range(n // 4)))
    return hashlib.sha256(repr((digests, sizes)).encode()).hexdigest()


def timeouts():
    event, lock, barrier = threading.Event(), threading.Lock(), threading.Barrier(3)
    lock.acquire()
    start = time.monotonic()
    answers = [event.wait(0.05), lock.acquire(timeout=0.05), threading.Semaphore(0).acquire(timeout=0.05)]
    answers.append(time.monotonic() - start >= 0.15)
    threading.Timer(0.05, event.set).start()
    answers.append(event.wait(20))
    helpers = [threading.Thread(target=barrier.wait) for _ in range(2)]
    for helper in helpers:
        helper.start()
    answers.append(barrier.wait(20) in (0, 1, 2))
    return answers


print(pipeline(4, 2000), turns(5, 60), without_the_lock(200), timeouts())
