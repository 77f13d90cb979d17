/* Loops, tiles, calls, reductions, scans and sorts: each item once, in the order that is promised, with 1 to 3 workers,
   called by a thread that is no worker and inside of a task. */
#include "native.h"

#include <stdlib.h>

#define MOST 100003

static moirai_executor_t *x;
static unsigned char hits[MOST];

static void hit(void *context, size_t from, size_t to)
{
    assert_true(from < to);
    for (size_t i = from; i < to; i++)
        ADD(&hits[i - *(size_t *)context], 1);
}

static const size_t sizes[] = {0, 1, 2, 3, 63, 64, 1000, 4097, MOST};
#define SIZES (sizeof sizes / sizeof *sizes)

static void loops(void)
{
    static const size_t grains[] = {0, 1, 7, 1000000};
    for (size_t s = 0; s < SIZES; s++)
        for (size_t g = 0; g < 4; g++) {
            size_t first = s * 1000;
            memset(hits, 0, sizeof hits);
            assert_int_equal(moirai_for(x, first, first + sizes[s], grains[g], hit, &first), MOIRAI_OK);
            for (size_t i = 0; i < MOST; i++)
                assert_int_equal(hits[i], i < sizes[s]);
        }
}

static void hit_tile(void *context, const moirai_tile_t *t)
{
    size_t columns = *(size_t *)context;
    for (size_t r = t->row_from; r < t->row_to; r++)
        for (size_t c = t->column_from; c < t->column_to; c++)
            ADD(&hits[r * columns + c], 1);
}

static void tiles(void)
{
    static const size_t shape[][4] = {
        {1, 1, 0, 0}, {100, 200, 0, 0}, {100, 200, 7, 9}, {1, 5000, 3, 64}, {300, 0, 1, 1}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        size_t columns = shape[i][1];
        memset(hits, 0, sizeof hits);
        assert_int_equal(moirai_for_tiles(x, shape[i][0], columns, shape[i][2], shape[i][3], hit_tile, &columns),
                         MOIRAI_OK);
        for (size_t k = 0; k < MOST; k++)
            assert_int_equal(hits[k], k < shape[i][0] * columns);
    }
}

static void add_one(void *arg)
{
    ADD((long *)arg, 1);
}

static void calls(void)
{
    moirai_call_t call[50];
    long n[50] = {0};
    for (int i = 0; i < 50; i++)
        call[i] = (moirai_call_t){add_one, &n[i]};
    assert_int_equal(moirai_invoke(x, call, 50), MOIRAI_OK);
    for (int i = 0; i < 50; i++)
        assert_int_equal(n[i], 1);
    assert_int_equal(moirai_invoke(x, NULL, 0), MOIRAI_OK);
}

/* v -> a * v + b: one after the other is associative, and the order matters. */
struct map {
    uint64_t a, b;
};

static struct map map_of(size_t i)
{
    return (struct map){2 * i + 3, i * i + 1};
}

static void then_map(void *context, void *value, const void *next)
{
    struct map *v = value;
    const struct map *w = next;
    *v = (struct map){w->a * v->a, w->a * v->b + w->b};
}

static void fold_maps(void *context, void *value, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct map m = map_of(i);
        then_map(context, value, &m);
    }
}

static void fold_inverses(void *context, void *value, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        *(double *)value += 1.0 / (double)(i + 1);
}

static void add_doubles(void *context, void *value, const void *next)
{
    *(double *)value += *(const double *)next;
}

static double harmonic; /* what the first executor got */

static void reductions(void)
{
    for (int deterministic = 0; deterministic < 2; deterministic++)
        for (size_t s = 0; s < SIZES; s++) {
            const moirai_reduction_t r = {fold_maps, then_map, sizeof(struct map), deterministic};
            struct map got = {1, 0}, wanted = {1, 0};
            fold_maps(NULL, &wanted, 5, 5 + sizes[s]);
            assert_int_equal(moirai_reduce(x, 5, 5 + sizes[s], s % 3 * 5, &r, &got, NULL), MOIRAI_OK);
            assert_true(got.a == wanted.a && got.b == wanted.b);
        }
    const moirai_reduction_t r = {fold_inverses, add_doubles, sizeof(double), 1};
    double sum = 0;
    assert_int_equal(moirai_reduce(x, 0, MOST, 0, &r, &sum, NULL), MOIRAI_OK);
    if (!harmonic)
        harmonic = sum;
    assert_memory_equal(&sum, &harmonic, sizeof sum);
}

static struct map in[MOST], out[MOST];

static void scans(void)
{
    const struct map neutral = {1, 0};
    for (int how = 0; how < 4; how++) /* inclusive, in place */
        for (size_t s = 0; s < SIZES; s++) {
            struct map sum = neutral;
            for (size_t i = 0; i < sizes[s]; i++)
                in[i] = map_of(i);
            struct map *to = how & 2 ? in : out;
            assert_int_equal(moirai_scan(x, in, to, sizes[s], sizeof *in, then_map, &neutral, how & 1, NULL),
                             MOIRAI_OK);
            for (size_t i = 0; i < sizes[s]; i++) {
                struct map before = sum, m = map_of(i);
                then_map(NULL, &sum, &m);
                assert_memory_equal(&to[i], how & 1 ? &sum : &before, sizeof sum);
            }
        }
}

struct item {
    uint32_t key, place, more;
};

static int compare(const void *a, const void *b)
{
    uint32_t x = ((const struct item *)a)->key, y = ((const struct item *)b)->key;
    return (x > y) - (x < y);
}

static void sorts(void)
{
    static struct item items[MOST];
    for (uint32_t keys = 3; keys < 1000000; keys *= 50)
        for (size_t s = 0; s < SIZES; s++)
            for (int stable = 0; stable < 2; stable++) {
                uint32_t seed = keys + (uint32_t)s;
                for (uint32_t i = 0; i < sizes[s]; i++) {
                    seed = seed * 1664525u + 1013904223u;
                    items[i] = (struct item){(seed >> 8) % keys, i, ~i};
                }
                memset(hits, 0, sizeof hits);
                assert_int_equal(moirai_sort(x, items, sizes[s], sizeof *items, compare, stable), MOIRAI_OK);
                for (size_t i = 0; i < sizes[s]; i++) {
                    hits[items[i].place]++;
                    assert_true(items[i].more == ~items[i].place);
                    assert_true(i == 0 || items[i - 1].key < items[i].key ||
                                (items[i - 1].key == items[i].key && (!stable || items[i - 1].place < items[i].place)));
                }
                for (size_t i = 0; i < sizes[s]; i++)
                    assert_int_equal(hits[i], 1);
            }
}

static void everything(void *data)
{
    loops();
    tiles();
    calls();
    reductions();
    scans();
    sorts();
}

static void test_everything(void **unused)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        moirai_executor_attr_t attr;
        moirai_executor_attr_init(&attr);
        assert_int_equal(moirai_executor_attr_set_workers(&attr, workers), MOIRAI_OK);
        assert_int_equal(moirai_executor_new(&x, &attr), MOIRAI_OK);
        everything(NULL);
        assert_int_equal(moirai_run(x, everything, NULL, 0), MOIRAI_OK);
        assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
        size_t first = 0;
        assert_int_equal(moirai_for(x, 0, 10, 0, hit, &first), MOIRAI_ESHUTDOWN);
        assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
    }
    x = NULL;
    loops();
}

static void fails_at_77(void *context, size_t from, size_t to)
{
    if (from <= 77 && 77 < to)
        moirai_task_fail(77, "that one");
}

static void fold_failing(void *context, void *value, size_t from, size_t to)
{
    fails_at_77(context, from, to);
    *(double *)value += 1;
}

static void test_failures(void **unused)
{
    const moirai_reduction_t r = {fold_failing, add_doubles, sizeof(double), 1};
    const moirai_reduction_t large = {fold_failing, add_doubles, MOIRAI_REDUCE_BYTES_MAX + 1, 1}, none = {0};
    const moirai_call_t no_function = {NULL, NULL};
    double value = 3;
    int item[2] = {2, 1};
    assert_int_equal(moirai_for(NULL, 0, 1000, 1, fails_at_77, NULL), MOIRAI_EFAILED);
    assert_int_equal(moirai_reduce(NULL, 0, 1000, 1, &r, &value, NULL), MOIRAI_EFAILED);
    assert_true(value == 3);
    assert_int_equal(moirai_for(NULL, 0, 1, 1, NULL, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_for_tiles(NULL, 1, 1, 1, 1, NULL, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_for_tiles(NULL, SIZE_MAX, SIZE_MAX, 1, 1, hit_tile, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_invoke(NULL, NULL, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_invoke(NULL, &no_function, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_reduce(NULL, 0, 1, 1, NULL, &value, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_reduce(NULL, 0, 1, 1, &none, &value, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_reduce(NULL, 0, 1, 1, &large, &value, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_sort(NULL, item, 2, 0, compare, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_sort(NULL, NULL, 2, 4, compare, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_sort(NULL, item, SIZE_MAX / 2, 4, compare, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_sort(NULL, item, 2, 4, NULL, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_scan(NULL, item, item, 2, 0, add_doubles, item, 1, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_scan(NULL, item, NULL, 2, 4, add_doubles, item, 1, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_scan(NULL, item, item, 2, 4, add_doubles, NULL, 1, NULL), MOIRAI_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
