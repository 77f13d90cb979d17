/* Whom a member robs first, seen through mo_steal(): every other member holds one item, and the items come out in the
   order in which the thief asks. The machine is synthetic: 4 nodes of 2 L3 caches of 4 cores of 2 CPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "team.h"
#include "topo/topo.h"

#define MEMBERS 8

static struct mo_task items[MEMBERS]; /* member i holds items[i] */

/* A thief that finds little pauses for some of its looks. */
static struct mo_task *steal_in_the_end(struct mo_member *m)
{
    struct mo_task *task = NULL;
    for (int looks = 0; !task && looks < 10000; looks++)
        task = mo_steal(m, NULL);
    return task;
}

/* Those on other nodes come after the `near` first, in any order. */
static void expect_order_of(struct mo_team *team, unsigned thief, const unsigned *expected, unsigned near)
{
    struct mo_member *m = mo_team_member(team, thief);
    unsigned far = 0;
    for (unsigned i = 0; i < m->size; i++)
        if (i != thief) {
            struct mo_deque *d = &mo_team_member(team, i)->deque;
            assert_true(mo_deque_room_owner(d));
            mo_deque_push_owner(d, &items[i]);
        }
    m->last_victim = 0;
    for (unsigned i = 0; i + 1 < m->size; i++) {
        struct mo_task *task = steal_in_the_end(m);
        assert_non_null(task);
        if (i < near)
            assert_ptr_equal(task, &items[expected[i]]);
        else
            far |= 1u << (task - items);
    }
    for (unsigned i = near; i + 1 < m->size; i++)
        far &= ~(1u << expected[i]);
    assert_int_equal(far, 0);
    assert_null(steal_in_the_end(m));
}

static void expect_order(struct mo_team *team, unsigned thief, const unsigned *expected)
{
    expect_order_of(team, thief, expected, mo_team_member(team, thief)->size - 1);
}

static const unsigned spread_out[MEMBERS] = {0, 16, 1, 8, 2, 48, 17, 3};

static void without_topology_they_go_round(void **state)
{
    MO_SHARED(sched).nodes = 1;
    struct mo_team *team = new_team(spread_out, MEMBERS);
    mo_victims_arrange_locked(team);
    for (unsigned i = 0; i < MEMBERS; i++)
        assert_null(mo_team_member(team, i)->victims);
    expect_order(team, 0, (unsigned[]){1, 2, 3, 4, 5, 6, 7});
    expect_order(team, 5, (unsigned[]){6, 7, 0, 1, 2, 3, 4});
}

/* Without distances, the kernel's node numbers put the own node first. */
static void nodes_alone_tell_near_from_far(void **state)
{
    static const unsigned node[MEMBERS] = {0, 1, 0, 1, 0, 1, 0, 1};
    MO_SHARED(sched).nodes = 2;
    struct mo_team *team = new_team(spread_out, MEMBERS);
    for (unsigned i = 0; i < MEMBERS; i++)
        mo_team_member(team, i)->worker->node = node[i];
    mo_victims_arrange_locked(team);
    expect_order_of(team, 0, (unsigned[]){2, 4, 6, 1, 3, 5, 7}, 3);
    expect_order_of(team, 3, (unsigned[]){5, 7, 1, 4, 6, 0, 2}, 3);
    MO_SHARED(sched).nodes = 1;
}

static void topology_puts_them_near_to_far(void **state)
{
    assert_true(mo_topo_load());
    struct mo_team *team = new_team(spread_out, MEMBERS);
    mo_victims_arrange_locked(team);
    /* CPU 0: core of 1; caches of 2 and 3; node of 8; then the others. */
    expect_order_of(team, 0, (unsigned[]){2, 4, 7, 3, 1, 5, 6}, 4);
    /* CPU 16: core of 17. */
    struct mo_member *m = mo_team_member(team, 1);
    assert_int_equal(m->victims[0], 6);
    assert_int_equal(m->victims_team, MEMBERS);
}

/* A look goes to a few other nodes' members only; the last one before a sleep finds what anybody has. */
static void the_last_look_leaves_nobody_out(void **state)
{
    struct mo_team *team = new_team(spread_out, MEMBERS);
    mo_victims_arrange_locked(team);
    struct mo_member *m = mo_team_member(team, 0);
    unsigned missed = 0;
    for (unsigned i = 0; i < 64; i++) {
        struct mo_deque *d = &mo_team_member(team, 5)->deque; /* on CPU 48 */
        assert_true(mo_deque_room_owner(d));
        mo_deque_push_owner(d, &items[5]);
        m->steal_pause = 0;
        m->stole_at = 0;
        if (!mo_steal(m, NULL)) {
            missed++;
            m->sleeping = MO_ASLEEP_COUNTED;
            m->steal_pause = 0; /* as mo_idle_asleep() leaves it */
            assert_ptr_equal(mo_steal(m, NULL), &items[5]);
            m->sleeping = MO_AWAKE;
        }
    }
    assert_in_range(missed, 1, 63);
}

/* ---- How many of the other nodes' members one look asks. Four are on the thief's node, sixteen elsewhere. */
#define NEAR 3
#define FAR  16

static struct mo_team *new_team_of_many(void)
{
    unsigned cpu[NEAR + 1 + FAR];
    for (unsigned i = 0; i < NEAR + 1 + FAR; i++)
        cpu[i] = i <= NEAR ? i : 12 + i;
    struct mo_team *team = new_team(cpu, NEAR + 1 + FAR);
    mo_victims_arrange_locked(team);
    assert_int_equal(mo_team_member(team, 0)->victims_near, NEAR);
    return team;
}

/* Of how many the same look would have found something. */
static unsigned asked_far(struct mo_team *team, uint32_t random)
{
    struct mo_member *m = mo_team_member(team, 0);
    unsigned asked = 0;
    for (unsigned i = NEAR + 1; i < m->size; i++) {
        struct mo_deque *d = &mo_team_member(team, i)->deque;
        assert_true(mo_deque_room_owner(d));
        mo_deque_push_owner(d, &items[0]);
        m->steal_pause = 0;
        m->stole_at = 0;
        m->far_random = random;
        asked += mo_steal(m, NULL) != NULL;
        mo_deque_clear(d);
    }
    return asked;
}

static void others_that_look_are_as_good(void **state)
{
    struct mo_team *team = new_team_of_many();
    team->idle = MO_IDLE_SEARCHING;
    assert_int_equal(asked_far(team, 0), 2);
    team->idle = 7 * MO_IDLE_SEARCHING;
    assert_int_equal(asked_far(team, 0), 2);
}

/* Creators count on those who look; together these then ask everybody. */
static void where_others_sleep_a_look_goes_farther(void **state)
{
    struct mo_team *team = new_team_of_many();
    static const unsigned asked[][2] = {{0, FAR}, {1, FAR}, {2, 2 + 8}, {4, 2 + 4}, {16, 2 + 1}, {19, 2}};
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++) {
        team->idle = MO_IDLE_SLEEPING + asked[i][0] * MO_IDLE_SEARCHING;
        assert_int_equal(asked_far(team, 0), asked[i][1]);
    }
}

/* As the word that says so is one that each of them writes. */
static void who_looks_seldom_finds_out_about_sleepers(void **state)
{
    struct mo_team *team = new_team_of_many();
    struct mo_member *m = mo_team_member(team, 0);
    unsigned wide = 0;
    team->idle = MO_IDLE_SLEEPING + MO_IDLE_SEARCHING;
    for (uint32_t upper = 0; upper < 16; upper++)
        wide += asked_far(team, upper << 28) == FAR;
    assert_int_equal(wide, 1);
    wide = 0;
    m->far_random = m->tid;
    for (unsigned look = 0; look < 1024; look++) { /* and its turn comes: the numbers go round */
        wide += m->far_random >> 28 == 0;
        m->steal_pause = 0;
        assert_null(mo_steal(m, NULL));
    }
    assert_in_range(wide, 32, 128);
    m->sleeping = MO_ASLEEP_COUNTED;
    assert_int_equal(asked_far(team, UINT32_MAX), FAR);
    m->sleeping = MO_AWAKE;
}

/* Distances never shrink along anybody's order, and nobody is left out or asked twice. */
static void every_order_is_complete(void **state)
{
    struct mo_team *team = new_team(spread_out, MEMBERS);
    mo_victims_arrange_locked(team);
    for (unsigned i = 0; i < MEMBERS; i++) {
        struct mo_member *m = mo_team_member(team, i);
        unsigned seen = 1u << i, last = 0;
        for (unsigned k = 0; k < MEMBERS - 1; k++) {
            unsigned distance = mo_topo_distance(spread_out[i], spread_out[m->victims[k]]);
            assert_true(distance >= last);
            seen |= 1u << m->victims[k];
            last = distance;
        }
        assert_int_equal(seen, (1u << MEMBERS) - 1);
    }
}

static unsigned cpu_by_plan(const void *arg, unsigned tid)
{
    return ((const unsigned *)arg)[tid];
}

/* Also for a region that is smaller than the team. */
static void bound_members_know_where_the_others_are(void **state)
{
    static const unsigned plan[5] = {0, 48, 16, 8, 1};
    struct mo_team *team = new_team(spread_out, MEMBERS);
    mo_victims_arrange_locked(team);
    struct mo_member *m = mo_team_member(team, 0);
    m->size = 5;
    assert_true(mo_victims_arrange_bound(m, cpu_by_plan, plan));
    expect_order_of(team, 0, (unsigned[]){4, 3, 1, 2}, 2);
    m->size = 1;
    assert_false(mo_victims_arrange_bound(m, cpu_by_plan, plan));
}

/* A region with fewer members than the table was made for goes round. */
static void smaller_region_ignores_the_table(void **state)
{
    struct mo_team *team = new_team(spread_out, MEMBERS);
    mo_victims_arrange_locked(team);
    for (unsigned i = 0; i < 4; i++)
        mo_team_member(team, i)->size = 4;
    expect_order(team, 2, (unsigned[]){3, 0, 1});
}

/* The team outgrows its tables: they are made anew, and the old order is not mixed in. */
static void larger_team_gets_new_tables(void **state)
{
    unsigned cpu[20];
    struct mo_team *team = new_team(spread_out, MEMBERS);
    mo_victims_arrange_locked(team);
    assert_true(mo_team_reserve_locked(team, 20));
    team->bound = 19;
    for (unsigned i = 0; i < 20; i++) {
        struct mo_member *m = mo_team_member(team, i);
        m->worker = mo_worker_new_locked(true);
        m->size = 20;
        cpu[i] = i * 3;
        m->worker->cpu = cpu[i];
    }
    mo_victims_arrange_locked(team);
    for (unsigned i = 0; i < 20; i++) {
        unsigned expected[19];
        mo_topo_victim_order(cpu, 20, i, expected);
        assert_memory_equal(mo_team_member(team, i)->victims, expected, sizeof expected);
    }
}

/* Looks that a thief which finds nothing leaves out: 1, 2, 4, 8 and no more. */
static void back_off_has_an_end(void **state)
{
    static const unsigned pauses[] = {1, 2, 4, 8, 8, 8};
    struct mo_team *team = new_team(spread_out, 2);
    struct mo_member *m = mo_team_member(team, 0);
    for (unsigned i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        assert_null(mo_steal(m, NULL));
        assert_int_equal(m->steal_pause, pauses[i]);
        while (m->steal_pause)
            assert_null(mo_steal(m, NULL));
    }
}

/* What one theft of a victim with 32 siblings takes, the first one included. */
static unsigned taken_at_once(struct mo_team *team, enum mo_steal_strategy strategy, unsigned modesty)
{
    struct mo_member *thief = mo_team_member(team, 0), *victim = mo_team_member(team, 1);
    static struct mo_task task[32];
    mo_deque_clear(&thief->deque);
    mo_deque_clear(&victim->deque);
    for (unsigned i = 0; i < 32; i++) {
        assert_true(mo_deque_room_owner(&victim->deque));
        mo_deque_push_owner(&victim->deque, &task[i]);
    }
    team->steal = strategy;
    thief->stole_at = 0;
    thief->steal_backoff = thief->steal_pause = 0;
    thief->steal_modesty = (uint8_t)modesty;
    assert_ptr_equal(mo_steal(thief, NULL), &task[0]);
    assert_int_equal(mo_deque_peek_size(&thief->deque) + mo_deque_peek_size(&victim->deque) + 1, 32);
    return (unsigned)mo_deque_peek_size(&thief->deque) + 1;
}

static void strategies_take_what_they_say(void **state)
{
    struct mo_team *team = new_team(spread_out, 2);
    assert_int_equal(taken_at_once(team, MO_STEAL_ONE, 0), 1);
    assert_int_equal(taken_at_once(team, MO_STEAL_HALF, 0), 16);
    assert_int_equal(taken_at_once(team, MO_STEAL_QUARTER, 0), 8);
    assert_int_equal(taken_at_once(team, MO_STEAL_ADAPTIVE, 0), 16);
    assert_int_equal(taken_at_once(team, MO_STEAL_ADAPTIVE, 1), 8);
    assert_int_equal(taken_at_once(team, MO_STEAL_ADAPTIVE, 2), 1);
}

/* The thief comes back after so many microseconds for each task that it took. */
static unsigned modesty_after(struct mo_team *team, unsigned us)
{
    struct mo_member *thief = mo_team_member(team, 0);
    thief->stole_count = 1;
    thief->stole_at = mo_plat_ticks() - us * mo_plat_ticks_per_us();
    mo_deque_clear(&mo_team_member(team, 1)->deque);
    assert_null(mo_steal(thief, NULL));
    thief->steal_pause = 0;
    return thief->steal_modesty;
}

static void adaptive_thieves_learn(void **state)
{
    struct mo_team *team = new_team(spread_out, 2);
    assert_int_equal(modesty_after(team, 1000), 1);
    assert_int_equal(modesty_after(team, 1000), 2);
    assert_int_equal(modesty_after(team, 1000), 2);
    do /* a thread that is interrupted for long comes late */
        mo_team_member(team, 0)->steal_modesty = 1;
    while (modesty_after(team, 0) != 0);
}

static uint64_t long_of_all(const struct mo_task *task)
{
    return 1000000;
}

static void a_long_task_is_enough(void **state)
{
    struct mo_team *team = new_team(spread_out, 2);
    team->cost_of = long_of_all;
    assert_int_equal(taken_at_once(team, MO_STEAL_HALF, 0), 1);
}

int main(void)
{
    setenv("HWLOC_SYNTHETIC", "node:4 l3:2 core:4 pu:2", 1);
    mo_self();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_topology_they_go_round),
        cmocka_unit_test(nodes_alone_tell_near_from_far),
        cmocka_unit_test(topology_puts_them_near_to_far),
        cmocka_unit_test(the_last_look_leaves_nobody_out),
        cmocka_unit_test(others_that_look_are_as_good),
        cmocka_unit_test(where_others_sleep_a_look_goes_farther),
        cmocka_unit_test(who_looks_seldom_finds_out_about_sleepers),
        cmocka_unit_test(every_order_is_complete),
        cmocka_unit_test(bound_members_know_where_the_others_are),
        cmocka_unit_test(smaller_region_ignores_the_table),
        cmocka_unit_test(larger_team_gets_new_tables),
        cmocka_unit_test(back_off_has_an_end),
        cmocka_unit_test(strategies_take_what_they_say),
        cmocka_unit_test(adaptive_thieves_learn),
        cmocka_unit_test(a_long_task_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
