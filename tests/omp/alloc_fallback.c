/* What an allocator does that has no memory left: default memory, another allocator, nothing, or the end. */
#include "../faults/process.h"
#include "alloc.h"

#define SMALL TRAIT(pool_size, 100)

static void default_memory(void)
{
    omp_allocator_handle_t kinds[] = {MAKE(SMALL), MAKE(SMALL, TRAIT(fallback, omp_atv_default_mem_fb)),
                                      MAKE(SMALL, TRAIT(fallback, omp_atv_default)),
                                      MAKE(SMALL, TRAIT(fallback, omp_atv_allocator_fb)),
                                      MAKE(SMALL, TRAIT(fallback, omp_atv_allocator_fb), TRAIT(fb_data, 4))};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *p = omp_alloc(5000, kinds[i]), *q = omp_calloc(1000, 5, kinds[i]);
        CHECK(p != NULL && all_are(q, 5000, 0));
        fill(p, 5000, 1);
        omp_free(p, kinds[i]);
        omp_free(q, omp_null_allocator);
        omp_destroy_allocator(kinds[i]);
    }
}

static void nothing(void)
{
    omp_allocator_handle_t a = MAKE(SMALL, TRAIT(fallback, omp_atv_null_fb));
    CHECK(omp_alloc(101, a) == NULL && omp_calloc(101, 1, a) == NULL && omp_aligned_alloc(64, 101, a) == NULL);
    omp_destroy_allocator(a);
}

/* Three pools of growing size behind one another; the alignments that were asked for go along. */
static void chain(void)
{
    omp_allocator_handle_t last =
        MAKE(TRAIT(pool_size, 20000), TRAIT(fallback, omp_atv_null_fb), TRAIT(alignment, 2048));
    omp_allocator_handle_t middle =
        MAKE(TRAIT(pool_size, 3000), TRAIT(fallback, omp_atv_allocator_fb), TRAIT(fb_data, last));
    omp_allocator_handle_t first = MAKE(TRAIT(pool_size, 1000), TRAIT(fallback, omp_atv_allocator_fb),
                                        TRAIT(fb_data, middle), TRAIT(alignment, 64));
    char *a = omp_alloc(700, first), *b = omp_alloc(700, first), *c = omp_alloc(3100, first);
    CHECK(is_aligned(a, 64) && b != NULL && is_aligned(c, 2048));
    if (!check_is_reference())
        CHECK(is_aligned(b, 64));
    CHECK(omp_alloc(17000, first) == NULL);
    b = omp_realloc(b, 5000, omp_null_allocator, omp_null_allocator); /* middle has not so much, last has */
    CHECK(is_aligned(b, 2048));
    CHECK(omp_alloc(12000, last) == NULL);
    omp_free(b, first);
    b = omp_alloc(2500, middle);
    CHECK(b != NULL);
    omp_free(a, omp_null_allocator);
    omp_free(b, omp_null_allocator);
    omp_free(c, omp_null_allocator);
    omp_destroy_allocator(first);
    omp_destroy_allocator(middle);
    omp_destroy_allocator(last);
}

/* Handles come back, so an allocator can end up behind itself. */
static void circle(void)
{
    omp_allocator_handle_t gone = MAKE(SMALL);
    omp_allocator_handle_t a = MAKE(SMALL, TRAIT(fallback, omp_atv_allocator_fb), TRAIT(fb_data, gone));
    omp_destroy_allocator(gone);
    omp_allocator_handle_t b = MAKE(SMALL, TRAIT(fallback, omp_atv_allocator_fb), TRAIT(fb_data, a));
    CHECK(b == gone);
    CHECK(omp_alloc(101, a) == NULL);
    omp_destroy_allocator(a);
    omp_destroy_allocator(b);
}

/* A handle that names nothing: one line, and default memory. */
static int unknown(void)
{
    for (omp_uintptr_t handle = 9; handle; handle <<= 7)
        for (int i = 0; i < 3; i++) {
            char *p = omp_alloc(100, (omp_allocator_handle_t)handle);
            p = omp_realloc(p, 200, (omp_allocator_handle_t)(handle + 1), (omp_allocator_handle_t)handle);
            fill(p, 200, 1);
            omp_free(p, (omp_allocator_handle_t)handle);
            omp_destroy_allocator((omp_allocator_handle_t)handle);
            if (!p)
                return 2;
        }
    return 0;
}

static int end_by_alloc(void)
{
    omp_alloc(101, MAKE(SMALL, TRAIT(fallback, omp_atv_abort_fb)));
    return 0;
}

static int end_by_calloc(void)
{
    volatile size_t huge = SIZE_MAX;
    omp_calloc(huge, 16, MAKE(TRAIT(fallback, omp_atv_abort_fb)));
    return 0;
}

static int end_by_realloc(void)
{
    omp_allocator_handle_t a = MAKE(SMALL, TRAIT(fallback, omp_atv_abort_fb));
    void *p = omp_realloc(omp_alloc(10, a), 101, a, a);
    return p ? 0 : 2;
}

static int end_by_chain(void)
{
    omp_allocator_handle_t last = MAKE(SMALL, TRAIT(fallback, omp_atv_abort_fb));
    omp_alloc(101, MAKE(SMALL, TRAIT(fallback, omp_atv_allocator_fb), TRAIT(fb_data, last)));
    return 0;
}

static void ends(void)
{
    int (*const bodies[])(void) = {end_by_alloc, end_by_calloc, end_by_realloc, end_by_chain};
    char said[500];
    for (unsigned i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        CHECK_EQ(in_child_saying(bodies[i], 20, said, sizeof said), 1);
        CHECK(strstr(said, "ut of memory") != NULL);
        if (!check_is_reference())
            CHECK(strncmp(said, "moirai: fatal:", 14) == 0 && strchr(said, '\n') == strrchr(said, '\n'));
    }
    if (check_is_reference())
        return;
    CHECK_EQ(in_child_saying(unknown, 20, said, sizeof said), 0);
    CHECK(strncmp(said, "moirai: ", 8) == 0 && strchr(said, '\n') == strrchr(said, '\n'));
}

int main(void)
{
    default_memory();
    nothing();
    chain();
    if (!check_is_reference())
        circle();
    ends();
    return check_result();
}
