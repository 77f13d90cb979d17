/* Where CPUs are by /sys, for machines without hwloc. A thing that CPUs share has the number of its first CPU, which is
   what /sys tells of each; a node has its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/lines.h"
#include "topo/machine.h"

#define PATH_BYTES   256
#define LIST_BYTES   2048
#define CACHES_MAX   16
#define NODES_MAX    1024
#define CPUS_FOLDER  "/sys/devices/system/cpu"
#define NODES_FOLDER "/sys/devices/system/node"

static bool read_list(const char *path, char list[LIST_BYTES])
{
    return mo_lines_first(path, list, LIST_BYTES) && list[0] >= '0' && list[0] <= '9';
}

/* The first CPU of a list like "0-3,8" in the file `name` of a CPU's folder. */
static unsigned first_of(const char *root, unsigned cpu, const char *name)
{
    char path[PATH_BYTES], list[LIST_BYTES];
    snprintf(path, sizeof path, "%s" CPUS_FOLDER "/cpu%u/%s", root, cpu, name);
    return read_list(path, list) ? (unsigned)strtoul(list, NULL, 10) : MO_SITE_NONE;
}

/* Newer kernels have the first name, older ones the second. */
static unsigned first_of_either(const char *root, unsigned cpu, const char *name, const char *old_name)
{
    unsigned first = first_of(root, cpu, name);
    return first != MO_SITE_NONE ? first : first_of(root, cpu, old_name);
}

/* Folders of caches are in no order that counts; a first-level cache is no place. */
static unsigned last_cache(const char *root, unsigned cpu)
{
    unsigned last = MO_SITE_NONE, last_level = 1;
    for (unsigned i = 0; i < CACHES_MAX; i++) {
        char path[PATH_BYTES], level[16], name[64];
        snprintf(path, sizeof path, "%s" CPUS_FOLDER "/cpu%u/cache/index%u/level", root, cpu, i);
        snprintf(name, sizeof name, "cache/index%u/shared_cpu_list", i);
        if (!mo_lines_first(path, level, sizeof level))
            break;
        if (strtoul(level, NULL, 10) > last_level) {
            last_level = (unsigned)strtoul(level, NULL, 10);
            last = first_of(root, cpu, name);
        }
    }
    return last;
}

static void read_node(const char *root, unsigned node, struct mo_sites *sites)
{
    char path[PATH_BYTES], list[LIST_BYTES];
    snprintf(path, sizeof path, "%s" NODES_FOLDER "/node%u/cpulist", root, node);
    if (!read_list(path, list))
        return;
    for (char *at = list; *at >= '0' && *at <= '9'; at += *at == ',') {
        unsigned long first = strtoul(at, &at, 10), last = first;
        if (*at == '-')
            last = strtoul(at + 1, &at, 10);
        for (; first <= last && first < sites->cpu_limit; first++)
            sites->site[first].node = node;
    }
}

bool mo_sites_read(const char *root, const unsigned long *mask, unsigned words, struct mo_sites *sites)
{
    bool any = false;
    sites->cpu_limit = words * (unsigned)MO_MASK_BITS;
    sites->site = malloc(sites->cpu_limit * sizeof *sites->site);
    if (sites->site == NULL)
        return false;
    for (unsigned cpu = 0; cpu < sites->cpu_limit; cpu++) {
        struct mo_site *site = &sites->site[cpu];
        *site = mo_site_unknown;
        if ((mask[cpu / MO_MASK_BITS] >> cpu % MO_MASK_BITS & 1) == 0)
            continue;
        site->core = first_of_either(root, cpu, "topology/core_cpus_list", "topology/thread_siblings_list");
        site->package = first_of_either(root, cpu, "topology/package_cpus_list", "topology/core_siblings_list");
        site->cache = last_cache(root, cpu);
        any = any || site->core != MO_SITE_NONE;
    }
    for (unsigned node = 0; node < NODES_MAX; node++)
        read_node(root, node, sites);
    if (!any)
        free(sites->site);
    return any;
}

enum mo_places_answer mo_topo_places(enum mo_places_name name, unsigned limit, const unsigned long *usable,
                                     unsigned words, struct mo_places *places)
{
    struct mo_sites read = {0};
    const struct mo_sites *sites = &read;
    if (mo_topo_load())
        sites = &mo_topo_machine()->sites;
    else if (!mo_sites_read("", usable, words, &read))
        sites = NULL;
    bool done = mo_places_from_name(name, limit, sites, usable, words, places);
    if (sites == &read)
        free(read.site);
    if (!done)
        return MO_PLACES_NO_MEMORY;
    return sites != NULL || name == MO_PLACES_THREADS ? MO_PLACES_FOUND : MO_PLACES_GUESSED;
}
