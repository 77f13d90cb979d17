/* A parallel region that counts its threads, once compiled by GCC and once by clang. */
#ifndef BENCH_MIXED_REGION_H
#define BENCH_MIXED_REGION_H

void gcc_region(long *threads);
void clang_region(long *threads);

/* No calls of omp_*: in a process with two runtimes these would ask one of them about regions of the other. */
#define REGION(compiler)                                                                                               \
    void compiler##_region(long *threads)                                                                              \
    {                                                                                                                  \
        _Pragma("omp parallel") __atomic_fetch_add(threads, 1, __ATOMIC_RELAXED);                                      \
    }

#endif
