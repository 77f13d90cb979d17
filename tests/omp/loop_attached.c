/* Loops and sections that come with memory, called as compiled code calls them: all threads get the same memory, it is
   zero at first, no other construct has it at the same time, and the iterations are handed out as ever. */
#include <omp.h>
#include "check.h"
#include "gomp_abi.h"

enum { TRIPS = 200, MONOTONIC_BIT = 31, STATIC = 1 };

static int seen[TRIPS];
static long sched, chunk, bytes;
static int order_kept;

static void take(long from, long to)
{
    CHECK(from < to);
    for (long i = from; i < to; i++)
        __atomic_fetch_add(&seen[i], 1, __ATOMIC_RELAXED);
}

static void verify(const char *what, int times)
{
    for (int i = 0; i < TRIPS; i++) {
        if (seen[i] != times && check_first_lines())
            fprintf(stderr, "%s, schedule %ld chunk %ld: iteration %d ran %d times\n", what, sched, chunk, i, seen[i]);
        seen[i] = 0;
    }
}

/* Every thread adds to the first and last word; the sums are known when all have passed the barrier. */
static void use_memory(unsigned char *mem)
{
    long words = bytes / (long)sizeof(long);
    long *first = (long *)mem, *last = first + words - 1;
    CHECK_EQ((uintptr_t)mem % sizeof(long), 0);
    __atomic_fetch_add(first, 1, __ATOMIC_RELAXED);
    if (words > 1)
        __atomic_fetch_add(last, 1, __ATOMIC_RELAXED);
    GOMP_barrier();
    CHECK_EQ(*first, omp_get_num_threads());
    CHECK_EQ(*last, omp_get_num_threads());
    CHECK_EQ(words > 2 ? first[words / 2] : 0, 0);
    GOMP_barrier();
    if (omp_get_thread_num() == 0 && bytes < 4 << 20)
        memset(mem, 0xff, (size_t)bytes);
}

static void loop_long(void *unused)
{
    long from, to;
    void *mem = (void *)bytes;
    (void)unused;
    bool more = GOMP_loop_start(0, TRIPS, 1, sched, chunk, &from, &to, NULL, &mem);
    for (; more; more = GOMP_loop_runtime_next(&from, &to))
        take(from, to);
    use_memory(mem);
    GOMP_loop_end();
}

static void loop_ull(void *unused)
{
    ull from, to;
    void *mem = (void *)bytes;
    (void)unused;
    bool more = GOMP_loop_ull_start(true, 0, TRIPS, 1, sched, (ull)chunk, &from, &to, NULL, &mem);
    for (; more; more = GOMP_loop_ull_runtime_next(&from, &to))
        take((long)from, (long)to);
    use_memory(mem);
    GOMP_loop_end_nowait();
}

/* Iterations outside memory: it counts up in order. */
static void ordered_part(long from, long to)
{
    for (long i = from; i < to; i++) {
        GOMP_ordered_start();
        CHECK_EQ(order_kept, i);
        order_kept = (int)i + 1;
        GOMP_ordered_end();
    }
    take(from, to);
}

static void ordered_long(void *unused)
{
    long from, to;
    void *mem = (void *)bytes;
    (void)unused;
    bool more = GOMP_loop_ordered_start(0, TRIPS, 1, sched, chunk, &from, &to, NULL, &mem);
    for (; more; more = GOMP_loop_ordered_runtime_next(&from, &to))
        ordered_part(from, to);
    use_memory(mem);
    GOMP_loop_end();
}

static void ordered_ull(void *unused)
{
    ull from, to;
    void *mem = (void *)bytes;
    (void)unused;
    bool more = GOMP_loop_ull_ordered_start(true, 0, TRIPS, 1, sched, (ull)chunk, &from, &to, NULL, &mem);
    for (; more; more = GOMP_loop_ull_ordered_runtime_next(&from, &to))
        ordered_part((long)from, (long)to);
    use_memory(mem);
    GOMP_loop_end();
}

static void sections(void *unused)
{
    void *mem = (void *)bytes;
    (void)unused;
    for (unsigned s = GOMP_sections2_start(TRIPS, NULL, &mem); s; s = GOMP_sections_next())
        take((long)s - 1, (long)s);
    use_memory(mem);
    GOMP_sections_end();
}

/* The compiler hands out the iterations itself. */
static void memory_alone(void *unused)
{
    void *first = (void *)bytes, *second = (void *)bytes;
    (void)unused;
    GOMP_loop_start(0, 1, 1, STATIC | 1L << MONOTONIC_BIT, 0, NULL, NULL, NULL, &first);
    __atomic_fetch_add((long *)first, 1, __ATOMIC_RELAXED);
    GOMP_loop_start(0, 1, 1, STATIC | 1L << MONOTONIC_BIT, 0, NULL, NULL, NULL, &second);
    use_memory(second);
    GOMP_loop_end();
}

/* Threads are up to twenty constructs apart, each with memory in use. */
static void far_apart(void *unused)
{
    long from, to, *mem[20];
    (void)unused;
    if (omp_get_num_threads() == 1)
        return;
    for (int i = 0; i < 20; i++) {
        void *place = (void *)(sizeof(long) * (size_t)(i + 1));
        bool more = GOMP_loop_start(0, TRIPS, 1, 2, 1, &from, &to, NULL, &place);
        for (; more; more = GOMP_loop_dynamic_next(&from, &to))
            take(from, to);
        mem[i] = place;
        __atomic_fetch_add(&mem[i][i], 1, __ATOMIC_RELAXED);
        if (i % 7 == omp_get_thread_num())
            GOMP_ordered_end(); /* something else to do */
        GOMP_loop_end_nowait();
    }
    long there = __atomic_load_n(&mem[19][19], __ATOMIC_RELAXED);
    CHECK(there >= 1 && there <= omp_get_num_threads());
}

static void all_kinds(void)
{
    GOMP_parallel(loop_long, NULL, 0, 0);
    GOMP_parallel(loop_ull, NULL, 0, 0);
    verify("loop", 2);
    order_kept = 0;
    GOMP_parallel(ordered_long, NULL, 0, 0);
    order_kept = 0;
    GOMP_parallel(ordered_ull, NULL, 0, 0);
    verify("ordered", 2);
    loop_long(NULL); /* outside all regions */
    verify("alone", 1);
    GOMP_parallel(sections, NULL, 0, 0);
    verify("sections", 1);
    GOMP_parallel(memory_alone, NULL, 0, 0);
}

int main(void)
{
    const long sizes[] = {8, 40, 4096, 3 << 19};
    omp_set_schedule(omp_sched_dynamic, 3);
    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        bytes = sizes[s];
        for (long kind = 0; kind <= 3; kind++) {
            sched = kind | 1L << MONOTONIC_BIT;
            for (chunk = kind == 1 ? 0 : 1; chunk < 9; chunk += 4)
                all_kinds();
        }
    }
    bytes = 40 << 20;
    GOMP_parallel(memory_alone, NULL, 0, 0);
    GOMP_parallel(far_apart, NULL, 0, 0);
    return check_result();
}
