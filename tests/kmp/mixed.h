/* What mixed.c sees of its halves. */
#ifndef TESTS_MIXED_H
#define TESTS_MIXED_H

#include <omp.h>

struct settings {
    int threads, levels, dynamic, chunk;
    omp_sched_t kind;
};

#define HALF_FUNCTIONS(half)                                                                                           \
    void region_##half(int threads, void (*inside)(void *), void *data);                                               \
    long loop_##half(const int *numbers, int count);                                                                   \
    void spawn_##half(int count, void (*body)(void *), void *data);                                                    \
    void wait_for_tasks_##half(void);                                                                                  \
    void link_##half(int *place, int expected, int *wrong);                                                            \
    void group_##half(void (*inside)(void *), void *data);                                                             \
    void critical_##half(int *count);                                                                                  \
    void barrier_##half(void);                                                                                         \
    int single_##half(void);                                                                                           \
    void settings_##half(struct settings *s);                                                                          \
    void set_##half(const struct settings *s);                                                                         \
    void lock_##half(omp_lock_t *lock);                                                                                \
    void unlock_##half(omp_lock_t *lock);
HALF_FUNCTIONS(gcc)
HALF_FUNCTIONS(clang)

#endif
