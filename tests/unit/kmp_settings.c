/* KMP_AFFINITY and KMP_HW_SUBSET: their grammar, and what they mean on machines that are thought of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/kmp.h"
#include "topo/places.h"
#include "topo/topo.h"

/* Two sockets, two cores each, two threads each; CPUs as many BIOSes number them: the second threads come last. */
#define CPUS 8
static struct mo_site site[CPUS];
static const struct mo_sites machine = {.cpu_limit = CPUS, .site = site};
static const unsigned long all[] = {(1ul << CPUS) - 1};

static void build(void)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        site[cpu] =
            (struct mo_site){.package = cpu / 2 % 2, .node = cpu / 2 % 2, .cache = cpu / 2 % 2, .core = cpu % 4};
}

/* "0 4 {1,5}": places in their order, sets in braces. */
static const char *describe(const struct mo_places *p)
{
    static char text[400];
    size_t used = 0;
    for (unsigned i = 0; i < p->count; i++) {
        unsigned long mask = *mo_place_mask(p, i);
        bool several = mask & (mask - 1);
        used += (size_t)sprintf(text + used, "%s%s", i > 0 ? " " : "", several ? "{" : "");
        for (unsigned cpu = 0, first = 1; cpu < CPUS; cpu++)
            if (mask >> cpu & 1)
                used += (size_t)sprintf(text + used, "%s%u", first-- == 1 ? "" : ",", cpu);
        used += (size_t)sprintf(text + used, "%s", several ? "}" : "");
    }
    text[used] = '\0';
    return text;
}

static void expect_places(const char *setting, const char *expected)
{
    struct mo_kmp_affinity a;
    struct mo_places places;
    struct mo_places_loss loss;
    assert_true(mo_kmp_affinity_read(setting, &a));
    assert_true(mo_places_from_kmp(&a, &machine, all, 1, &places, &loss));
    assert_string_equal(describe(&places), expected);
    free(places.mask);
}

static void orders(void **state)
{
    (void)state;
    build();
    expect_places("granularity=fine,compact", "0 4 1 5 2 6 3 7");
    expect_places("granularity=fine,compact,1,0", "0 1 2 3 4 5 6 7");
    expect_places("granularity=thread,compact,2", "0 2 1 3 4 6 5 7");
    expect_places("granularity=fine,scatter", "0 2 1 3 4 6 5 7");
    expect_places("granularity=fine,scatter,1", "0 1 2 3 4 5 6 7");
    expect_places("granularity=fine,scatter,9", "0 4 1 5 2 6 3 7");
    expect_places("granularity=fine,compact,0,3", "5 2 6 3 7 0 4 1");
    expect_places("granularity=fine,logical,3", "5 2 6 3 7 0 4 1");
    expect_places("granularity=fine,physical", "0 1 2 3 4 5 6 7");
    expect_places("granularity=core,compact", "{0,4} {0,4} {1,5} {1,5} {2,6} {2,6} {3,7} {3,7}");
    expect_places("scatter", "{0,4} {2,6} {1,5} {3,7} {0,4} {2,6} {1,5} {3,7}");
    expect_places("granularity=socket,scatter,noverbose",
                  "{0,1,4,5} {2,3,6,7} {0,1,4,5} {2,3,6,7} {0,1,4,5} {2,3,6,7} {0,1,4,5} {2,3,6,7}");
    expect_places("balanced", "{0,4} {1,5} {2,6} {3,7}");
    expect_places("granularity=fine,balanced", "0 1 2 3");
    expect_places("explicit,proclist=[3,{0,1},4-6:2]", "3 {0,1} 4 6");
    expect_places("verbose,proclist=[7,99,{98},5]", "7 5");
}

static void without_sites(void **state)
{
    struct mo_kmp_affinity a;
    struct mo_places places;
    struct mo_places_loss loss;
    (void)state;
    assert_true(mo_kmp_affinity_read("explicit,proclist=[99,1,{97,98}]", &a));
    assert_true(mo_places_from_kmp(&a, NULL, all, 1, &places, &loss));
    assert_string_equal(describe(&places), "1");
    assert_int_equal(loss.cpus, 3);
    assert_int_equal(loss.places, 2);
    free(places.mask);
    assert_true(mo_kmp_affinity_read("scatter", &a));
    assert_true(mo_places_from_kmp(&a, NULL, all, 1, &places, &loss));
    assert_string_equal(describe(&places), "0 1 2 3 4 5 6 7");
    free(places.mask);
}

static void grammar(void **state)
{
    static const char *const good[] = {"none",
                                       "disabled",
                                       " Compact ",
                                       "verbose,none",
                                       "granularity=fine,compact,1,0",
                                       "compact,granularity=core",
                                       "norespect,scatter",
                                       "nowarnings,balanced",
                                       "proclist=[1],explicit",
                                       "explicit,proclist=\"[1,2]\"",
                                       "verbose",
                                       "explicit,proclist=[1-3]",
                                       "reset,compact"};
    static const char *const bad[] = {"",
                                      "compact,",
                                      "compacted",
                                      "granularity=compact",
                                      "granularity,compact",
                                      "compact,1,2,3",
                                      "1,compact",
                                      "explicit",
                                      "compact,proclist=[1]",
                                      "explicit,proclist=[]",
                                      "explicit,proclist=[1",
                                      "explicit,proclist=[2-1]",
                                      "explicit,proclist=[1-3:0]",
                                      "explicit,proclist=[{}]",
                                      "compact scatter",
                                      "compact,-1",
                                      "explicit,proclist=[16384]"};
    struct mo_kmp_affinity a;
    (void)state;
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
        if (!mo_kmp_affinity_read(good[i], &a))
            fail_msg("refused: %s", good[i]);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mo_kmp_affinity_read(bad[i], &a))
            fail_msg("accepted: %s", bad[i]);
    assert_true(mo_kmp_affinity_read("verbose,nowarnings,norespect,granularity=node,scatter,1,2", &a));
    assert_true(a.verbose && a.no_warnings && a.no_respect);
    assert_int_equal(a.grain, MO_KMP_NODE);
    assert_int_equal(a.permute, 1);
    assert_int_equal(a.offset, 2);
}

static void expect_subset(const char *setting, unsigned long expected)
{
    struct mo_kmp_subset s;
    unsigned long mask = *all;
    assert_true(mo_kmp_subset_read(setting, &s));
    unsigned left = mo_subset_apply(&s, &machine, &mask, 1);
    assert_int_equal(left, expected == 0 ? 0 : __builtin_popcountl(expected));
    assert_int_equal(mask, expected == 0 ? *all : expected);
}

static void subsets(void **state)
{
    static const char *const bad[] = {"", "2", "s", "2x", "0c", "1s,", "1s@", "1s;1c", "-1c"};
    struct mo_kmp_subset s;
    (void)state;
    build();
    expect_subset("1s", 0x33);
    expect_subset("1s@1", 0xcc);
    expect_subset("1T", 0x0f);
    expect_subset("1t@1", 0xf0);
    expect_subset("2s,1c,1t", 0x05);
    expect_subset("*s, 1core@1, 1thread", 0x0a);
    expect_subset(":1c", 0x55);
    expect_subset("9s,9c,9t", 0xff);
    expect_subset("1s@2", 0);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mo_kmp_subset_read(bad[i], &s))
            fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(orders), cmocka_unit_test(without_sites),
                                       cmocka_unit_test(grammar), cmocka_unit_test(subsets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
