/* Pinned blocks stay in memory, and to free one takes nothing away from another. Placed blocks are like all others on a
   machine where there is no choice of nodes. The reference has no pinned memory. */
#include "alloc.h"

/* Bytes of the process that are locked in memory. */
static long locked(void)
{
    char line[200];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status))
        sscanf(line, "VmLck: %ld", &kilobytes);
    fclose(status);
    return kilobytes * 1024;
}

static void one(omp_allocator_handle_t a, size_t bytes)
{
    long before = locked();
    char *p = omp_calloc(1, bytes, a);
    CHECK(all_are(p, bytes, 0));
    CHECK(locked() >= before + (long)bytes);
    fill(p, bytes, 1);
    omp_free(p, omp_null_allocator);
    CHECK_EQ(locked(), before);
}

static void neighbours(omp_allocator_handle_t a)
{
    enum { COUNT = 64 };
    static char *block[COUNT];
    long before = locked();
    for (int i = 0; i < COUNT; i++) {
        block[i] = omp_alloc(100, a);
        fill(block[i], 100, i);
    }
    long all = locked() - before;
    CHECK(all > 0 && all % COUNT == 0);
    for (int i = 0; i < COUNT; i++) {
        int next = i * 37 % COUNT;
        CHECK(all_are(block[next], 100, next));
        omp_free(block[next], a);
        CHECK_EQ(locked() - before, all / COUNT * (COUNT - 1 - i));
    }
}

static void moved(omp_allocator_handle_t a)
{
    long before = locked();
    char *p = omp_alloc(3000, omp_default_mem_alloc);
    fill(p, 3000, 8);
    p = omp_realloc(p, 20000, a, omp_default_mem_alloc);
    CHECK(all_are(p, 3000, 8) && locked() >= before + 20000);
    p = omp_realloc(p, 50000, a, a);
    CHECK(all_are(p, 3000, 8) && locked() >= before + 50000);
    p = omp_realloc(p, 10, omp_null_allocator, omp_null_allocator);
    CHECK(all_are(p, 10, 8) && locked() > before);
    p = omp_realloc(p, 30000, omp_default_mem_alloc, a);
    CHECK(all_are(p, 10, 8));
    CHECK_EQ(locked(), before);
    omp_free(p, a);
}

static void pinned(void)
{
    for (size_t align = 1; align <= 65536; align *= 16) {
        omp_allocator_handle_t a =
            MAKE(TRAIT(pinned, omp_atv_true), TRAIT(alignment, align), TRAIT(fallback, omp_atv_null_fb));
        for (size_t bytes = 1; bytes < 300000; bytes *= 7) {
            one(a, bytes);
            char *p = omp_alloc(bytes, a);
            CHECK(is_aligned(p, align));
            omp_free(p, a);
        }
        moved(a);
        if (align < 4096)
            neighbours(a);
        omp_destroy_allocator(a);
    }
}

static void by_all_threads(void)
{
    omp_allocator_handle_t a =
        MAKE(TRAIT(pinned, omp_atv_true), TRAIT(pool_size, 8 * 5000), TRAIT(fallback, omp_atv_null_fb));
    long before = locked();
#pragma omp parallel num_threads(8)
    for (int i = 0; i < SCALED(300) + 1; i++) {
        char *p = omp_alloc(5000, a);
        CHECK(p != NULL);
        fill(p, 5000, i);
        CHECK(all_are(p, 5000, i));
        omp_free(p, a);
    }
    CHECK_EQ(locked(), before);
    omp_destroy_allocator(a);
}

static void placed(void)
{
    for (int how = omp_atv_environment; how <= omp_atv_interleaved; how++)
        for (int pin = 0; pin < (check_is_reference() ? 1 : 2); pin++) {
            omp_allocator_handle_t a = MAKE(TRAIT(partition, how), TRAIT(pinned, pin), TRAIT(alignment, 64));
            for (size_t bytes = 1; bytes < 3000000; bytes *= 13) {
                char *p = omp_calloc(bytes, 1, a);
                CHECK(is_aligned(p, 64) && all_are(p, bytes, 0));
                fill(p, bytes, how);
                p = omp_realloc(p, 2 * bytes, a, a);
                CHECK(is_aligned(p, 64) && all_are(p, bytes, how));
                omp_free(p, a);
            }
            omp_destroy_allocator(a);
        }
}

int main(void)
{
    if (!check_is_reference()) {
        pinned();
        by_all_threads();
    }
    placed();
    return check_result();
}
