/* omp_realloc: every pair of allocators, growing and shrinking, contents kept, alignments of the new allocator. */
#include "alloc.h"

enum { KINDS = 5 };

static const size_t sizes[] = {1, 15, 16, 100, 4096, 5000, 70000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void pair(omp_allocator_handle_t from, omp_allocator_handle_t to, size_t align)
{
    for (int i = 0; i < SIZES; i++)
        for (int j = 0; j < SIZES; j++) {
            char *p = omp_alloc(sizes[i], from);
            fill(p, sizes[i], i + 1);
            p = omp_realloc(p, sizes[j], to, from);
            CHECK(is_aligned(p, align));
            CHECK(all_are(p, sizes[i] < sizes[j] ? sizes[i] : sizes[j], i + 1));
            fill(p, sizes[j], 0xee);
            omp_free(p, to);
        }
}

static void pairs(void)
{
    const omp_allocator_handle_t kind[KINDS] = {omp_default_mem_alloc, omp_low_lat_mem_alloc,
                                                MAKE(TRAIT(alignment, 64)), MAKE(TRAIT(alignment, 4096)),
                                                MAKE(TRAIT(pool_size, 1000000))};
    const size_t align[KINDS] = {8, 8, 64, 4096, 8};
    for (int i = 0; i < KINDS; i++)
        for (int j = 0; j < KINDS; j++)
            pair(kind[i], kind[j], align[j]);
    for (int i = 2; i < KINDS; i++)
        omp_destroy_allocator(kind[i]);
}

/* Without a new allocator the block stays with the one it has, whatever the default is. */
static void stays_with_its_own(void)
{
    omp_allocator_handle_t own =
        MAKE(TRAIT(alignment, 1024), TRAIT(pool_size, 30000), TRAIT(fallback, omp_atv_null_fb));
    omp_allocator_handle_t other = MAKE(TRAIT(alignment, 8));
    char *p = omp_alloc(2000, own);
    omp_set_default_allocator(other);
    fill(p, 2000, 9);
    for (size_t bytes = 3000; bytes < 9000; bytes += 1000) {
        p = omp_realloc(p, bytes, omp_null_allocator, omp_null_allocator);
        CHECK(is_aligned(p, 1024) && all_are(p, 2000, 9));
    }
    CHECK(omp_alloc(23000, own) == NULL);
    CHECK(omp_realloc(p, 31000, omp_null_allocator, own) == NULL);
    CHECK(all_are(p, 2000, 9));
    CHECK(omp_realloc(p, 0, omp_null_allocator, omp_null_allocator) == NULL);
    p = omp_alloc(23000, own);
    CHECK(p != NULL);
    omp_free(p, own);
    omp_set_default_allocator(omp_default_mem_alloc);
    omp_destroy_allocator(other);
    omp_destroy_allocator(own);
}

static void from_nothing(void)
{
    omp_allocator_handle_t a = MAKE(TRAIT(alignment, 512));
    char *p = omp_realloc(NULL, 77, a, omp_null_allocator);
    CHECK(is_aligned(p, 512));
    fill(p, 77, 1);
    p = omp_realloc(p, 770, a, a);
    CHECK(is_aligned(p, 512) && all_are(p, 77, 1));
    omp_free(p, a);
    omp_destroy_allocator(a);
}

/* Blocks that were aligned by themselves: afterwards they are as their allocator has them. */
static void aligned_before(void)
{
    for (size_t align = 1; align <= 4096; align *= 2)
        for (size_t bytes = 10; bytes < 100000; bytes *= 10) {
            char *p = omp_aligned_alloc(align, 500, omp_default_mem_alloc);
            fill(p, 500, 3);
            p = omp_realloc(p, bytes, omp_default_mem_alloc, omp_default_mem_alloc);
            CHECK(all_are(p, bytes < 500 ? bytes : 500, 3));
            fill(p, bytes, 1);
            omp_free(p, omp_null_allocator);
        }
}

/* A block whose allocator does not exist any more. The reference reads the allocator's memory. */
static void orphan(void)
{
    omp_allocator_handle_t a = MAKE(TRAIT(pool_size, 1000));
    char *p = omp_alloc(500, a), *q = omp_alloc(100, a);
    fill(p, 500, 4);
    omp_destroy_allocator(a);
    omp_allocator_handle_t next = MAKE(TRAIT(pool_size, 700), TRAIT(fallback, omp_atv_null_fb));
    p = omp_realloc(p, 5000, omp_null_allocator, omp_null_allocator);
    CHECK(all_are(p, 500, 4));
    omp_free(p, omp_null_allocator);
    omp_free(q, omp_null_allocator);
    p = omp_alloc(700, next); /* what others gave back is none of its bytes */
    CHECK(p != NULL && omp_alloc(1, next) == NULL);
    omp_free(p, next);
    omp_destroy_allocator(next);
}

int main(void)
{
    pairs();
    stays_with_its_own();
    from_nothing();
    aligned_before();
    if (!check_is_reference())
        orphan();
    return check_result();
}
