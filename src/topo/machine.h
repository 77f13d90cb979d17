/* The machine as read from hwloc. Shared by the files of this folder only. */
#ifndef MO_TOPO_MACHINE_H
#define MO_TOPO_MACHINE_H

#include <stdint.h>

#include "topo/places.h"
#include "topo/topo.h"

struct mo_machine {
    struct mo_topo_summary summary;
    struct mo_sites sites; /* hwloc's logical numbers */
    uint8_t *node_level;   /* [from * nodes + to]: what mo_topo_distance() says of two nodes */
    unsigned *in_order;    /* the kernel's numbers of the CPUs, those that share much beside one another */
    unsigned *node_number; /* the kernel's, of each node */
    bool foreign;          /* not the machine that this process is on: made up, or read from a file */
};

/* NULL: the machine counts as flat. Never changes again once it is not NULL. */
const struct mo_machine *mo_topo_machine(void);

#endif
