/* Distributions of teams over places, of any size: a machine of 128 places among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "omp/affinity.h"

static struct mo_plan plan(enum mo_bind policy, unsigned threads, unsigned primary, unsigned first, unsigned count)
{
    return (struct mo_plan){.primary = {(uint16_t)(primary + 1), (uint16_t)first, (uint16_t)count},
                            .policy = (uint16_t)policy,
                            .threads = threads};
}

static void expect(struct mo_plan p, unsigned tid, unsigned place, unsigned first, unsigned count)
{
    struct mo_spot spot = mo_affinity_assign(&p, tid);
    assert_int_equal(spot.place - 1, place);
    assert_int_equal(spot.first, first);
    assert_int_equal(spot.count, count);
}

static void primary_keeps_everybody_together(void **state)
{
    for (unsigned tid = 0; tid < 300; tid++)
        expect(plan(MO_BIND_PRIMARY, 300, 77, 64, 32), tid, 77, 64, 32);
}

static void close_goes_round_the_partition(void **state)
{
    expect(plan(MO_BIND_CLOSE, 128, 100, 0, 128), 0, 100, 0, 128);
    expect(plan(MO_BIND_CLOSE, 128, 100, 0, 128), 27, 127, 0, 128);
    expect(plan(MO_BIND_CLOSE, 128, 100, 0, 128), 28, 0, 0, 128);
    expect(plan(MO_BIND_TRUE, 16, 90, 64, 32), 5, 95, 64, 32);
    expect(plan(MO_BIND_TRUE, 16, 90, 64, 32), 6, 64, 64, 32);
}

/* Eleven threads on four places, from the third one on: 3, 3, 3, 2. */
static void neighbours_share_what_is_too_little(void **state)
{
    static const unsigned place[11] = {6, 6, 6, 7, 7, 7, 4, 4, 4, 5, 5};
    for (unsigned tid = 0; tid < 11; tid++) {
        expect(plan(MO_BIND_CLOSE, 11, 6, 4, 4), tid, place[tid], 4, 4);
        expect(plan(MO_BIND_SPREAD, 11, 6, 4, 4), tid, place[tid], place[tid], 1);
    }
}

static void spread_divides_the_partition(void **state)
{
    for (unsigned tid = 0; tid < 8; tid++)
        expect(plan(MO_BIND_SPREAD, 8, 0, 0, 128), tid, 16 * tid, 16 * tid, 16);
    /* 10 places for 3 threads: 4, 3, 3. The primary thread stays in the middle of its own part. */
    expect(plan(MO_BIND_SPREAD, 3, 25, 20, 10), 0, 25, 24, 3);
    expect(plan(MO_BIND_SPREAD, 3, 25, 20, 10), 1, 27, 27, 3);
    expect(plan(MO_BIND_SPREAD, 3, 25, 20, 10), 2, 20, 20, 4);
    expect(plan(MO_BIND_SPREAD, 1, 25, 20, 10), 0, 25, 20, 10);
}

/* What OpenMP promises, for everything small. */
static void check_counts(struct mo_plan p)
{
    unsigned on[16] = {0}, count = p.primary.count, least = p.threads / count;
    for (unsigned tid = 0; tid < p.threads; tid++) {
        struct mo_spot s = mo_affinity_assign(&p, tid);
        unsigned place = s.place - 1u - p.primary.first;
        assert_true(place < count);
        on[place]++;
        assert_true(s.first >= p.primary.first && s.count >= 1);
        assert_true(s.first + s.count <= p.primary.first + count);
        assert_true(s.first <= s.place - 1u && s.place - 1u < s.first + s.count);
    }
    for (unsigned place = 0; place < count; place++)
        assert_true(on[place] >= least && on[place] <= least + (p.threads % count != 0));
}

static void no_place_has_more_than_its_share(void **state)
{
    for (unsigned count = 1; count <= 12; count++)
        for (unsigned primary = 0; primary < count; primary++)
            for (unsigned threads = 1; threads <= 30; threads++) {
                check_counts(plan(MO_BIND_CLOSE, threads, 3 + primary, 3, count));
                check_counts(plan(MO_BIND_SPREAD, threads, 3 + primary, 3, count));
            }
}

/* The parts of a spread team cover the partition, and no two overlap. */
static void parts_are_disjoint(void **state)
{
    for (unsigned count = 1; count <= 16; count++)
        for (unsigned threads = 1; threads <= count; threads++)
            for (unsigned primary = 0; primary < count; primary++) {
                struct mo_plan p = plan(MO_BIND_SPREAD, threads, primary, 0, count);
                unsigned covered = 0;
                for (unsigned tid = 0; tid < threads; tid++) {
                    struct mo_spot s = mo_affinity_assign(&p, tid);
                    unsigned bits = ((1u << s.count) - 1) << s.first;
                    assert_int_equal(covered & bits, 0);
                    covered |= bits;
                }
                assert_int_equal(covered, (1u << count) - 1);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(primary_keeps_everybody_together),    cmocka_unit_test(close_goes_round_the_partition),
        cmocka_unit_test(neighbours_share_what_is_too_little), cmocka_unit_test(spread_divides_the_partition),
        cmocka_unit_test(no_place_has_more_than_its_share),    cmocka_unit_test(parts_are_disjoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
