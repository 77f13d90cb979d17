/* What blocks are: aligned, of the size that was asked for, zero where that was asked for; and every thread may give
   them back, whatever allocator it names. */
#include "alloc.h"

static void sizes_and_alignments(omp_allocator_handle_t a, size_t trait)
{
    for (size_t align = 1; align <= 8192; align *= 4)
        for (size_t bytes = 1; bytes < 20000; bytes = bytes * 3 + 1) {
            char *p = omp_aligned_alloc(align, bytes, a), *q = omp_aligned_calloc(align, bytes, 2, a);
            CHECK(is_aligned(p, align) && is_aligned(p, trait));
            CHECK(is_aligned(q, align) && is_aligned(q, trait));
            fill(p, bytes, 0x5a);
            CHECK(all_are(q, 2 * bytes, 0));
            fill(q, 2 * bytes, 0xa5);
            CHECK(all_are(p, bytes, 0x5a));
            omp_free(p, a);
            omp_free(q, omp_null_allocator);
        }
}

static void predefined(void)
{
    for (int a = omp_default_mem_alloc; a <= omp_thread_mem_alloc; a++) {
        sizes_and_alignments((omp_allocator_handle_t)a, 1);
        char *p = omp_calloc(10, 10, (omp_allocator_handle_t)a);
        CHECK(all_are(p, 100, 0) && is_aligned(p, 8));
        omp_free(p, omp_default_mem_alloc);
    }
}

static void traits(void)
{
    for (size_t align = 1; align <= 65536; align *= 8) {
        omp_allocator_handle_t a = MAKE(TRAIT(alignment, align));
        sizes_and_alignments(a, align);
        omp_destroy_allocator(a);
    }
}

/* Memory that was used before comes back as zeros. */
static void zeroed_again(void)
{
    omp_allocator_handle_t a = MAKE(TRAIT(alignment, 256));
    for (int i = 0; i < 50; i++) {
        char *p = omp_calloc(333, 3, a);
        CHECK(all_are(p, 999, 0));
        fill(p, 999, 0xff);
        omp_free(p, a);
    }
    omp_destroy_allocator(a);
}

static void nothing(void)
{
    omp_allocator_handle_t a = MAKE(TRAIT(pool_size, 1), TRAIT(fallback, omp_atv_abort_fb));
    CHECK(omp_alloc(0, a) == NULL && omp_alloc(0, omp_null_allocator) == NULL);
    CHECK(omp_calloc(0, 5, a) == NULL && omp_calloc(5, 0, a) == NULL);
    CHECK(omp_aligned_alloc(64, 0, a) == NULL && omp_aligned_calloc(64, 0, 0, a) == NULL);
    CHECK(omp_realloc(NULL, 0, a, omp_null_allocator) == NULL);
    omp_free(NULL, a);
    omp_free(NULL, omp_null_allocator);
    omp_destroy_allocator(a);
}

static void too_much(void)
{
    volatile size_t half = SIZE_MAX / 2, huge = SIZE_MAX;
    CHECK(omp_alloc(half, omp_default_mem_alloc) == NULL);
    CHECK(omp_alloc(huge, omp_large_cap_mem_alloc) == NULL);
    CHECK(omp_calloc(half, 4, omp_default_mem_alloc) == NULL);
    CHECK(omp_calloc(huge, huge, omp_null_allocator) == NULL);
    CHECK(omp_aligned_alloc(4096, half, omp_default_mem_alloc) == NULL);
    CHECK(omp_aligned_alloc((size_t)1 << 63, 8, omp_default_mem_alloc) == NULL);
    char *p = omp_alloc(10, omp_default_mem_alloc);
    fill(p, 10, 3);
    CHECK(omp_realloc(p, half, omp_default_mem_alloc, omp_default_mem_alloc) == NULL);
    CHECK(all_are(p, 10, 3));
    omp_free(p, omp_default_mem_alloc);
}

/* Alignments that are none. The reference reads the heap's own data after some of them. */
static void odd_alignments(void)
{
    for (volatile size_t align = 0; align < 3000; align += align < 70 ? 1 : 97) {
        char *p = omp_aligned_alloc(align, 50, omp_default_mem_alloc);
        CHECK(p != NULL);
        fill(p, 50, 1);
        omp_free(p, omp_null_allocator);
    }
    volatile size_t most = SIZE_MAX;
    CHECK(omp_aligned_alloc(most, 8, omp_default_mem_alloc) == NULL);
}

static void handed_over(void)
{
    enum { BLOCKS = 64 };
    static char *block[BLOCKS];
    omp_allocator_handle_t a = MAKE(TRAIT(alignment, 128));
    for (int round = 0; round < SCALED(200) + 1; round++) {
#pragma omp parallel for schedule(static, 1)
        for (int i = 0; i < BLOCKS; i++) {
            block[i] = i % 2 ? omp_alloc((size_t)(i + 1), a) : omp_alloc((size_t)(i + 1), omp_default_mem_alloc);
            fill(block[i], (size_t)(i + 1), i);
        }
#pragma omp parallel for schedule(static, 3)
        for (int i = 0; i < BLOCKS; i++) {
            CHECK(all_are(block[i], (size_t)(i + 1), i));
            omp_free(block[i], omp_null_allocator);
        }
    }
    omp_destroy_allocator(a);
}

int main(void)
{
    predefined();
    traits();
    zeroed_again();
    nothing();
    too_much();
    if (!check_is_reference())
        odd_alignments();
    handed_over();
    return check_result();
}
