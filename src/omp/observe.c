/* What tools are told of constructs, and what they may ask about the machine (obs). Nothing here runs without a
   tool. */
#include "omp/core.h"

#ifdef MO_OMPT

/* ---- Regions. A contention group is an initial task in a region that has no events of its own. */
static unsigned teams_of(unsigned teams)
{
    return teams ? teams : 1;
}

void mo_observe_region(struct mo_member *outer, struct mo_team *team, const struct mo_region *r, bool runtime_calls)
{
    struct mo_obs_thread *t = &outer->worker->obs;
    mo_omp_team(team)->group = r->group;
    if (r->group) {
        team->obs = (struct mo_obs_parallel){.task = t->task, .size = 1};
        mo_obs_initial_begin(t, &team->obs, &mo_team_member(team, 0)->obs, teams_of(r->group->teams), r->group->number);
        return;
    }
    unsigned wanted = r->num_threads ? r->num_threads : mo_icvs_of(outer)->num_threads;
    int flags = (runtime_calls ? MO_OBS_INVOKER_RUNTIME : MO_OBS_INVOKER_PROGRAM) | MO_OBS_TEAM;
    mo_obs_parallel_begin(t, &team->obs, wanted, flags);
    team->obs.size = team->size;
}

void mo_observe_member(struct mo_member *m, void *frame)
{
    struct mo_obs_thread *t = &m->worker->obs;
    if (!mo_omp_team(m->team)->group)
        mo_obs_implicit_begin(t, &m->team->obs, &m->obs, m->tid, frame ? frame : t->cfa);
}

void mo_observe_region_end(struct mo_team *team)
{
    struct mo_obs_thread *t = &team->master->worker->obs;
    if (mo_omp_team(team)->group) {
        const struct mo_omp_member *root = mo_omp_member(mo_team_member(team, 0));
        mo_obs_initial_end(t, teams_of(root->num_teams), root->team_num);
        return;
    }
    mo_obs_implicit_end(t, team->size);
    mo_obs_parallel_end(t, &team->obs);
}

/* ---- Loops whose iterations wait for each other: what other runtimes number is the position. */
void mo_observe_doacross(struct mo_member *m, bool posted, const uint64_t *position)
{
    unsigned dims = mo_doacross_dims(m);
    struct mo_obs_dep list[dims ? dims : 1];
    for (unsigned d = 0; d < dims; d++)
        list[d] = (struct mo_obs_dep){{.value = position[d]}, posted ? MO_OBS_DEP_SOURCE : MO_OBS_DEP_SINK};
    if (dims)
        mo_obs_dependences(m->worker->obs.task, list, dims);
}

/* ---- Questions. */
static struct mo_obs_thread *self(void)
{
    struct mo_member *m = mo_self_peek();
    return m ? &m->worker->obs : NULL;
}

static int num_procs(void)
{
    return (int)mo_park_cpus();
}

static int num_places(void)
{
    return (int)mo_affinity_places()->count;
}

struct ids {
    int room, *to;
};

static void put_id(void *arg, unsigned index, unsigned cpu)
{
    struct ids *ids = arg;
    if ((int)index < ids->room)
        ids->to[index] = (int)cpu;
}

static int place_procs(int place, int room, int *to)
{
    struct ids ids = {to ? room : 0, to};
    return (int)mo_affinity_place_cpus(place, put_id, &ids);
}

static int place(void)
{
    struct mo_member *m = mo_self_peek();
    return m ? (int)mo_affinity_spot(m).place - 1 : -1;
}

static int partition(int room, int *places)
{
    struct mo_member *m = mo_self_peek();
    struct mo_spot spot = m ? mo_affinity_spot(m) : (struct mo_spot){0, 0, 0};
    for (int i = 0; places && i < spot.count && i < room; i++)
        places[i] = spot.first + i;
    return spot.count;
}

const struct mo_obs_host MO_SHARED(obs_host) = {.self = self,
                                                .num_procs = num_procs,
                                                .num_places = num_places,
                                                .place_procs = place_procs,
                                                .place = place,
                                                .partition = partition,
                                                .end_idle_threads = mo_pool_release};

#endif
