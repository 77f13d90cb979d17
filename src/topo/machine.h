/* The machine as read from hwloc. Shared by the files of this folder only. */
#ifndef MO_TOPO_MACHINE_H
#define MO_TOPO_MACHINE_H

#include <limits.h>
#include <stdint.h>

#include "topo/topo.h"

#define MO_PLACE_NONE UINT_MAX

/* Where a CPU sits: hwloc's logical numbers, MO_PLACE_NONE where the machine has no such thing. */
struct mo_place {
    unsigned core, l3_cache, node;
};

struct mo_machine {
    struct mo_topo_summary summary;
    unsigned cpu_limit;     /* highest CPU number + 1 */
    struct mo_place *place; /* by the kernel's CPU number */
    uint8_t *node_level;    /* [from * nodes + to]: what mo_topo_distance() says of two nodes */
};

/* NULL: the machine counts as flat. Never changes again once it is not NULL. */
const struct mo_machine *mo_topo_machine(void);

#endif
