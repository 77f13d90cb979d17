/* Entry points of GCC's OpenMP runtime interface, for programs that call them as older compilers did. */
#ifndef TESTS_GOMP_ABI_H
#define TESTS_GOMP_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long long ull;
typedef void gomp_fn(void *);

void GOMP_parallel(gomp_fn *fn, void *data, unsigned threads, unsigned flags);
void GOMP_parallel_start(gomp_fn *fn, void *data, unsigned threads);
void GOMP_parallel_end(void);
void GOMP_barrier(void);
void GOMP_task(gomp_fn *fn, void *data, void (*copy)(void *, void *), long size, long align, bool if_clause,
               unsigned flags, void **depend, int priority, void *detach);
void GOMP_taskwait(void);
void GOMP_critical_start(void);
void GOMP_critical_end(void);
void GOMP_critical_name_start(void **name);
void GOMP_critical_name_end(void **name);
void GOMP_atomic_start(void);
void GOMP_atomic_end(void);
bool GOMP_single_start(void);
void *GOMP_single_copy_start(void);
void GOMP_single_copy_end(void *data);

void *GOMP_alloc(unsigned long align, unsigned long bytes, unsigned long allocator);
void GOMP_free(void *block, unsigned long allocator);

void GOMP_loop_end(void);
void GOMP_loop_end_nowait(void);
void GOMP_ordered_start(void);
void GOMP_ordered_end(void);

unsigned GOMP_sections_start(unsigned count);
unsigned GOMP_sections_next(void);
void GOMP_sections_end(void);
void GOMP_sections_end_nowait(void);
void GOMP_parallel_sections_start(gomp_fn *fn, void *data, unsigned threads, unsigned count);
void GOMP_parallel_sections(gomp_fn *fn, void *data, unsigned threads, unsigned count, unsigned flags);

void GOMP_target(int device, gomp_fn *fn, const void *unused, size_t count, void **addresses, size_t *sizes,
                 unsigned char *kinds);
void GOMP_target_data(int device, const void *unused, size_t count, void **addresses, size_t *sizes,
                      unsigned char *kinds);
void GOMP_target_update(int device, const void *unused, size_t count, void **addresses, size_t *sizes,
                        unsigned char *kinds);
void GOMP_target_end_data(void);
void GOMP_target_ext(int device, gomp_fn *fn, size_t count, void **addresses, size_t *sizes, unsigned short *kinds,
                     unsigned flags, void **depend, void **args);
void GOMP_teams(unsigned teams, unsigned thread_limit);
bool GOMP_teams4(unsigned lower, unsigned upper, unsigned thread_limit, bool first);
void GOMP_teams_reg(gomp_fn *fn, void *data, unsigned teams, unsigned thread_limit, unsigned flags);
void GOMP_offload_register(const void *host_table, int type, const void *data);
void GOMP_offload_unregister(const void *host_table, int type, const void *data);
void GOMP_offload_register_ver(unsigned version, const void *host_table, int type, const void *data);
void GOMP_offload_unregister_ver(unsigned version, const void *host_table, int type, const void *data);

/* Schedules whose start call takes a chunk, and those whose start call does not. */
#define WITH_CHUNK(kind)                                                                                               \
    bool GOMP_loop_##kind##_start(long start, long end, long incr, long chunk, long *from, long *to);                  \
    bool GOMP_loop_ull_##kind##_start(bool up, ull start, ull end, ull incr, ull chunk, ull *from, ull *to);           \
    NEXT(kind)
#define WITHOUT_CHUNK(kind)                                                                                            \
    bool GOMP_loop_##kind##_start(long start, long end, long incr, long *from, long *to);                              \
    bool GOMP_loop_ull_##kind##_start(bool up, ull start, ull end, ull incr, ull *from, ull *to);                      \
    NEXT(kind)
#define NEXT(kind)                                                                                                     \
    bool GOMP_loop_##kind##_next(long *from, long *to);                                                                \
    bool GOMP_loop_ull_##kind##_next(ull *from, ull *to);

WITH_CHUNK(static)
WITH_CHUNK(dynamic)
WITH_CHUNK(guided)
WITH_CHUNK(nonmonotonic_dynamic)
WITH_CHUNK(nonmonotonic_guided)
WITH_CHUNK(ordered_static)
WITH_CHUNK(ordered_dynamic)
WITH_CHUNK(ordered_guided)
WITHOUT_CHUNK(runtime)
WITHOUT_CHUNK(nonmonotonic_runtime)
WITHOUT_CHUNK(maybe_nonmonotonic_runtime)
WITHOUT_CHUNK(ordered_runtime)

/* Loops, sections and scopes with something attached: task reductions, memory. */
#define ATTACHED(kind)                                                                                                 \
    bool GOMP_loop_##kind(long start, long end, long incr, long sched, long chunk, long *from, long *to,               \
                          uintptr_t *reductions, void **mem);                                                          \
    bool GOMP_loop_ull_##kind(bool up, ull start, ull end, ull incr, long sched, ull chunk, ull *from, ull *to,        \
                              uintptr_t *reductions, void **mem);
ATTACHED(start)
ATTACHED(ordered_start)
unsigned GOMP_sections2_start(unsigned count, uintptr_t *reductions, void **mem);
void GOMP_scope_start(uintptr_t *reductions);

#define DOACROSS(kind)                                                                                                 \
    bool GOMP_loop_doacross_##kind##_start(unsigned dims, long *counts, long chunk, long *from, long *to);             \
    bool GOMP_loop_ull_doacross_##kind##_start(unsigned dims, ull *counts, ull chunk, ull *from, ull *to);
DOACROSS(static)
DOACROSS(dynamic)
DOACROSS(guided)
bool GOMP_loop_doacross_runtime_start(unsigned dims, long *counts, long *from, long *to);
bool GOMP_loop_ull_doacross_runtime_start(unsigned dims, ull *counts, ull *from, ull *to);
bool GOMP_loop_doacross_start(unsigned dims, long *counts, long sched, long chunk, long *from, long *to,
                              uintptr_t *reductions, void **mem);
bool GOMP_loop_ull_doacross_start(unsigned dims, ull *counts, long sched, ull chunk, ull *from, ull *to,
                                  uintptr_t *reductions, void **mem);
void GOMP_doacross_post(long *position);
void GOMP_doacross_wait(long first, ...);
void GOMP_doacross_ull_post(ull *position);
void GOMP_doacross_ull_wait(ull first, ...);

void GOMP_taskgroup_start(void);
void GOMP_taskgroup_end(void);
void GOMP_taskgroup_reduction_register(uintptr_t *array);
void GOMP_taskgroup_reduction_unregister(uintptr_t *array);
void GOMP_task_reduction_remap(size_t count, size_t originals, void **pointers);
void GOMP_workshare_task_reduction_unregister(bool cancelled);
unsigned GOMP_parallel_reductions(gomp_fn *fn, void *data, unsigned threads, unsigned flags);

#define PARALLEL_WITH_CHUNK(kind)                                                                                      \
    void GOMP_parallel_loop_##kind(gomp_fn *fn, void *data, unsigned threads, long start, long end, long incr,         \
                                   long chunk, unsigned flags);
#define PARALLEL_START_WITH_CHUNK(kind)                                                                                \
    void GOMP_parallel_loop_##kind##_start(gomp_fn *fn, void *data, unsigned threads, long start, long end, long incr, \
                                           long chunk);
#define PARALLEL_WITHOUT_CHUNK(kind)                                                                                   \
    void GOMP_parallel_loop_##kind(gomp_fn *fn, void *data, unsigned threads, long start, long end, long incr,         \
                                   unsigned flags);

PARALLEL_WITH_CHUNK(static)
PARALLEL_WITH_CHUNK(dynamic)
PARALLEL_WITH_CHUNK(guided)
PARALLEL_WITH_CHUNK(nonmonotonic_dynamic)
PARALLEL_WITH_CHUNK(nonmonotonic_guided)
PARALLEL_WITHOUT_CHUNK(runtime)
PARALLEL_WITHOUT_CHUNK(nonmonotonic_runtime)
PARALLEL_WITHOUT_CHUNK(maybe_nonmonotonic_runtime)
PARALLEL_START_WITH_CHUNK(static)
PARALLEL_START_WITH_CHUNK(dynamic)
PARALLEL_START_WITH_CHUNK(guided)
void GOMP_parallel_loop_runtime_start(gomp_fn *fn, void *data, unsigned threads, long start, long end, long incr);

#endif
