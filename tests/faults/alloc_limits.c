/* Allocators where the system refuses: no locked memory allowed, no address space left. Each fallback does its part. */
#include <omp.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>
#include "../omp/alloc.h"
#include "../omp/gomp_abi.h"
#include "process.h"

#define BIG ((size_t)1 << 30)

static void limit(int what, rlim_t most)
{
    struct rlimit r = {most, most};
    CHECK_EQ(setrlimit(what, &r), 0);
}

/* Root may lock without a limit. */
static void no_locking(void)
{
    limit(RLIMIT_MEMLOCK, 0);
    if (getuid() == 0)
        CHECK_EQ(setuid(65534), 0);
}

static int pinned_to_null(void)
{
    no_locking();
    omp_allocator_handle_t a =
        MAKE(TRAIT(pinned, omp_atv_true), TRAIT(fallback, omp_atv_null_fb), TRAIT(pool_size, 5000));
    for (int i = 0; i < 10; i++)
        CHECK(omp_alloc(4000, a) == NULL && omp_calloc(1, 1, a) == NULL && omp_realloc(NULL, 9, a, a) == NULL);
    char *p = omp_alloc(4000, omp_default_mem_alloc);
    fill(p, 4000, 2);
    CHECK(omp_realloc(p, 4500, a, omp_default_mem_alloc) == NULL && all_are(p, 4000, 2));
    return check_result();
}

static int pinned_to_default(void)
{
    no_locking();
    omp_allocator_handle_t a = MAKE(TRAIT(pinned, omp_atv_true), TRAIT(alignment, 1024));
    char *p = omp_calloc(3, 1000, a);
    CHECK(all_are(p, 3000, 0) && is_aligned(p, 1024));
    p = omp_realloc(p, 50000, a, a);
    CHECK(all_are(p, 3000, 0));
    omp_free(p, a);
    return check_result();
}

static int pinned_to_other(void)
{
    no_locking();
    omp_allocator_handle_t other = MAKE(TRAIT(pool_size, 100), TRAIT(fallback, omp_atv_null_fb));
    omp_allocator_handle_t a =
        MAKE(TRAIT(pinned, omp_atv_true), TRAIT(fallback, omp_atv_allocator_fb), TRAIT(fb_data, other));
    void *p = omp_alloc(90, a);
    CHECK(p != NULL && omp_alloc(11, a) == NULL);
    omp_free(p, a);
    p = omp_alloc(100, other);
    CHECK(p != NULL);
    return check_result();
}

static int pinned_to_abort(void)
{
    no_locking();
    omp_alloc(1, MAKE(TRAIT(pinned, omp_atv_true), TRAIT(fallback, omp_atv_abort_fb)));
    return 0;
}

/* The limit is the last thing that happens: some blocks still fit. */
static int pinned_until_limit(void)
{
    enum { COUNT = 20 };
    char *block[COUNT];
    int got = 0;
    limit(RLIMIT_MEMLOCK, 10 * 4096);
    if (getuid() == 0)
        CHECK_EQ(setuid(65534), 0);
    omp_allocator_handle_t a = MAKE(TRAIT(pinned, omp_atv_true), TRAIT(fallback, omp_atv_null_fb));
    for (int round = 0; round < 5; round++) {
        for (got = 0; got < COUNT && (block[got] = omp_alloc(3000, a)) != NULL; got++)
            fill(block[got], 3000, got);
        CHECK_EQ(got, 10);
        while (got-- > 0) {
            CHECK(all_are(block[got], 3000, got));
            omp_free(block[got], a);
        }
    }
    return check_result();
}

static int space_to_null(void)
{
    omp_allocator_handle_t a = MAKE(TRAIT(fallback, omp_atv_null_fb), TRAIT(pool_size, BIG + 1500));
    omp_allocator_handle_t pinned = MAKE(TRAIT(fallback, omp_atv_null_fb), TRAIT(pinned, omp_atv_true));
    char *p = omp_alloc(1000, a);
    fill(p, 1000, 5);
    limit(RLIMIT_AS, BIG);
    for (int i = 0; i < 5; i++) {
        CHECK(omp_alloc(BIG, a) == NULL && omp_calloc(BIG / 4, 4, a) == NULL && omp_alloc(BIG, pinned) == NULL);
        CHECK(omp_aligned_alloc(BIG, BIG, a) == NULL && omp_realloc(p, BIG, a, a) == NULL);
        CHECK(omp_realloc(p, BIG, pinned, a) == NULL);
        CHECK(all_are(p, 1000, 5));
    }
    void *q = omp_alloc(1600, a); /* what failed is not in the pool's account */
    CHECK(q != NULL);
    omp_free(q, a);
    omp_free(p, a);
    return check_result();
}

static int space_to_default(void)
{
    omp_allocator_handle_t a = MAKE(TRAIT(alignment, 64));
    limit(RLIMIT_AS, BIG);
    CHECK(omp_alloc(BIG, a) == NULL && omp_alloc(BIG, omp_null_allocator) == NULL);
    CHECK(omp_alloc(BIG, omp_large_cap_mem_alloc) == NULL && omp_calloc(1, BIG, omp_default_mem_alloc) == NULL);
    void *p = omp_alloc(1000, a);
    CHECK(p != NULL);
    return check_result();
}

static int space_to_other(void)
{
    omp_allocator_handle_t last = MAKE(TRAIT(fallback, omp_atv_null_fb));
    omp_allocator_handle_t a = MAKE(TRAIT(fallback, omp_atv_allocator_fb), TRAIT(fb_data, last));
    limit(RLIMIT_AS, BIG);
    CHECK(omp_alloc(BIG, a) == NULL);
    return check_result();
}

static int space_to_abort(void)
{
    omp_allocator_handle_t a = MAKE(TRAIT(fallback, omp_atv_abort_fb));
    limit(RLIMIT_AS, BIG);
    omp_alloc(BIG, a);
    return 0;
}

/* A construct has no other way. */
static int space_for_a_variable(void)
{
    limit(RLIMIT_AS, BIG);
    GOMP_alloc(16, BIG, omp_large_cap_mem_alloc);
    return 0;
}

static void ends_with(int (*body)(void), int status, const char *line)
{
    char said[1000];
    int is = in_child_saying(body, 20, said, sizeof said);
    int right = line ? strstr(said, line) == said && strchr(said, '\n') == strrchr(said, '\n') : said[0] == '\0';
    if (is != status || !right)
        fprintf(stderr, "status %d, expected %d, said: %s\n", is, status, said);
    CHECK(is == status && right);
}

int main(void)
{
    ends_with(pinned_to_null, 0, NULL);
    ends_with(pinned_to_default, 0, NULL);
    ends_with(pinned_to_other, 0, NULL);
    ends_with(pinned_to_abort, 1, "moirai: fatal: out of memory: 1 bytes");
    ends_with(pinned_until_limit, 0, NULL);
    ends_with(space_to_null, 0, NULL);
    ends_with(space_to_default, 0, NULL);
    ends_with(space_to_other, 0, NULL);
    ends_with(space_to_abort, 1, "moirai: fatal: out of memory: 1073741824 bytes");
    ends_with(space_for_a_variable, 1, "moirai: fatal: out of memory: 1073741824 bytes");
    return check_result();
}
