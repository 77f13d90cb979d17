/* Whom a member robs first. On a machine with one node and no topology loaded every member goes round from its own
   number, which needs no table; otherwise each gets the others near to far, and knows how many are on its node. */
#include "sched/internal.h"
#include "topo/topo.h"

static void give_order(struct mo_member *m, unsigned *order, unsigned near, unsigned n)
{
    m->victims = order;
    m->victims_near = near;
    m->victims_team = n;
    m->far_random = m->tid; /* no two begin at the same one */
}

/* Both return how many are near. Without hwloc the kernel's node numbers tell near from far. */
static unsigned order_by_node(struct mo_team *team, unsigned self, unsigned *order)
{
    unsigned n = team->bound + 1, filled = 0, near = 0;
    unsigned home = mo_team_member(team, self)->worker->node;
    for (int far = 0; far < 2; far++) {
        near = filled;
        for (unsigned i = 1; i < n; i++) {
            unsigned other = (self + i) % n;
            if ((mo_team_member(team, other)->worker->node != home) == far)
                order[filled++] = other;
        }
    }
    return near;
}

static unsigned order_by_cpu(const unsigned *cpu_of, unsigned n, unsigned self, unsigned *order)
{
    unsigned near = 0;
    mo_topo_victim_order(cpu_of, n, self, order);
    while (near < n - 1 && mo_topo_distance(cpu_of[self], cpu_of[order[near]]) < MO_DISTANCE_REMOTE)
        near++;
    return near;
}

static unsigned order_by_distance(struct mo_team *team, unsigned self, unsigned *cpu_of, unsigned *order)
{
    unsigned n = team->bound + 1;
    for (unsigned i = 0; i < n; i++)
        cpu_of[i] = mo_load_relaxed(&mo_team_member(team, i)->worker->cpu);
    return order_by_cpu(cpu_of, n, self, order);
}

/* Each member's table has room for the whole team; one more holds the CPUs while they are compared. */
static bool make_tables_locked(struct mo_team *team)
{
    if (team->tables == team->capacity)
        return true;
    unsigned *space = mo_sched_permanent_locked((size_t)team->capacity * (team->capacity + 1) * sizeof *space);
    if (!space)
        return false;
    team->tables = team->capacity;
    team->table = space;
    return true;
}

bool mo_victims_prepare(struct mo_team *team)
{
    mo_mutex_lock(&MO_SHARED(sched).lock);
    bool made = make_tables_locked(team);
    mo_mutex_unlock(&MO_SHARED(sched).lock);
    return made;
}

bool mo_victims_arrange_bound(struct mo_member *m, mo_cpu_of_member *cpu_of, const void *arg)
{
    struct mo_topo_summary topology;
    unsigned cpu[MO_PLAT_CPUS_MAX + 1], n = m->size;
    mo_topo_summarize(&topology);
    if (!topology.loaded || n < 2 || m->team->tables != m->team->capacity || n > MO_PLAT_CPUS_MAX + 1)
        return false;
    for (unsigned i = 0; i < n; i++)
        cpu[i] = cpu_of(arg, i);
    unsigned *order = m->team->table + (size_t)m->tid * m->team->capacity;
    give_order(m, order, order_by_cpu(cpu, n, m->tid, order), n);
    return true;
}

void mo_victims_arrange_locked(struct mo_team *team)
{
    struct mo_topo_summary topology;
    mo_topo_summarize(&topology);
    bool loaded = topology.loaded;
    if ((!loaded && MO_SHARED(sched).nodes < 2) || !make_tables_locked(team))
        return;
    unsigned *cpu_of = team->table + (size_t)team->capacity * team->capacity;
    for (unsigned i = 0; i <= team->bound; i++) {
        unsigned *order = team->table + (size_t)i * team->capacity;
        unsigned near = loaded ? order_by_distance(team, i, cpu_of, order) : order_by_node(team, i, order);
        give_order(mo_team_member(team, i), order, near, team->bound + 1);
    }
}
