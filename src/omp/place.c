/* On which NUMA nodes a block lies: the partition trait, and the space of high bandwidth. Nodes are read once, by the
   first allocator that is concerned. Blocks smaller than a page lie where malloc has them. */
#include "omp/alloc.h"
#include "plat/plat.h"
#include "topo/topo.h"

#include <pthread.h>
#include <string.h>

struct place_nodes {
    unsigned count;
    struct mo_node_mask mask;
};

static struct place_nodes with_memory, fast;

static void read_nodes(void)
{
    with_memory.count = mo_topo_memory_nodes(&with_memory.mask);
    fast.count = mo_topo_fast_nodes(&fast.mask);
}

static void read_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_nodes);
}

bool mo_place_has_fast_nodes(void)
{
    read_once();
    return fast.count > 0;
}

bool mo_place_matters(const struct mo_alloc_traits *traits, size_t bytes)
{
    bool high_bw = traits->space == MO_SPACE_HIGH_BW;
    if (mo_likely(!high_bw && traits->partition <= MO_PART_ENVIRONMENT))
        return false;
    read_once();
    return bytes >= mo_plat_page_bytes() && (high_bw ? fast.count > 0 : with_memory.count > 1);
}

static struct mo_node_mask only(unsigned node)
{
    struct mo_node_mask mask;
    memset(&mask, 0, sizeof mask);
    if (node < MO_PLAT_NODES_MAX)
        mask.bits[node / (8 * sizeof mask.bits[0])] = 1ul << node % (8 * sizeof mask.bits[0]);
    return mask;
}

/* One contiguous part for each node, of whole pages, as equal as that allows. */
static int place_parts(const struct place_nodes *nodes, char *p, size_t bytes)
{
    size_t page = mo_plat_page_bytes(), pages = bytes / page, done = 0;
    unsigned node = mo_topo_next_node(&nodes->mask, 0);
    int err = 0;
    for (unsigned i = 1; i <= nodes->count && !err; i++) {
        size_t until = pages * i / nodes->count;
        struct mo_node_mask mask = only(node);
        if (until > done)
            err = mo_plat_prefer_nodes(p + done * page, (until - done) * page, &mask);
        done = until;
        node = mo_topo_next_node(&nodes->mask, node + 1);
    }
    return err;
}

static int place_nearest(const struct mo_alloc_traits *traits, void *p, size_t bytes)
{
    struct mo_node_mask here = only(mo_plat_node());
    return mo_plat_prefer_nodes(p, bytes, traits->space == MO_SPACE_HIGH_BW ? &fast.mask : &here);
}

void mo_place_pages(const struct mo_alloc_traits *traits, void *p, size_t bytes)
{
    const struct place_nodes *nodes = traits->space == MO_SPACE_HIGH_BW ? &fast : &with_memory;
    int err;
    if (traits->partition == MO_PART_INTERLEAVED)
        err = mo_plat_interleave_nodes(p, bytes, &nodes->mask);
    else if (traits->partition == MO_PART_BLOCKED)
        err = place_parts(nodes, p, bytes);
    else
        err = place_nearest(traits, p, bytes);
    if (err)
        mo_warn_once("cannot choose the NUMA nodes of memory (%s): the system chooses", strerror(err));
}
