/* Teams. Their clauses come before the construct, in a call of their own. */
#include "interpose/kmp/invoke.h"

static unsigned clause(int32_t value)
{
    return value > 0 ? (unsigned)value : 0;
}

static void push(unsigned teams, int32_t thread_limit)
{
    struct mo_next_region *next = &mo_omp_member(mo_self())->next_region;
    next->teams = teams;
    next->thread_limit = clause(thread_limit);
}

MO_EXPORT void __kmpc_push_num_teams(ident_t *loc, int32_t gtid, int32_t teams, int32_t thread_limit)
{
    push(clause(teams), thread_limit);
}

/* With bounds for the number of teams the lower one is as good as any; without one there is only the upper. */
MO_EXPORT void __kmpc_push_num_teams_51(ident_t *loc, int32_t gtid, int32_t lower, int32_t upper, int32_t thread_limit)
{
    push(lower > 0 ? clause(lower) : clause(upper), thread_limit);
}

/* What the thread_limit clause of a target construct says to the task that stands for it. */
MO_EXPORT void __kmpc_set_thread_limit(ident_t *loc, int32_t gtid, int32_t limit)
{
    struct mo_member *m = mo_self();
    m->current->env = mo_group_limited(m->current->env, clause(limit));
}

/* If nobody says how many, LLVM's runtime has one team; as they run one after the other that is also the fastest. */
static void run_teams(const struct kmp_outlined *o)
{
    struct mo_next_region *next = &mo_omp_member(mo_self())->next_region;
    unsigned teams = next->teams, thread_limit = next->thread_limit;
    next->teams = next->thread_limit = 0;
    if (!teams)
        teams = mo_teams_max() > 0 ? (unsigned)mo_teams_max() : 1;
    mo_teams_run(kmp_run_outlined, (void *)o, teams, thread_limit);
}

MO_EXPORT void __kmpc_fork_teams(ident_t *loc, int32_t argc, kmpc_micro fn, ...)
{
    struct kmp_outlined o;
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    KMP_TAKE_OUTLINED(o, argc, fn);
    run_teams(&o);
}
