/* Who moves to another CPU, and where to: decisions for members whose histories and places are made up. The machine is,
   too: where the thread is, what it may use, and whether strangers disturb it is said here, and moves are only
   noted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "team.h"

#define MEMBERS 4
#define CPUS    8
#define NOWHERE MO_PLAT_CPUS_MAX

static unsigned here, moved_to;
static bool disturbed;

/* In place of the core's own: tests/CMakeLists.txt. */
unsigned __wrap_mo_plat_cpu(void);
void __wrap_mo_plat_move_to(unsigned cpu);
void __wrap_mo_plat_move(unsigned cpu, const struct mo_cpu_mask *mask);
unsigned __wrap_mo_plat_least_counted_cpu(struct mo_cpu_mask *mask, const unsigned *count);
bool __wrap_mo_park_disturbed(void);

unsigned __wrap_mo_plat_cpu(void)
{
    return here;
}

void __wrap_mo_plat_move_to(unsigned cpu)
{
    moved_to = cpu;
}

void __wrap_mo_plat_move(unsigned cpu, const struct mo_cpu_mask *mask)
{
    moved_to = cpu;
}

unsigned __wrap_mo_plat_least_counted_cpu(struct mo_cpu_mask *mask, const unsigned *count)
{
    unsigned best = 0;
    for (unsigned cpu = 1; cpu < CPUS; cpu++)
        if (count[cpu] < count[best])
            best = cpu;
    return best;
}

bool __wrap_mo_park_disturbed(void)
{
    return disturbed;
}

/* ---- Together: member 2 was woken for a brief region, by member 0 on CPU 5, beside strangers; it is on CPU 1. */
static struct mo_member *new_gatherer(void)
{
    static const unsigned cpus[MEMBERS] = {5, 3, 1, 4};
    struct mo_member *m = mo_team_member(new_team(cpus, MEMBERS), 2);
    mo_park_set_cpus(CPUS);
    m->worker->was_brief = true;
    m->memory[true].misses = UINT8_MAX; /* waits between regions are long */
    disturbed = true;
    here = 1;
    moved_to = NOWHERE;
    return m;
}

static void the_waker_is_followed(void **state)
{
    struct mo_member *m = new_gatherer();
    assert_true(mo_gather(m));
    assert_int_equal(moved_to, 5);
}

static void who_is_there_stays(void **state)
{
    struct mo_member *m = new_gatherer();
    here = 5;
    assert_true(mo_gather(m));
    assert_int_equal(moved_to, NOWHERE);
}

static void expect_left(const struct mo_member *m)
{
    assert_false(mo_gather(m));
    assert_int_equal(moved_to, NOWHERE);
}

/* Each of these is enough against it. */
static void nobody_follows_without_need(void **state)
{
    struct mo_member *m = new_gatherer();
    m->worker->was_brief = false;
    expect_left(m);

    m = new_gatherer();
    disturbed = false;
    expect_left(m);

    m = new_gatherer();
    m->memory[true].misses = 0; /* it waits awake, where it is */
    m->memory[false].misses = UINT8_MAX;
    expect_left(m);
}

static void who_may_not_be_moved_is_not(void **state)
{
    struct mo_member *m = new_gatherer();
    m->worker->place = 1;
    expect_left(m);

    m = new_gatherer();
    m->worker->pooled = false; /* a thread of the program */
    expect_left(m);

    m = new_gatherer();
    mo_park_set_cpus(MEMBERS - 1); /* the team is on all of them in any case */
    expect_left(m);

    m = new_gatherer();
    here = MO_PLAT_CPUS_MAX;
    expect_left(m);
}

/* ---- What was brief: noted when the thread is about to sleep after the region that it was woken for. */
static void woken_since(struct mo_member *m, uint64_t us)
{
    m->joining = true;
    m->gen_seen = mo_load_relaxed(&m->team->gen); /* so it does not look at the quota */
    m->worker->woken_at = mo_plat_ticks() - us * mo_plat_ticks_per_us();
    mo_idle_between_regions(m);
}

static void brief_regions_are_noted(void **state)
{
    struct mo_member *m = new_gatherer();
    woken_since(m, 10 * MO_BRIEF_US);
    assert_false(m->worker->was_brief);
    assert_int_equal(m->worker->woken_at, 0);
    do /* a thread that is interrupted for long comes late */
        woken_since(m, 0);
    while (!m->worker->was_brief);
    mo_idle_between_regions(m); /* once more, after a wake-up for nothing: it counts for no region */
    assert_true(m->worker->was_brief);
    m->joining = false; /* a barrier inside of a region ends none */
    m->worker->woken_at = 1;
    mo_idle_between_regions(m);
    assert_true(m->worker->was_brief);
    assert_int_equal(m->worker->woken_at, 1);
}

/* ---- Apart. */
static struct mo_member *new_spreader(const unsigned *cpus)
{
    struct mo_member *m = mo_team_member(new_team(cpus, MEMBERS), 2);
    mo_park_set_cpus(CPUS);
    disturbed = false;
    here = cpus[2];
    moved_to = NOWHERE;
    return m;
}

static void a_crowded_cpu_is_left(void **state)
{
    struct mo_member *m = new_spreader((unsigned[]){1, 0, 1, 3});
    mo_spread(m);
    assert_int_equal(moved_to, 2);
    assert_int_equal(m->cpu, 2); /* so that the next one does not come, too */
    assert_int_equal(mo_load_relaxed(&m->team->spreading), 0);
}

static void expect_stays(struct mo_member *m)
{
    mo_spread(m);
    assert_int_equal(moved_to, NOWHERE);
}

static void nobody_spreads_without_need(void **state)
{
    static const unsigned crowded[MEMBERS] = {1, 0, 1, 3};
    expect_stays(new_spreader((unsigned[]){0, 1, 2, 3}));

    struct mo_member *m = new_spreader(crowded);
    disturbed = true;
    expect_stays(m);

    m = new_spreader(crowded);
    m->worker->place = 1;
    expect_stays(m);

    m = new_spreader(crowded);
    m->team->spreading = 1; /* another one is about to move */
    expect_stays(m);
    assert_int_equal(m->team->spreading, 1);
}

/* A look has been 3 ms ago: long for a few, short for many. */
static void members_of_large_teams_look_seldom(void **state)
{
    static unsigned cpus[64];
    struct mo_member *m = new_spreader((unsigned[]){1, 0, 1, 3});
    m->worker->moved_at = mo_plat_ticks() - 3000 * mo_plat_ticks_per_us();
    mo_spread(m);
    assert_int_equal(moved_to, 2);

    m = mo_team_member(new_team(cpus, 64), 2);
    mo_park_set_cpus(64);
    here = 0;
    do { /* a thread that is interrupted for long comes late */
        moved_to = NOWHERE;
        m->worker->moved_at = mo_plat_ticks() - 3000 * mo_plat_ticks_per_us();
        mo_spread(m);
    } while (moved_to != NOWHERE);
    m->worker->moved_at = 0;
    mo_spread(m);
    assert_int_equal(moved_to, 1);
}

static void where_it_is_seen_is_told(void **state)
{
    struct mo_member *m = new_spreader((unsigned[]){0, 1, 2, 3});
    here = 6;
    mo_spread(m);
    assert_int_equal(m->cpu, 6);
}

int main(void)
{
    unsetenv("OMP_WAIT_POLICY"); /* these would say how long a wait is awake */
    unsetenv("GOMP_SPINCOUNT");
    unsetenv("KMP_BLOCKTIME");
    unsetenv("KMP_LIBRARY");
    mo_self();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_waker_is_followed),       cmocka_unit_test(who_is_there_stays),
        cmocka_unit_test(nobody_follows_without_need), cmocka_unit_test(who_may_not_be_moved_is_not),
        cmocka_unit_test(brief_regions_are_noted),     cmocka_unit_test(a_crowded_cpu_is_left),
        cmocka_unit_test(nobody_spreads_without_need), cmocka_unit_test(members_of_large_teams_look_seldom),
        cmocka_unit_test(where_it_is_seen_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
