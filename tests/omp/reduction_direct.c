/* The entry points of task reductions called as compiled code calls them: private copies are zero, aligned and apart,
   and are found by the original's address and by that of any thread's copy, however many there are. */
#include <omp.h>
#include "check.h"
#include "gomp_abi.h"

enum { COUNT, BYTES, PARTS, ALLOCATOR, NEXT, ITEMS = 7, ITEMS_MAX = 2000, ITEM_BYTES = 24 };

static char originals[ITEMS_MAX][8];
static uintptr_t array[ITEMS + 3 * ITEMS_MAX];

/* Item i's original is scattered, its copy has place i. */
static char *original_of(size_t i)
{
    return originals[i * 769 % ITEMS_MAX];
}

static void describe(uintptr_t *a, size_t items, size_t align, size_t extra)
{
    size_t bytes = (items * ITEM_BYTES + extra + align - 1) / align * align;
    memset(a, 0xee, sizeof *a * (ITEMS + 3 * items));
    a[COUNT] = items;
    a[BYTES] = bytes;
    a[PARTS] = align;
    a[ALLOCATOR] = ~(uintptr_t)0;
    a[NEXT] = 0;
    for (size_t i = 0; i < items; i++) {
        a[ITEMS + 3 * i] = (uintptr_t)original_of(i);
        a[ITEMS + 3 * i + 1] = i * ITEM_BYTES;
    }
}

static char *copy_of(const uintptr_t *a, size_t item, int thread)
{
    return (char *)a[PARTS] + (size_t)thread * a[BYTES] + item * ITEM_BYTES;
}

/* What a task asks: some items, of which the first want their originals too. */
static void remap_some(const uintptr_t *a, size_t first, size_t count, size_t with_original, int from_thread)
{
    void *pointers[2 * 8];
    int me = omp_get_thread_num();
    for (size_t i = 0; i < count; i++)
        pointers[i] = from_thread < 0 ? original_of(first + i) : copy_of(a, first + i, from_thread);
    for (size_t i = 0; i < with_original; i++)
        pointers[count + i] = NULL;
    GOMP_task_reduction_remap(count, with_original, pointers);
    for (size_t i = 0; i < count; i++)
        CHECK(pointers[i] == copy_of(a, first + i, me));
    for (size_t i = 0; i < with_original; i++)
        CHECK(pointers[count + i] == original_of(first + i));
}

static void remap_all(const uintptr_t *a)
{
    size_t items = a[COUNT];
    for (size_t i = 0; i < items; i++) {
        size_t count = items - i < 8 ? items - i : 8;
        for (int t = -1; t < omp_get_num_threads(); t++)
            remap_some(a, i, count, i % (count + 1), t);
    }
}

static bool all_zero(const char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && !memcmp(p, p + 1, n - 1));
}

static void task(void *arg)
{
    uintptr_t *a = *(uintptr_t **)arg;
    remap_all(a);
}

static void group(void *arg)
{
    const size_t *shape = arg;
    uintptr_t own[ITEMS + 3 * 20], *a = shape[0] > 20 ? array : own;
    if (shape[0] > 20 && omp_get_thread_num() != 0)
        return;
    describe(a, shape[0], shape[1], shape[2]);
    GOMP_taskgroup_start();
    GOMP_taskgroup_reduction_register(a);
    CHECK_EQ(a[PARTS] % shape[1], 0);
    CHECK(all_zero((char *)a[PARTS], a[BYTES] * (size_t)omp_get_num_threads()));
    remap_all(a);
    for (int i = 0; i < (shape[0] > 20 ? 3 : 20); i++)
        GOMP_task(task, &a, NULL, sizeof a, sizeof a, true, 0, NULL, 0, NULL);
    GOMP_taskgroup_end();
    memset((void *)a[PARTS], 0xff, a[BYTES] * (size_t)omp_get_num_threads());
    GOMP_taskgroup_reduction_unregister(a);
}

static void groups(void)
{
    size_t shapes[][3] = {{1, 64, 0},  {3, 64, 0},    {8, 64, 0},      {9, 64, 0},      {17, 256, 0},
                          {20, 64, 0}, {4, 4096, 99}, {2, 64, 100000}, {1, 64, 300000}};
    for (unsigned s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int again = 0; again < 2; again++)
            GOMP_parallel(group, shapes[s], 0, 0);
    size_t many[3] = {ITEMS_MAX / TEST_SLOWDOWN, 64, 0};
    GOMP_parallel(group, many, 0, 0);
    size_t large[3] = {2, 64, 33 << 20};
    GOMP_parallel(group, large, 1, 0);
}

/* ---- Regions. */
struct region_data {
    uintptr_t *reductions;
    int ran;
};

static void region(void *arg)
{
    struct region_data *d = arg;
    uintptr_t *a = d->reductions;
    __atomic_fetch_add(&d->ran, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < a[COUNT]; i++)
        *(long *)copy_of(a, i, omp_get_thread_num()) += 1;
    for (int i = 0; i < 10; i++)
        GOMP_task(task, &a, NULL, sizeof a, sizeof a, true, 0, NULL, 0, NULL);
}

static void regions(void)
{
    for (unsigned threads = 0; threads < 6; threads++) {
        struct region_data d = {array, 0};
        describe(array, 12, 64, 0);
        unsigned size = GOMP_parallel_reductions(region, &d, threads, 0);
        CHECK_EQ(size, threads ? threads : (unsigned)omp_get_max_threads());
        CHECK_EQ(d.ran, size);
        for (size_t i = 0; i < 12; i++)
            for (unsigned t = 0; t < size; t++)
                CHECK_EQ(*(long *)copy_of(array, i, (int)t), 1);
        GOMP_taskgroup_reduction_unregister(array);
    }
}

/* ---- Work-sharing: every thread has a description of its own, and all get one set of copies. */
static uintptr_t common_parts;

static void check_common(uintptr_t parts)
{
    uintptr_t none = 0;
    if (!__atomic_compare_exchange_n(&common_parts, &none, parts, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        CHECK(none == parts);
}

static void use_construct(uintptr_t *a)
{
    check_common(a[PARTS]);
    remap_all(a);
    *copy_of(a, 3, omp_get_thread_num()) = 1;
    GOMP_task(task, &a, NULL, sizeof a, sizeof a, true, 0, NULL, 0, NULL);
}

static void end_construct(void)
{
    if (omp_get_thread_num() == 0)
        common_parts = 0;
    GOMP_workshare_task_reduction_unregister(false);
}

static void constructs(void *unused)
{
    uintptr_t a[ITEMS + 3 * 12];
    (void)unused;
    for (int round = 0; round < 5; round++) {
        long from, to, done = 0;
        describe(a, 12, 64, 0);
        bool more = GOMP_loop_start(0, 100, 1, 2, 3, &from, &to, a, NULL);
        use_construct(a);
        for (; more; more = GOMP_loop_dynamic_next(&from, &to))
            done += to - from;
        CHECK(done <= 100);
        GOMP_loop_end();
        end_construct();

        describe(a, 12, 64, 0);
        void *mem = (void *)(sizeof(long) * 4);
        GOMP_loop_start(0, 1, 1, 1, 0, NULL, NULL, a, &mem);
        use_construct(a);
        __atomic_fetch_add((long *)mem, 1, __ATOMIC_RELAXED);
        GOMP_loop_end();
        CHECK_EQ(*(long *)mem, omp_get_num_threads());
        end_construct();

        describe(a, 12, 64, 0);
        for (unsigned s = GOMP_sections2_start(3, a, NULL); s; s = GOMP_sections_next())
            CHECK(s <= 3);
        use_construct(a);
        GOMP_sections_end();
        end_construct();

        describe(a, 12, 64, 0);
        GOMP_scope_start(a);
        use_construct(a);
        GOMP_barrier();
        end_construct();
    }
}

int main(void)
{
    groups();
    regions();
    GOMP_parallel(constructs, NULL, 0, 0);
    return check_result();
}
