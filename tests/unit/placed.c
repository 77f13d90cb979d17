/* Where placed jobs go, seen from inside: what a thief leaves to others, where known costs send a job, and whom the
   workers of an executor rob on a made-up machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sched/executor.h"

#define WORKERS 8

static struct mo_executor_form form = {.workers = WORKERS, .blocking_limit = 1, .numa = MO_NUMA_ON, .name = "test"};

/* Eight workers, CPUs 0, 8, 16, ...: two on each of four nodes, which share nothing smaller. None has a thread. */
static struct mo_executor x;

static struct mo_seat *seat_of(unsigned worker)
{
    return mo_seat_of(mo_team_member(x.team, worker + 1));
}

static int make_executor(void **state)
{
    x = (struct mo_executor){.workers = WORKERS, .slot = MO_SLOT_UNKNOWN};
    x.team = mo_team_new_locked();
    assert_non_null(x.team);
    assert_true(mo_team_reserve_locked(x.team, WORKERS + 1));
    x.team->size = WORKERS + 1;
    for (unsigned i = 0; i <= WORKERS; i++) {
        struct mo_member *m = mo_team_member(x.team, i);
        m->worker = mo_worker_new_locked(true);
        assert_non_null(m->worker);
        mo_member_begin(m, WORKERS + 1);
        *mo_seat_of(m) = (struct mo_seat){.member = m, .executor = &x};
    }
    assert_true(mo_placement_plan(&x, MO_NUMA_ON));
    return 0;
}

static int drop_executor(void **state)
{
    mo_placement_free(&x);
    return 0;
}

static void nothing(void *data)
{
}

static struct mo_job *put(int32_t place, uint64_t cost_ns)
{
    const struct mo_job_ext ext = {.place = place, .cost_ns = cost_ns};
    const struct mo_job_spec spec = {.fn = nothing, .ext = &ext};
    struct mo_worker *w = mo_self()->worker;
    struct mo_job *job = mo_job_new(w, &x, &spec);
    assert_non_null(job);
    assert_int_equal(mo_placed_put(w, &x, job), 0);
    return job;
}

static void expect_nothing(unsigned worker)
{
    assert_null(mo_placed_take(seat_of(worker), NULL, false));
    assert_null(mo_placed_take(seat_of(worker), NULL, true));
}

static void each_takes_its_own_first(void **state)
{
    struct mo_job *loose = put(MO_PLACE_WORKER(4), 0);
    struct mo_job *nodes = put(MO_PLACE_NODE(2) | MO_PLACE_STRICT, 0);
    struct mo_job *strict = put(MO_PLACE_WORKER(4) | MO_PLACE_STRICT, 0);
    assert_ptr_equal(mo_placed_take(seat_of(4), NULL, false), strict);
    assert_ptr_equal(mo_placed_take(seat_of(4), NULL, false), nodes);
    assert_ptr_equal(mo_placed_take(seat_of(4), NULL, false), loose);
    expect_nothing(4);
}

static void strict_ones_are_for_nobody_else(void **state)
{
    struct mo_job *job = put(MO_PLACE_WORKER(3) | MO_PLACE_STRICT, 0);
    for (unsigned i = 0; i < WORKERS; i++)
        if (i != 3)
            expect_nothing(i);
    assert_ptr_equal(mo_placed_take(seat_of(3), NULL, false), job);
    job = put(MO_PLACE_NODE(3) | MO_PLACE_STRICT, 0);
    for (unsigned i = 0; i < 6; i++)
        expect_nothing(i);
    assert_ptr_equal(mo_placed_take(seat_of(7), NULL, false), job);
}

static void loose_ones_are_left_to_who_is_idle(void **state)
{
    struct mo_job *job = put(MO_PLACE_WORKER(3), 0);
    mo_placed_say_idle(seat_of(3), true);
    for (unsigned i = 0; i < WORKERS; i++)
        if (i != 3)
            expect_nothing(i);
    mo_placed_say_idle(seat_of(3), false);
    assert_null(mo_placed_take(seat_of(0), NULL, false)); /* not before its own work */
    assert_ptr_equal(mo_placed_take(seat_of(0), NULL, true), job);
    job = put(MO_PLACE_NODE(1), 0);
    mo_placed_say_idle(seat_of(2), true);
    expect_nothing(4);
    mo_placed_say_idle(seat_of(2), false);
    assert_ptr_equal(mo_placed_take(seat_of(4), NULL, true), job);
}

/* Two tenths of a millisecond for a worker, then for its node, then for anybody. */
static void costs_send_on_what_need_not_wait(void **state)
{
    const struct mo_placement *p = mo_load_acquire(&x.placement);
    assert_int_equal(mo_placement_choose(p, MO_PLACE_WORKER(5)), 5);
    put(MO_PLACE_WORKER(5), 150000);
    assert_int_equal(mo_placement_choose(p, MO_PLACE_WORKER(5)), WORKERS + 2);
    assert_int_equal(mo_placement_choose(p, MO_PLACE_WORKER(5) | MO_PLACE_STRICT), 5);
    assert_int_equal(mo_placement_choose(p, MO_PLACE_WORKER(4)), 4);
    put(MO_PLACE_NODE(2), 150000);
    assert_int_equal(mo_placement_choose(p, MO_PLACE_NODE(2)), WORKERS + 2);
    put(MO_PLACE_NODE(2), 150000);
    assert_int_equal(mo_placement_choose(p, MO_PLACE_NODE(2)), -1);
    assert_int_equal(mo_placement_choose(p, MO_PLACE_NODE(2) | MO_PLACE_STRICT), WORKERS + 2);
    assert_int_equal(mo_placement_choose(p, MO_PLACE_WORKER(5)), -1);
    for (int i = 0; i < 3; i++)
        assert_non_null(mo_placed_take(seat_of(5), NULL, false));
    assert_int_equal(mo_placement_choose(p, MO_PLACE_WORKER(5)), 5);
}

static void unknown_places(void **state)
{
    int32_t place = MO_PLACE_NODE(4);
    assert_int_equal(mo_executor_check_place(&x, &place), 0);
    assert_int_equal(place, MO_PLACE_ANY);
    place = MO_PLACE_NODE(4) | MO_PLACE_STRICT;
    assert_int_not_equal(mo_executor_check_place(&x, &place), 0);
    place = MO_PLACE_WORKER(WORKERS) | MO_PLACE_STRICT;
    assert_int_not_equal(mo_executor_check_place(&x, &place), 0);
    place = MO_PLACE_NODE(3) | MO_PLACE_STRICT;
    assert_int_equal(mo_executor_check_place(&x, &place), 0);
}

/* ---- A living executor, which is larger: 32 workers on 64 CPUs, so that some share a cache. */
#define MANY 32
static _Atomic unsigned wrong;

static void check_order(void *data)
{
    const struct mo_member *m = mo_self()->worker->seat->member;
    struct mo_placement *p = mo_load_acquire(&m->worker->seat->executor->placement);
    unsigned own = p->at[m->tid - 1].cpu, last = 0;
    bool ok = m->victims && m->victims_team == MANY + 1 && own == 2 * (m->tid - 1) && m->worker->node == own / 16;
    for (unsigned i = 0; ok && i < MANY; i++) {
        if (!m->victims[i])
            continue;
        unsigned distance = mo_topo_distance(own, p->at[m->victims[i] - 1].cpu);
        ok = distance >= last;
        last = distance;
    }
    if (!ok)
        mo_fetch_add_relaxed(&wrong, 1u);
}

static void an_executors_workers_rob_their_neighbours(void **state)
{
    struct mo_executor *living;
    struct mo_worker *w = mo_self()->worker;
    form.workers = MANY;
    assert_int_equal(mo_executor_new(&form, &living), 0);
    for (unsigned i = 0; i < MANY; i++) {
        const struct mo_job_ext ext = {.place = MO_PLACE_WORKER(i) | MO_PLACE_STRICT};
        const struct mo_job_spec spec = {.fn = check_order, .ext = &ext};
        struct mo_job *job = mo_job_new(w, living, &spec);
        assert_non_null(job);
        assert_int_equal(mo_job_submit_quietly(w, living, job), 0);
    }
    assert_int_equal(mo_executor_shutdown(living, MO_SHUTDOWN_DRAIN, UINT64_MAX), 0);
    assert_int_equal(mo_load_relaxed(&wrong), 0);
    assert_int_equal(mo_executor_free(living), 0);
}

int main(void)
{
    setenv("HWLOC_SYNTHETIC", "node:4 l3:2 core:4 pu:2", 1);
    mo_self();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_takes_its_own_first, make_executor, drop_executor),
        cmocka_unit_test_setup_teardown(strict_ones_are_for_nobody_else, make_executor, drop_executor),
        cmocka_unit_test_setup_teardown(loose_ones_are_left_to_who_is_idle, make_executor, drop_executor),
        cmocka_unit_test_setup_teardown(costs_send_on_what_need_not_wait, make_executor, drop_executor),
        cmocka_unit_test_setup_teardown(unknown_places, make_executor, drop_executor),
        cmocka_unit_test(an_executors_workers_rob_their_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
