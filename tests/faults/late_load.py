#!/usr/bin/env python3
"""Python loads the runtime late, as it does for its extension modules: usage: late_load.py RUNTIME.so"""
import ctypes
import os
import sys

os.environ["OMP_NUM_THREADS"] = "3"
runtime = ctypes.CDLL(sys.argv[1])
assert runtime.omp_get_max_threads() >= 1

BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
numbers = []


@BODY
def body(data):
    numbers.append((runtime.omp_get_thread_num(), runtime.omp_get_num_threads(), data))


runtime.GOMP_parallel.argtypes = [BODY, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
for size in (1, 2, 4, 2):
    numbers.clear()
    runtime.GOMP_parallel(body, 4711, size, 0)
    assert sorted(numbers) == [(i, size, 4711) for i in range(size)], numbers
print("regions ran:", len(numbers), "threads in the last one")
