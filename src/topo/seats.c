/* Seats for threads: a share of the machine's CPUs each. */
#include "topo/machine.h"

/* What the calling thread may use; of another machine everything. Returns the number of words. */
static unsigned usable(const struct mo_machine *m, unsigned long mask[MO_MASK_WORDS])
{
    unsigned words = m->foreign ? 0 : mo_topo_affinity_mask(mask);
    if (words)
        return words;
    for (unsigned i = 0; i < MO_MASK_WORDS; i++)
        mask[i] = ~0ul;
    return MO_MASK_WORDS;
}

static bool is_in(const unsigned long *mask, unsigned words, unsigned cpu)
{
    return cpu / MO_MASK_BITS < words && mask[cpu / MO_MASK_BITS] >> cpu % MO_MASK_BITS & 1;
}

static int node_of(const struct mo_machine *m, unsigned cpu)
{
    unsigned node = m->sites.site[cpu].node;
    return node == MO_SITE_NONE ? MO_TOPO_NO_NODE : (int)m->node_number[node];
}

bool mo_topo_seats(unsigned n, struct mo_topo_seat *seat)
{
    const struct mo_machine *m = mo_topo_machine();
    unsigned long mask[MO_MASK_WORDS];
    unsigned words, cpus = 0, filled = 0, passed = 0;
    if (!m)
        return false;
    words = usable(m, mask);
    for (unsigned i = 0; i < m->summary.pus; i++)
        cpus += is_in(mask, words, m->in_order[i]);
    for (unsigned i = 0; i < m->summary.pus && cpus; i++) {
        if (!is_in(mask, words, m->in_order[i]))
            continue;
        while (filled < n && (uint64_t)filled * cpus / n == passed)
            seat[filled++] = (struct mo_topo_seat){m->in_order[i], node_of(m, m->in_order[i])};
        passed++;
    }
    return cpus != 0;
}

unsigned mo_topo_node_mask(int node, unsigned long mask[MO_MASK_WORDS])
{
    const struct mo_machine *m = mo_topo_machine();
    unsigned long may[MO_MASK_WORDS];
    unsigned words, used = 0;
    if (!m || m->foreign || node < 0)
        return 0;
    words = usable(m, may);
    for (unsigned i = 0; i < words; i++)
        mask[i] = 0;
    for (unsigned cpu = 0; cpu < m->sites.cpu_limit; cpu++)
        if (is_in(may, words, cpu) && node_of(m, cpu) == node) {
            mask[cpu / MO_MASK_BITS] |= 1ul << cpu % MO_MASK_BITS;
            used = cpu / (unsigned)MO_MASK_BITS + 1;
        }
    return used;
}
