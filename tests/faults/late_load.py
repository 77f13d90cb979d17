#!/usr/bin/env python3
"""Python loads the runtime late, as it does for its extension modules, and runs regions in it as GCC's code and as
clang's: usage: late_load.py RUNTIME.so"""
import ctypes
import os
import sys

os.environ["OMP_NUM_THREADS"] = "3"
runtime = ctypes.CDLL(sys.argv[1])
assert runtime.omp_get_max_threads() >= 1

numbers = []


def note(data):
    numbers.append((runtime.omp_get_thread_num(), runtime.omp_get_num_threads(), data))


INT = ctypes.POINTER(ctypes.c_int)
GCC_BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
CLANG_BODY = ctypes.CFUNCTYPE(None, INT, INT, ctypes.c_void_p)
gcc_body = GCC_BODY(note)
clang_body = CLANG_BODY(lambda gtid, tid, data: note(data))
runtime.GOMP_parallel.argtypes = [GCC_BODY, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
runtime.__kmpc_fork_call.argtypes = [ctypes.c_void_p, ctypes.c_int, CLANG_BODY]


def gcc_region(size):
    runtime.GOMP_parallel(gcc_body, 4711, size, 0)


def clang_region(size):
    gtid = runtime.__kmpc_global_thread_num(None)
    runtime.__kmpc_push_num_threads(None, gtid, size)
    runtime.__kmpc_fork_call(None, 1, clang_body, ctypes.c_void_p(4711))


for region in (gcc_region, clang_region):
    for size in (1, 2, 4, 2):
        numbers.clear()
        region(size)
        assert sorted(numbers) == [(i, size, 4711) for i in range(size)], numbers
print("regions ran:", len(numbers), "threads in the last one")
