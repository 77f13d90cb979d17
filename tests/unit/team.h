/* Teams without threads, whose members sit where a test says. */
#ifndef TESTS_UNIT_TEAM_H
#define TESTS_UNIT_TEAM_H

#include "sched/internal.h"

static inline struct mo_team *new_team(const unsigned *cpu, unsigned n)
{
    struct mo_team *team = mo_team_new_locked();
    assert_non_null(team);
    assert_true(mo_team_reserve_locked(team, n));
    team->size = n;
    team->bound = n - 1;
    for (unsigned i = 0; i < n; i++) {
        struct mo_member *m = mo_team_member(team, i);
        m->worker = mo_worker_new_locked(true);
        assert_non_null(m->worker);
        m->tid = i;
        m->cpu = m->worker->cpu = cpu[i];
        m->size = n;
        m->shared = true;
    }
    return team;
}

#endif
