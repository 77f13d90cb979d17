/* Teams. */
#include "interpose/gomp/gomp.h"

/* A teams construct outside target regions. */
MO_EXPORT void GOMP_teams_reg(void (*fn)(void *), void *data, unsigned num_teams, unsigned thread_limit, unsigned flags)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_teams_run(fn, data, num_teams, thread_limit);
}

/* In a target region: called before each team until it says that there are no more. With bounds for the number of
   teams the lower one is as good as any. */
MO_EXPORT bool GOMP_teams4(unsigned lower, unsigned upper, unsigned thread_limit, bool first)
{
    return mo_teams_next(mo_self(), lower, thread_limit, first);
}

/* What GCC 4.9 to 11 made of it: the caller is the one team. */
MO_EXPORT void GOMP_teams(unsigned num_teams, unsigned thread_limit)
{
    mo_teams_next(mo_self(), 1, thread_limit, true);
}
