/* How many CPUs there are for us, and how far apart they are.

   Counting is cheap and needs no library: the affinity mask, the CPU quota of the control groups, /sys. Distances come
   from hwloc, which is opened only when somebody asks for it by mo_topo_load(), on the thread that asks; without it
   the machine counts as flat. CPUs carry the numbers that the kernel gives them. */
#ifndef MO_TOPO_TOPO_H
#define MO_TOPO_TOPO_H

#include <stdbool.h>

#include "base/places.h"
#include "plat/plat.h"

/* CPUs in the calling thread's affinity mask now, at least 1. */
unsigned mo_topo_affinity_cpus(void);

/* The same CPUs by number; returns how many words of the mask they take, the rest is zero. 0: the kernel does not
   tell. */
#define MO_MASK_BITS  (8 * sizeof(unsigned long))
#define MO_MASK_WORDS (MO_CPUS_MAX / MO_MASK_BITS)
unsigned mo_topo_affinity_mask(unsigned long mask[MO_MASK_WORDS]);

/* CPU quota of this process, the tightest of its control group and all ancestors, rounded up to whole CPUs (0.5 counts
   as 1). UINT_MAX: no limit, also where there is no file to say so. Reads the files at each call; no allocation. */
unsigned mo_topo_quota_cpus(void);

/* The same below another root directory: `root`/proc/self/cgroup, `root`/proc/self/mountinfo, and the mount points
   that these name, below `root` too. */
unsigned mo_topo_quota_cpus_at(const char *root);

/* CPUs to plan for: the setting MOIRAI_CPUS, else the smaller of mask and quota. At least 1, found at the first call
   and kept. */
unsigned mo_topo_cpus(void);

/* The same without the quota: so many threads can run at the same time until it is used up. */
unsigned mo_topo_cpus_abreast(void);

/* The first with the quota as it is now; the mask stays what it was. Reads files, unless the setting rules. */
unsigned mo_topo_cpus_again(void);

/* NUMA nodes online by /sys; 1 where it does not tell. */
unsigned mo_topo_nodes_online(void);

/* NUMA nodes that have memory, by /sys, and those of them whose memory is at least twice as fast as the slowest, by
   what the firmware told the kernel. Return how many there are: at least 1 with memory (node 0 where /sys does not
   tell), and 0 fast ones where all memory is alike or not known. Read the files at each call; the _at forms below
   another root. */
unsigned mo_topo_memory_nodes(struct mo_node_mask *nodes);
unsigned mo_topo_memory_nodes_at(const char *root, struct mo_node_mask *nodes);
unsigned mo_topo_fast_nodes(struct mo_node_mask *fast);
unsigned mo_topo_fast_nodes_at(const char *root, struct mo_node_mask *fast);
/* The first node of the mask from number `from` on; MO_PLAT_NODES_MAX: there is none. */
unsigned mo_topo_next_node(const struct mo_node_mask *nodes, unsigned from);

/* Open hwloc and read the machine, once per process. False: there is none, and distances are flat.
   Context: any thread that may call dlopen(): not inside an allocator, a fork handler or an interposed lock. */
bool mo_topo_load(void);

enum mo_distance { MO_DISTANCE_CORE, MO_DISTANCE_CACHE, MO_DISTANCE_NODE, MO_DISTANCE_REMOTE };

/* 0: same core, 1: same last cache, 2: same node, 3 and more: other nodes, nearer ones first. 2 for all pairs while the
   machine counts as flat or where a CPU is not known. Context: any thread; blocks never. */
unsigned mo_topo_distance(unsigned cpu_a, unsigned cpu_b);

/* Whom worker `self` of `n` should rob, near to far: order[0..n-2] receives the other indices. Worker i runs on CPU
   cpu_of[i]. Equally near ones come in the order self+1, self+2, ... so that thieves do not all start at one victim.
   Requires that self < n. O(n * distances), no allocation. */
void mo_topo_victim_order(const unsigned *cpu_of, unsigned n, unsigned self, unsigned *order);

/* ---- Where threads go that are to have the machine among themselves. */
#define MO_TOPO_NO_NODE (-1)
struct mo_topo_seat {
    unsigned cpu; /* the kernel's numbers */
    int node;     /* MO_TOPO_NO_NODE: not known */
};

/* Thread i of n gets seat[i], evenly over the CPUs that the calling thread may use, neighbours near one another; more
   threads than CPUs share them. On a machine that is not this one all its CPUs count. False while the machine counts as
   flat. */
bool mo_topo_seats(unsigned n, struct mo_topo_seat *seat);
/* The CPUs of a node that the calling thread may use; how many words of the mask they take, 0: none, or they are
   another machine's. */
unsigned mo_topo_node_mask(int node, unsigned long mask[MO_MASK_WORDS]);

/* What the machine has, all zero but `loaded` while it counts as flat. */
struct mo_topo_summary {
    bool loaded;
    unsigned nodes, packages, l3_caches, cores, pus;
};

void mo_topo_summarize(struct mo_topo_summary *summary);

#endif
