/* Contention groups and teams.

   A group is a region of one thread whose level is 0, so everything that counts levels ends at it, and its tasks run at
   once as they do outside all regions. What a group is as a team, number and count, stands at its root: the one member
   of level 0.

   The teams of a teams construct run one after the other on the thread that meets it: OpenMP lets teams neither wait
   for nor count on each other. */
#include "omp/core.h"

/* So many teams has a teams construct if nobody says how many: more than one, as with GCC's own runtime, where a wrong
   distribution of work shows. */
#define TEAMS_UNLESS_SAID 3

/* Value + 1; 0: what the environment says. */
struct teams_icvs {
    _Atomic uint32_t max, thread_limit;
};

extern struct teams_icvs MO_SHARED(teams) MO_SHARED_ATTR;
struct teams_icvs MO_SHARED(teams);

static int device_icv(_Atomic uint32_t *icv, enum mo_knob knob)
{
    uint32_t value = mo_load_relaxed(icv); /* a number of its own, ordered with nothing */
    return value ? (int)(value - 1) : (int)mo_knob(knob);
}

int mo_teams_max(void)
{
    return device_icv(&MO_SHARED(teams).max, MO_KNOB_OMP_NUM_TEAMS);
}

int mo_teams_thread_limit(void)
{
    return device_icv(&MO_SHARED(teams).thread_limit, MO_KNOB_OMP_TEAMS_THREAD_LIMIT);
}

void mo_teams_set_max(int teams)
{
    if (teams >= 0)
        mo_store_relaxed(&MO_SHARED(teams).max, (uint32_t)teams + 1);
}

void mo_teams_set_thread_limit(int limit)
{
    if (limit >= 0)
        mo_store_relaxed(&MO_SHARED(teams).thread_limit, (uint32_t)limit + 1);
}

/* ---- Groups. */
void mo_group_begin(uint32_t env, const struct mo_group *group)
{
    const struct mo_region alone = {.num_threads = 1, .group = group};
    mo_region_begin(&alone);
    struct mo_member *m = mo_self();
    mo_count(&m->worker->counts, MO_COUNT_REGIONS, (uint64_t)-1); /* it is none */
    struct mo_omp_team *ot = mo_omp_team(m->team);
    struct mo_omp_member *om = mo_omp_member(m);
    ot->level = ot->active_level = 0;
    ot->env = m->implicit.env = env;
    mo_member_store(m, 0);
    om->team_num = group->number;
    om->num_teams = group->teams;
}

void mo_group_end(void)
{
    mo_region_end();
}

uint32_t mo_group_limited(uint32_t env, unsigned thread_limit)
{
    if (!thread_limit)
        return env;
    struct mo_icvs values = *mo_icvs_at(env);
    values.thread_limit = thread_limit < INT32_MAX ? thread_limit : UINT32_MAX;
    return mo_icvs_intern(&values, env);
}

static struct mo_omp_member *root_of(struct mo_member *m)
{
    return mo_omp_member(mo_region_ancestor(m, mo_omp_team(m->team)->level));
}

/* ---- Teams. */
unsigned mo_teams_count(struct mo_member *m)
{
    unsigned teams = root_of(m)->num_teams;
    return teams ? teams : 1;
}

unsigned mo_teams_number(struct mo_member *m)
{
    return root_of(m)->team_num;
}

/* Code that clang has compiled for the host enters a target region by no call. Where that follows a `parallel if (0)`
   LLVM's runtime gives the answers of a target region, and so it does in all regions of that kind directly inside of
   teams, and in the regions of one thread within. */
static bool league_is_hidden(struct mo_member *m)
{
    const struct mo_omp_team *ot = mo_omp_team(m->team);
    return ot->level && !ot->active_level && mo_omp_team(mo_region_ancestor(m, ot->level - 1)->team)->alone;
}

unsigned mo_teams_count_told(struct mo_member *m)
{
    return league_is_hidden(m) ? 1 : mo_teams_count(m);
}

unsigned mo_teams_number_told(struct mo_member *m)
{
    return league_is_hidden(m) ? 0 : mo_teams_number(m);
}

static uint32_t team_env(uint32_t env, unsigned thread_limit)
{
    return mo_group_limited(env, thread_limit ? thread_limit : (unsigned)mo_teams_thread_limit());
}

void mo_teams_run(void (*fn)(void *), void *data, unsigned num_teams, unsigned thread_limit)
{
    uint32_t env = team_env(mo_self()->current->env, thread_limit);
    unsigned teams = num_teams ? num_teams : (unsigned)mo_teams_max();
    if (!teams)
        teams = TEAMS_UNLESS_SAID;
    struct mo_member *m = mo_self();
    struct mo_obs_parallel league;
    if (mo_unlikely(mo_traced(m)))
        mo_obs_parallel_begin(&m->worker->obs, &league, teams, MO_OBS_INVOKER_RUNTIME | MO_OBS_LEAGUE);
    for (unsigned i = 0; i < teams; i++) {
        mo_group_begin(env, &(struct mo_group){i, teams});
        fn(data);
        mo_group_end();
    }
    if (mo_unlikely(mo_traced(m)))
        mo_obs_parallel_end(&m->worker->obs, &league);
}

bool mo_teams_next(struct mo_member *m, unsigned num_teams, unsigned thread_limit, bool first)
{
    struct mo_omp_member *root = root_of(m);
    if (first) {
        root->num_teams = num_teams ? num_teams : 1;
        root->team_num = 0;
        root->teams_env = m->current->env;
    } else if (++root->team_num >= root->num_teams) {
        root->team_num = root->num_teams = 0;
        m->current->env = root->teams_env;
        return false;
    }
    m->current->env = team_env(root->teams_env, thread_limit);
    return true;
}
