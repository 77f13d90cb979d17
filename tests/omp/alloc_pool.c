/* Pools: never more bytes than the pool has, and every byte that was given back can be had, with all threads at it. */
#include "alloc.h"

/* The reference counts its own administration against the pool. */
#define OVERHEAD ((size_t)(check_is_reference() ? 256 : 0))

enum { POOL = 64 * 1024 };

static omp_allocator_handle_t pool_of(size_t bytes)
{
    return MAKE(TRAIT(pool_size, bytes), TRAIT(fallback, omp_atv_null_fb));
}

static void alone(void)
{
    omp_allocator_handle_t a = pool_of(4096);
    char *p = omp_alloc(4096 - OVERHEAD, a);
    CHECK(p != NULL && omp_alloc(OVERHEAD + 1, a) == NULL && omp_calloc(1, OVERHEAD + 1, a) == NULL);
    fill(p, 4096 - OVERHEAD, 1);
    omp_free(p, a);
    CHECK(omp_alloc(4097, a) == NULL && omp_aligned_alloc(64, 4097, a) == NULL);
    p = omp_alloc(2048, a);
    char *q = omp_alloc(2048 - 2 * OVERHEAD, a);
    CHECK(p != NULL && q != NULL);
    omp_free(p, omp_null_allocator);
    omp_free(q, omp_null_allocator);
    omp_destroy_allocator(a);
    a = pool_of(0);
    CHECK(omp_alloc(1, a) == NULL);
    omp_destroy_allocator(a);
}

/* Growing needs only the difference, also where the block must move; shrinking gives back at once. */
static void moved(size_t align)
{
    omp_allocator_handle_t a = MAKE(TRAIT(pool_size, 5000), TRAIT(fallback, omp_atv_null_fb), TRAIT(alignment, align));
    char *p = omp_alloc(3000, a);
    fill(p, 3000, 6);
    p = omp_realloc(p, 5000, a, a);
    CHECK(all_are(p, 3000, 6));
    CHECK(omp_alloc(1, a) == NULL && omp_realloc(p, 5001, a, a) == NULL);
    p = omp_realloc(p, 4000, a, a);
    CHECK(all_are(p, 3000, 6));
    char *q = omp_alloc(1000, a);
    CHECK(q != NULL && omp_alloc(1, a) == NULL && omp_realloc(p, 4001, a, a) == NULL);
    q = omp_realloc(q, 500, omp_default_mem_alloc, a); /* leaves the pool */
    p = omp_realloc(p, 5000, a, a);
    CHECK(all_are(p, 3000, 6));
    CHECK(omp_realloc(q, 1, a, omp_default_mem_alloc) == NULL);
    omp_free(p, a);
    q = omp_realloc(q, 5000, a, omp_default_mem_alloc);
    CHECK(q != NULL && omp_alloc(1, a) == NULL);
    omp_free(q, a);
    p = omp_alloc(5000, a);
    CHECK(p != NULL);
    omp_free(p, a);
    omp_destroy_allocator(a);
}

/* Each thread uses its share of the pool over and over, and must always get it. */
static void shares(void)
{
    omp_allocator_handle_t a = pool_of(POOL);
#pragma omp parallel num_threads(8)
    {
        size_t share = POOL / (size_t)omp_get_num_threads() - OVERHEAD;
        for (int i = 0; i < SCALED(4000); i++) {
            char *p = omp_alloc(share, a);
            CHECK(p != NULL);
            if (!check_is_reference()) {
                p = omp_realloc(p, share / 3, a, a);
                p = omp_realloc(p, share, a, a);
                CHECK(p != NULL);
            }
            if (p)
                p[0] = p[share - 1] = 1;
            omp_free(p, omp_null_allocator);
        }
    }
    char *all = omp_alloc(POOL - OVERHEAD, a);
    CHECK(all != NULL);
    omp_free(all, a);
    omp_destroy_allocator(a);
}

/* Threads want more than there is. Counted from after an allocation to before the block is given back, so the count
   is never above what the pool has handed out. */
static void greed(void)
{
    omp_allocator_handle_t a = pool_of(POOL);
    size_t held = 0;
    int denied = 0;
#pragma omp parallel num_threads(8) reduction(+ : denied)
    for (int i = 0; i < SCALED(4000); i++) {
        size_t bytes = POOL / 16 + (size_t)((i * 7919 + omp_get_thread_num() * 104729) % (POOL / 4)), now;
        char *p = omp_alloc(bytes, a);
        if (!p) {
            denied++;
            continue;
        }
#pragma omp atomic capture
        now = held += bytes;
        CHECK(now <= POOL);
        p[0] = p[bytes - 1] = 1;
#pragma omp atomic
        held -= bytes;
        omp_free(p, a);
    }
    CHECK_EQ(held, 0);
    CHECK(denied >= 0);
    char *all = omp_alloc(POOL - OVERHEAD, a);
    CHECK(all != NULL && omp_alloc(OVERHEAD + 1, a) == NULL);
    omp_free(all, a);
    omp_destroy_allocator(a);
}

int main(void)
{
    alone();
    if (!check_is_reference())
        for (size_t align = 1; align <= 4096; align *= 64)
            moved(align);
    shares();
    greed();
    return check_result();
}
