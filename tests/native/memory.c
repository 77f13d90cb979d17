/* Pools, arenas and pages. */
#include "native.h"

#include <stdlib.h>

#define THREADS 4
#define ROUNDS  20000
#define HELD    200

/* ---- Pools. */
static moirai_pool_t *pool;
static void *passed[64]; /* objects on their way from one thread to another */

struct owned {
    uint64_t words[5];
};

/* Each object that somebody has says whose it is in all its words. */
static void take(struct owned **o, uint64_t who)
{
    *o = moirai_pool_get(pool);
    assert_non_null(*o);
    assert_int_equal((uintptr_t)*o % 32, 0);
    for (int i = 0; i < 5; i++)
        (*o)->words[i] = who;
}

static void *churns(void *arg)
{
    struct owned *held[HELD] = {NULL};
    uint32_t seed = (uint32_t)(uintptr_t)arg + 1;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned k = (seed >> 8) % HELD;
        if (!held[k]) {
            take(&held[k], (uintptr_t)arg << 32 | k);
            continue;
        }
        for (int n = 0; n < 5; n++)
            assert_true(held[k]->words[n] == ((uintptr_t)arg << 32 | k));
        void *other = i % 4 ? held[k] : __atomic_exchange_n(&passed[seed % 64], (void *)held[k], __ATOMIC_ACQ_REL);
        held[k] = NULL;
        if (other)
            assert_int_equal(moirai_pool_put(pool, other), MOIRAI_OK);
    }
    for (unsigned k = 0; k < HELD; k++)
        if (held[k])
            assert_int_equal(moirai_pool_put(pool, held[k]), MOIRAI_OK);
    return NULL;
}

static void test_pool_threads(void **unused)
{
    pthread_t t[THREADS];
    moirai_pool_stats_t stats;
    assert_int_equal(moirai_pool_new(&pool, sizeof(struct owned), 32, 0), MOIRAI_OK);
    for (uintptr_t i = 0; i < THREADS; i++)
        t[i] = start(churns, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 64; i++)
        if (passed[i])
            assert_int_equal(moirai_pool_put(pool, passed[i]), MOIRAI_OK);
    assert_int_equal(moirai_pool_stats(pool, &stats), MOIRAI_OK);
    assert_int_equal(stats.gets, stats.puts);
    assert_true(stats.gets >= THREADS * ROUNDS / 3);
    assert_true(stats.cached * 10 >= stats.gets * 8); /* four of five took no lock */
    assert_true(stats.made <= THREADS * (HELD + 100) + 64);
    moirai_pool_free(pool);
}

static void test_pool_limit(void **unused)
{
    void *o[101];
    moirai_pool_stats_t stats;
    assert_int_equal(moirai_pool_new(&pool, 5000, 4096, 100), MOIRAI_OK);
    for (int i = 0; i < 100; i++) {
        o[i] = moirai_pool_get(pool);
        assert_non_null(o[i]);
        assert_int_equal((uintptr_t)o[i] % 4096, 0);
        memset(o[i], i, 5000);
    }
    assert_null(moirai_pool_get(pool));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(*((unsigned char *)o[i] + 4999), i);
        assert_int_equal(moirai_pool_put(pool, o[i]), MOIRAI_OK);
    }
    for (int i = 0; i < 100; i++)
        assert_non_null(moirai_pool_get(pool));
    assert_null(moirai_pool_get(pool));
    assert_int_equal(moirai_pool_stats(pool, &stats), MOIRAI_OK);
    assert_int_equal(stats.made, 100);
    assert_int_equal(stats.gets - stats.puts, 100);
    assert_true(stats.bytes_mapped >= 100 * 8192);
    moirai_pool_free(pool);
}

static void test_pool_misuse(void **unused)
{
    assert_int_equal(moirai_pool_new(NULL, 8, 8, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_pool_new(&pool, 0, 8, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_pool_new(&pool, 8, 24, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_pool_new(&pool, 8, 8192, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_pool_new(&pool, MOIRAI_POOL_BYTES_MAX + 1, 8, 0), MOIRAI_EINVAL);
    assert_null(moirai_pool_get(NULL));
    assert_int_equal(moirai_pool_put(NULL, &pool), MOIRAI_EINVAL);
    assert_int_equal(moirai_pool_stats(NULL, NULL), MOIRAI_EINVAL);
    moirai_pool_free(NULL);
    assert_int_equal(moirai_pool_new(&pool, 1, 1, 0), MOIRAI_OK); /* room for a link nevertheless */
    assert_int_equal(moirai_pool_put(pool, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_pool_put(pool, moirai_pool_get(pool)), MOIRAI_OK);
    moirai_pool_free(pool);
}

/* ---- Arenas. */
static void fill(moirai_arena_t *a, uint32_t seed, int n)
{
    static const size_t align[] = {0, 1, 8, 64, 4096};
    unsigned char *p[200];
    size_t bytes[200];
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (seed >> 8) % (i % 20 ? 500 : 300000);
        p[i] = moirai_arena_get(a, bytes[i], align[i % 5]);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % (align[i % 5] ? align[i % 5] : 16), 0);
        memset(p[i], i, bytes[i]);
    }
    for (int i = 0; i < n; i++)
        for (size_t b = 0; b < bytes[i]; b++)
            assert_int_equal(p[i][b], (unsigned char)i);
}

static void test_arena(void **unused)
{
    moirai_arena_t *a;
    assert_int_equal(moirai_arena_new(NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_arena_new(&a), MOIRAI_OK);
    moirai_arena_mark_t empty = moirai_arena_mark(a);
    assert_int_equal(moirai_arena_bytes(a), 0);
    fill(a, 1, 200);
    size_t bytes = moirai_arena_bytes(a);
    for (int i = 0; i < 20; i++) { /* the same needs no more memory */
        moirai_arena_reset(a, empty);
        fill(a, 1, 200);
        assert_int_equal(moirai_arena_bytes(a), bytes);
    }
    unsigned char *kept = moirai_arena_get(a, 100, 0);
    memset(kept, 7, 100);
    moirai_arena_mark_t inner = moirai_arena_mark(a);
    void *next = moirai_arena_get(a, 32, 0);
    fill(a, 2, 100);
    moirai_arena_reset(a, inner);
    assert_ptr_equal(moirai_arena_get(a, 32, 0), next);
    assert_int_equal(kept[99], 7);
    assert_null(moirai_arena_get(a, 8, 24));
    assert_null(moirai_arena_get(a, 8, 8192));
    assert_null(moirai_arena_get(a, SIZE_MAX, 8));
    assert_null(moirai_arena_get(NULL, 8, 8));
    moirai_arena_free(a);
    moirai_arena_free(NULL);
}

static void *uses_its_own(void *other)
{
    moirai_arena_t *a = moirai_arena_local();
    assert_non_null(a);
    assert_ptr_not_equal(a, other);
    assert_ptr_equal(moirai_arena_local(), a);
    assert_int_equal(moirai_arena_bytes(a), 0);
    fill(a, 3, 50);
    moirai_arena_free(a); /* nothing happens */
    assert_ptr_equal(moirai_arena_local(), a);
    assert_true(moirai_arena_bytes(a) > 0);
    return NULL;
}

static void test_own_arena(void **unused)
{
    moirai_arena_t *own = moirai_arena_local();
    for (int i = 0; i < 3; i++)
        pthread_join(start(uses_its_own, own), NULL);
}

/* ---- Pages. */
static void test_pages(void **unused)
{
    void *p;
    size_t bytes = 1000001;
    for (int node = -1; node <= 0; node++) {
        assert_int_equal(moirai_pages_new(&p, bytes, node), MOIRAI_OK);
        ((char *)p)[bytes - 1] = 9;
        assert_int_equal(moirai_first_touch(NULL, p, bytes), MOIRAI_OK);
        assert_int_equal(((char *)p)[bytes - 1], 9);
        assert_int_equal(((char *)p)[0], 0);
        moirai_pages_free(p, bytes);
    }
    assert_int_equal(moirai_pages_new(&p, bytes, 1023), MOIRAI_EINVAL);
    assert_int_equal(moirai_pages_new(&p, bytes, 1024), MOIRAI_EINVAL);
    assert_int_equal(moirai_pages_new(&p, bytes, -2), MOIRAI_EINVAL);
    assert_int_equal(moirai_pages_new(&p, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_pages_new(NULL, 8, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_pages_new(&p, SIZE_MAX / 2, -1), MOIRAI_ENOMEM);
    assert_int_equal(moirai_first_touch(NULL, NULL, 8), MOIRAI_EINVAL);
    assert_int_equal(moirai_first_touch(NULL, NULL, 0), MOIRAI_OK);
    moirai_pages_free(NULL, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_threads), cmocka_unit_test(test_pool_limit), cmocka_unit_test(test_pool_misuse),
        cmocka_unit_test(test_arena),        cmocka_unit_test(test_own_arena),  cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
