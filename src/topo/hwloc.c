/* hwloc is opened by name and asked once; what it says is copied into struct mo_machine. The library itself stays open,
   as not everything below it survives being unloaded.

   Its start is slow (plug-ins for GPUs and PCI, files of /sys), so everything that is not needed is switched off: all
   object types but a few, all discovery but that of CPUs and memory. It must not move the calling thread either. */
#include <dlfcn.h>
#include <hwloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "topo/machine.h"

/* The functions in use; the header gives their types. Version 2.0 has all but the last one. */
/* clang-format off */
#define REQUIRED(use)                        \
    use(hwloc_topology_init)                 \
    use(hwloc_topology_destroy)              \
    use(hwloc_topology_load)                 \
    use(hwloc_topology_set_flags)            \
    use(hwloc_topology_set_all_types_filter) \
    use(hwloc_topology_set_type_filter)      \
    use(hwloc_get_type_depth)                \
    use(hwloc_get_nbobjs_by_depth)           \
    use(hwloc_get_obj_by_depth)              \
    use(hwloc_bitmap_isset)                  \
    use(hwloc_topology_is_thissystem)        \
    use(hwloc_distances_get_by_type)         \
    use(hwloc_distances_release)
#define OPTIONAL(use) \
    use(hwloc_topology_set_components)
/* clang-format on */

struct hwloc {
#define MEMBER(name) __typeof__(&name) name;
    REQUIRED(MEMBER) OPTIONAL(MEMBER)
#undef MEMBER
};

static _Atomic(struct mo_machine *) machine;

const struct mo_machine *mo_topo_machine(void)
{
    return mo_load_acquire(&machine); /* pairs with the release in read_once() */
}

static bool find_functions(void *library, struct hwloc *h)
{
    bool complete = true;
#define FIND(name)     h->name = (__typeof__(h->name))dlsym(library, #name);
#define FIND_ALL(name) FIND(name) complete = complete && h->name != NULL;
    REQUIRED(FIND_ALL)
    OPTIONAL(FIND)
#undef FIND_ALL
#undef FIND
    return complete;
}

static void leave_out_devices(const struct hwloc *h, hwloc_topology_t topology)
{
    static const char *const components[] = {"pci", "opencl", "cuda", "nvml", "rsmi", "levelzero", "gl"};
    if (h->hwloc_topology_set_components == NULL)
        return;
    for (unsigned i = 0; i < sizeof components / sizeof components[0]; i++)
        h->hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, components[i]);
}

/* Older releases refuse flags that they do not know; what the process may not use is wanted at least, as the affinity
   mask may change later. */
static void set_flags(const struct hwloc *h, hwloc_topology_t topology)
{
    unsigned long flags = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED;
#if HWLOC_API_VERSION >= 0x00020800
    unsigned long quick =
        HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS | HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS;
    if (h->hwloc_topology_set_flags(topology, flags | quick) == 0)
        return;
#endif
    h->hwloc_topology_set_flags(topology, flags);
}

/* Groups carry nodes that are smaller than a package: without them such a node would hang at the whole machine and its
   CPUs would seem local to all nodes. */
static void configure(const struct hwloc *h, hwloc_topology_t topology)
{
    static const hwloc_obj_type_t wanted[] = {HWLOC_OBJ_PACKAGE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_CORE};
    leave_out_devices(h, topology);
    set_flags(h, topology);
    h->hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
    for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        h->hwloc_topology_set_type_filter(topology, wanted[i], HWLOC_TYPE_FILTER_KEEP_ALL);
    h->hwloc_topology_set_type_filter(topology, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
}

static unsigned count_objects(const struct hwloc *h, hwloc_topology_t topology, hwloc_obj_type_t type)
{
    int depth = h->hwloc_get_type_depth(topology, type);
    return depth == HWLOC_TYPE_DEPTH_UNKNOWN ? 0 : h->hwloc_get_nbobjs_by_depth(topology, depth);
}

static hwloc_obj_t get_object(const struct hwloc *h, hwloc_topology_t topology, hwloc_obj_type_t type, unsigned index)
{
    return h->hwloc_get_obj_by_depth(topology, h->hwloc_get_type_depth(topology, type), index);
}

static unsigned ancestor(hwloc_obj_t object, hwloc_obj_type_t type)
{
    for (; object != NULL; object = object->parent)
        if (object->type == type)
            return object->logical_index;
    return MO_SITE_NONE;
}

/* A CPU may be local to several nodes (fast and large memory); the first one stands for all. */
static unsigned node_of(const struct hwloc *h, hwloc_topology_t topology, hwloc_obj_t pu, unsigned nodes)
{
    for (unsigned i = 0; i < nodes; i++)
        if (h->hwloc_bitmap_isset(pu->nodeset, get_object(h, topology, HWLOC_OBJ_NUMANODE, i)->os_index))
            return i;
    return MO_SITE_NONE;
}

static void place_cpus(const struct hwloc *h, hwloc_topology_t topology, struct mo_machine *m)
{
    hwloc_obj_type_t last_cache = m->summary.l3_caches > 0 ? HWLOC_OBJ_L3CACHE : HWLOC_OBJ_L2CACHE;
    for (unsigned cpu = 0; cpu < m->sites.cpu_limit; cpu++)
        m->sites.site[cpu] = mo_site_unknown;
    for (unsigned i = 0; i < m->summary.pus; i++) {
        hwloc_obj_t pu = get_object(h, topology, HWLOC_OBJ_PU, i);
        m->in_order[i] = pu->os_index;
        m->sites.site[pu->os_index] = (struct mo_site){.package = ancestor(pu, HWLOC_OBJ_PACKAGE),
                                                       .node = node_of(h, topology, pu, m->summary.nodes),
                                                       .cache = ancestor(pu, last_cache),
                                                       .core = ancestor(pu, HWLOC_OBJ_CORE)};
    }
}

/* 3 for the nearest other nodes, one more for each longer distance that occurs between two nodes. */
static unsigned rank_of(const struct hwloc_distances_s *d, hwloc_uint64_t value)
{
    unsigned rank = MO_DISTANCE_REMOTE;
    hwloc_uint64_t below = 0;
    for (;;) { /* one round for each distinct distance below `value`, in rising order */
        hwloc_uint64_t next = value;
        for (unsigned i = 0; i < d->nbobjs * d->nbobjs; i++)
            if (i / d->nbobjs != i % d->nbobjs && d->values[i] > below && d->values[i] < next)
                next = d->values[i];
        if (next == value || rank == UINT8_MAX)
            return rank;
        below = next;
        rank++;
    }
}

static void rank_nodes(const struct hwloc *h, hwloc_topology_t topology, struct mo_machine *m)
{
    unsigned nodes = m->summary.nodes, found = 1;
    for (unsigned i = 0; i < nodes; i++)
        m->node_number[i] = get_object(h, topology, HWLOC_OBJ_NUMANODE, i)->os_index;
    for (unsigned i = 0; i < nodes * nodes; i++)
        m->node_level[i] = i / nodes == i % nodes ? MO_DISTANCE_NODE : MO_DISTANCE_REMOTE;
    struct hwloc_distances_s *d = NULL;
    unsigned long kind = HWLOC_DISTANCES_KIND_MEANS_LATENCY;
    if (h->hwloc_distances_get_by_type(topology, HWLOC_OBJ_NUMANODE, &found, &d, kind, 0) != 0 || found == 0)
        return;
    for (unsigned i = 0; i < d->nbobjs * d->nbobjs; i++) {
        unsigned from = d->objs[i / d->nbobjs]->logical_index, to = d->objs[i % d->nbobjs]->logical_index;
        if (from != to)
            m->node_level[from * nodes + to] = (uint8_t)rank_of(d, d->values[i]);
    }
    h->hwloc_distances_release(topology, d);
}

static unsigned find_cpu_limit(const struct hwloc *h, hwloc_topology_t topology, unsigned pus)
{
    unsigned limit = 0;
    for (unsigned i = 0; i < pus; i++) {
        unsigned cpu = get_object(h, topology, HWLOC_OBJ_PU, i)->os_index;
        limit = cpu >= limit ? cpu + 1 : limit;
    }
    return limit;
}

static struct mo_machine *copy_machine(const struct hwloc *h, hwloc_topology_t topology)
{
    struct mo_topo_summary summary = {.loaded = true,
                                      .nodes = count_objects(h, topology, HWLOC_OBJ_NUMANODE),
                                      .packages = count_objects(h, topology, HWLOC_OBJ_PACKAGE),
                                      .l3_caches = count_objects(h, topology, HWLOC_OBJ_L3CACHE),
                                      .cores = count_objects(h, topology, HWLOC_OBJ_CORE),
                                      .pus = count_objects(h, topology, HWLOC_OBJ_PU)};
    unsigned cpu_limit = find_cpu_limit(h, topology, summary.pus);
    size_t site_bytes = cpu_limit * sizeof(struct mo_site), levels = (size_t)summary.nodes * summary.nodes;
    size_t number_bytes = (summary.pus + (size_t)summary.nodes) * sizeof(unsigned);
    struct mo_machine *m = malloc(sizeof *m + site_bytes + number_bytes + levels);
    if (m == NULL)
        return NULL;
    m->summary = summary;
    m->sites = (struct mo_sites){.cpu_limit = cpu_limit, .site = (struct mo_site *)(m + 1)};
    m->in_order = (unsigned *)((char *)m->sites.site + site_bytes);
    m->node_number = m->in_order + summary.pus;
    m->node_level = (uint8_t *)(m->node_number + summary.nodes);
    m->foreign = !h->hwloc_topology_is_thissystem(topology);
    place_cpus(h, topology, m);
    rank_nodes(h, topology, m);
    return m;
}

static struct mo_machine *read_machine(void)
{
    struct hwloc h;
    hwloc_topology_t topology;
    struct mo_machine *m = NULL;
    void *library = dlopen("libhwloc.so.15", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return NULL;
    if (find_functions(library, &h) && h.hwloc_topology_init(&topology) == 0) {
        configure(&h, topology);
        if (h.hwloc_topology_load(topology) == 0)
            m = copy_machine(&h, topology);
        h.hwloc_topology_destroy(topology);
    }
    return m;
}

/* A child that was forked while another thread was in here starts over, but hwloc's own locks may be held by that
   thread, which the child does not have: flat is the safe answer there. */
static void read_once(void)
{
    static _Atomic bool begun;
    if (!atomic_exchange_explicit(&begun, true, memory_order_relaxed))
        mo_store_release(&machine, read_machine());
}

bool mo_topo_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_once);
    return mo_topo_machine() != NULL;
}
