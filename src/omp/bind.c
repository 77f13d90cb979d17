/* Binding the threads of a region. The master writes down in the team what the distribution depends on (the plan) and
   gives it a new number when that has changed; each member that sees a new number works out its own spot and goes
   there. So a region like the one before costs a comparison on each side and no system call. A plan is written between
   two regions, when no member reads it. */
#include <string.h>

#include "omp/core.h"
#include "park/fiber.h"

/* A thread of the program starts at the first place of all. */
static void bind_root(struct mo_member *m)
{
    const struct mo_places *places = mo_affinity_places();
    mo_omp_member(m)->spot = (struct mo_spot){.place = 1, .first = 0, .count = (uint16_t)places->count};
    mo_worker_bind(m->worker, 1, mo_place_mask(places, 0), places->words);
}

struct mo_spot mo_affinity_spot(struct mo_member *m)
{
    if (mo_affinity_places()->count == 0)
        return (struct mo_spot){0, 0, 0};
    if (m->worker->place == 0 && !m->worker->fiber)
        bind_root(m);
    return mo_omp_member(m)->spot;
}

int mo_affinity_take_mask(struct mo_member *m, const unsigned long *mask, unsigned words)
{
    int err = mo_plat_set_affinity(mask, words);
    struct mo_icvs v = *mo_icvs_of(m);
    if (err)
        return err;
    v.bind = MO_BIND_FALSE;
    mo_icvs_set(m, &v);
    return 0;
}

static bool same(const struct mo_plan *a, const struct mo_plan *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

void mo_affinity_plan(struct mo_member *outer, struct mo_team *team, enum mo_bind policy, bool display)
{
    struct mo_omp_team *ot = mo_omp_team(team);
    const struct mo_plan plan = {.primary = mo_affinity_spot(outer),
                                 .policy = (uint16_t)policy,
                                 .threads = mo_team_threads(team),
                                 .staffings = team->staffings};
    bool show = display && team->size > 1 && !same(&plan, &ot->shown);
    if (!show && ot->plan_number > 0 && same(&plan, &ot->plan))
        return;
    ot->plan = plan;
    ot->plan_number++;
    ot->show = show;
    if (show) {
        ot->shown = plan;
        mo_store_relaxed(&ot->showing_turn, 0u); /* published with the region */
    }
}

static unsigned cpu_of(const void *plan, unsigned tid)
{
    return mo_mask_lowest(mo_place_mask(mo_affinity_places(), mo_affinity_assign(plan, tid).place - 1u));
}

static void bind(struct mo_member *m, const struct mo_plan *plan)
{
    const struct mo_places *places = mo_affinity_places();
    struct mo_spot spot = mo_affinity_assign(plan, mo_member_carrier(m));
    mo_omp_member(m)->spot = spot;
    if (m->worker->fiber) /* it is where its carrier is */
        return;
    mo_worker_bind(m->worker, spot.place, mo_place_mask(places, spot.place - 1u), places->words);
    if (mo_team_threads(m->team) == m->size)
        mo_victims_arrange_bound(m, cpu_of, plan);
}

/* In the order of their numbers, as people like to read it. Nobody waits for long: all of them are on their way
   here. */
static void display_in_turn(struct mo_member *m, struct mo_omp_team *ot)
{
    while (mo_load_acquire(&ot->showing_turn) != m->tid)
        if (!mo_fiber_yield())
            mo_plat_yield();
    mo_affinity_display(m, NULL, 0);
    mo_store_release(&ot->showing_turn, m->tid + 1);
}

void mo_affinity_follow(struct mo_member *m)
{
    struct mo_omp_team *ot = mo_omp_team(m->team);
    mo_omp_member(m)->plan_seen = ot->plan_number;
    if (ot->plan.policy != MO_BIND_FALSE)
        bind(m, &ot->plan);
    if (ot->show)
        display_in_turn(m, ot);
}
