/* Binding the threads of a region. The master writes down in the team what the distribution depends on (the plan) and
   gives it a new number when that has changed; each member that sees a new number works out its own spot and goes there.
   So a region like the one before costs a comparison on each side and no system call. A plan is written between two
   regions, when no member reads it. */
#include <string.h>

#include "omp/core.h"

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
    if (m->worker->place == 0)
        bind_root(m);
    return mo_omp_member(m)->spot;
}

void mo_affinity_plan(struct mo_member *outer, struct mo_team *team, enum mo_bind policy)
{
    struct mo_omp_team *ot = mo_omp_team(team);
    const struct mo_plan plan = {.primary = mo_affinity_spot(outer),
                                 .policy = (uint16_t)policy,
                                 .threads = team->size,
                                 .staffings = team->staffings};
    if (ot->plan_number > 0 && memcmp(&plan, &ot->plan, sizeof plan) == 0)
        return;
    ot->plan = plan;
    ot->plan_number++;
}

static unsigned cpu_of(const void *plan, unsigned tid)
{
    return mo_mask_lowest(mo_place_mask(mo_affinity_places(), mo_affinity_assign(plan, tid).place - 1u));
}

void mo_affinity_follow(struct mo_member *m)
{
    struct mo_omp_member *om = mo_omp_member(m);
    const struct mo_omp_team *ot = mo_omp_team(m->team);
    const struct mo_places *places = mo_affinity_places();
    om->plan_seen = ot->plan_number;
    om->spot = mo_affinity_assign(&ot->plan, m->tid);
    mo_worker_bind(m->worker, om->spot.place, mo_place_mask(places, om->spot.place - 1u), places->words);
    mo_victims_arrange_bound(m, cpu_of, &ot->plan);
}
