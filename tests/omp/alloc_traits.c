/* Which memory spaces, traits and values make an allocator, and that nothing else does. */
#include "alloc.h"

#define ANY ((omp_uintptr_t)-3)

/* Values that a trait takes from `first` to `last`, besides its default. */
static const struct range {
    int key;
    omp_uintptr_t first, last;
} ranges[] = {
    {omp_atk_sync_hint, omp_atv_contended, omp_atv_private},
    {omp_atk_access, omp_atv_all, omp_atv_cgroup},
    {omp_atk_pool_size, 0, ANY},
    {omp_atk_fallback, omp_atv_default_mem_fb, omp_atv_allocator_fb},
    {omp_atk_fb_data, 0, ANY},
    {omp_atk_partition, omp_atv_environment, omp_atv_interleaved},
};

static int makes(int key, omp_uintptr_t value)
{
    omp_alloctrait_t trait = {(omp_alloctrait_key_t)key, value};
    omp_allocator_handle_t a = omp_init_allocator(omp_default_mem_space, 1, &trait);
    if (a != omp_null_allocator) {
        CHECK(a > omp_thread_mem_alloc);
        omp_destroy_allocator(a);
    }
    return a != omp_null_allocator;
}

static void enumerated(void)
{
    for (unsigned i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const struct range *r = &ranges[i];
        for (omp_uintptr_t value = 0; value < 25; value++)
            CHECK_EQ(makes(r->key, value), value >= r->first && value <= r->last);
        CHECK(makes(r->key, (omp_uintptr_t)omp_atv_default));
        CHECK_EQ(makes(r->key, (omp_uintptr_t)-2), r->last == ANY);
        CHECK_EQ(makes(r->key, (omp_uintptr_t)1 << 32 | r->first), r->last == ANY);
    }
}

static void alignments(void)
{
    for (omp_uintptr_t value = 0; value < 70; value++)
        CHECK_EQ(makes(omp_atk_alignment, value), value > 0 && (value & (value - 1)) == 0);
    CHECK(makes(omp_atk_alignment, (omp_uintptr_t)omp_atv_default));
    CHECK(makes(omp_atk_alignment, (omp_uintptr_t)1 << 63));
    CHECK(!makes(omp_atk_alignment, ((omp_uintptr_t)1 << 63) + 1));
}

static void pinned(void)
{
    CHECK(makes(omp_atk_pinned, omp_atv_false));
    CHECK(makes(omp_atk_pinned, (omp_uintptr_t)omp_atv_default));
    CHECK(!makes(omp_atk_pinned, 2));
    if (!check_is_reference())
        CHECK(makes(omp_atk_pinned, omp_atv_true));
}

static void keys_and_spaces(void)
{
    const int bad_keys[] = {-1, 0, 9, 10, 1000};
    for (unsigned i = 0; i < sizeof bad_keys / sizeof bad_keys[0]; i++) {
        CHECK(!makes(bad_keys[i], 1));
        CHECK(!makes(bad_keys[i], (omp_uintptr_t)omp_atv_default));
    }
    for (omp_uintptr_t space = 0; space < 10; space++) {
        omp_allocator_handle_t a = omp_init_allocator((omp_memspace_handle_t)space, 0, NULL);
        if (space != omp_high_bw_mem_space) /* this one where the machine has it */
            CHECK_EQ(a != omp_null_allocator, space <= omp_low_lat_mem_space);
        void *p = a != omp_null_allocator ? omp_alloc(100, a) : NULL;
        CHECK_EQ(p != NULL, a != omp_null_allocator);
        omp_free(p, a);
        if (a != omp_null_allocator)
            omp_destroy_allocator(a);
    }
    CHECK(omp_init_allocator((omp_memspace_handle_t)-1, 0, NULL) == omp_null_allocator);
}

/* One bad trait spoils the list; of two values for one trait the last one counts. */
static void lists(void)
{
    CHECK(MAKE(TRAIT(alignment, 3), TRAIT(alignment, 64)) == omp_null_allocator);
    CHECK(MAKE(TRAIT(alignment, 64), TRAIT(alignment, 3)) == omp_null_allocator);
    omp_allocator_handle_t a = MAKE(TRAIT(alignment, 16), TRAIT(pool_size, 10000), TRAIT(alignment, 4096));
    for (int i = 0; i < 4; i++) {
        void *p = omp_alloc(1, a);
        CHECK(is_aligned(p, 4096));
        omp_free(p, a);
    }
    omp_destroy_allocator(a);
}

/* Many at a time, given back in another order than they were made. */
static void many(void)
{
    enum { COUNT = 500 };
    static omp_allocator_handle_t made[COUNT];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++)
            made[i] = MAKE(TRAIT(pool_size, 1000 + i), TRAIT(fallback, omp_atv_null_fb));
        for (int i = 0; i < COUNT; i++) {
            void *fits = omp_alloc(900, made[i]);
            CHECK(fits != NULL && omp_alloc((size_t)(1001 + i), made[i]) == NULL);
            omp_free(fits, made[i]);
        }
        for (int i = 0; i < COUNT; i++)
            omp_destroy_allocator(made[(i * 7 + round) % COUNT]);
    }
}

static void check_own(omp_allocator_handle_t a, size_t pool)
{
    void *p = omp_alloc(pool - 100, a);
    CHECK(p != NULL && omp_alloc(101, a) == NULL);
    omp_free(p, omp_null_allocator);
}

/* Two at a time, so that what is given back first is not what is taken next. */
static void made_by_all_threads(void)
{
#pragma omp parallel num_threads(8)
    for (int i = 0; i < SCALED(10000); i++) {
        size_t pool = (size_t)(1000 + 10 * omp_get_thread_num());
        omp_allocator_handle_t a = MAKE(TRAIT(pool_size, pool), TRAIT(fallback, omp_atv_null_fb));
        omp_allocator_handle_t b = MAKE(TRAIT(pool_size, pool + 5), TRAIT(fallback, omp_atv_null_fb));
        check_own(a, pool);
        omp_destroy_allocator(i % 2 ? a : b);
        check_own(i % 2 ? b : a, i % 2 ? pool + 5 : pool);
        omp_destroy_allocator(i % 2 ? b : a);
    }
}

int main(void)
{
    enumerated();
    alignments();
    pinned();
    keys_and_spaces();
    lists();
    many();
    made_by_all_threads();
    return check_result();
}
