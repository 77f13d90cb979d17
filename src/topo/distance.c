#include <stddef.h>

#include "base/check.h"
#include "topo/machine.h"

static bool same(unsigned a, unsigned b)
{
    return a == b && a != MO_SITE_NONE;
}

static unsigned distance_in(const struct mo_machine *m, unsigned cpu_a, unsigned cpu_b)
{
    if (m == NULL || cpu_a >= m->sites.cpu_limit || cpu_b >= m->sites.cpu_limit)
        return MO_DISTANCE_NODE;
    struct mo_site a = m->sites.site[cpu_a], b = m->sites.site[cpu_b];
    if (cpu_a == cpu_b || same(a.core, b.core))
        return MO_DISTANCE_CORE;
    if (same(a.cache, b.cache))
        return MO_DISTANCE_CACHE;
    if (a.node == MO_SITE_NONE || b.node == MO_SITE_NONE)
        return MO_DISTANCE_NODE;
    return m->node_level[a.node * m->summary.nodes + b.node];
}

unsigned mo_topo_distance(unsigned cpu_a, unsigned cpu_b)
{
    return distance_in(mo_topo_machine(), cpu_a, cpu_b);
}

/* One round over the others for each distance that occurs: append those at `level`, find the next level. */
void mo_topo_victim_order(const unsigned *cpu_of, unsigned n, unsigned self, unsigned *order)
{
    MO_ASSERT(self < n);
    const struct mo_machine *m = mo_topo_machine();
    unsigned placed = 0, level = 0;
    while (placed < n - 1) {
        unsigned next = UINT_MAX;
        for (unsigned step = 1; step < n; step++) {
            unsigned other = self + step < n ? self + step : self + step - n;
            unsigned distance = distance_in(m, cpu_of[self], cpu_of[other]);
            if (distance == level)
                order[placed++] = other;
            else if (distance > level && distance < next)
                next = distance;
        }
        level = next;
    }
}

void mo_topo_summarize(struct mo_topo_summary *summary)
{
    const struct mo_machine *m = mo_topo_machine();
    *summary = m != NULL ? m->summary : (struct mo_topo_summary){.loaded = false};
}
