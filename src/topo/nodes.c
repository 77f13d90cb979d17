/* NUMA nodes by /sys: how many there are, which of them have memory, and which memory is faster than other memory. */
#include "topo/topo.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/lines.h"

#define NODE_FOLDER "/sys/devices/system/node"

static void add_node(struct mo_node_mask *nodes, unsigned node)
{
    nodes->bits[node / (8 * sizeof nodes->bits[0])] |= 1ul << node % (8 * sizeof nodes->bits[0]);
}

unsigned mo_topo_next_node(const struct mo_node_mask *nodes, unsigned from)
{
    while (from < MO_PLAT_NODES_MAX &&
           !(nodes->bits[from / (8 * sizeof nodes->bits[0])] >> from % (8 * sizeof nodes->bits[0]) & 1))
        from++;
    return from;
}

/* Numbers in a list like "0-3,8". */
static void add_list(struct mo_node_mask *nodes, const char *text)
{
    for (char *end; *text >= '0' && *text <= '9'; text = *end == ',' ? end + 1 : end) {
        unsigned long first = strtoul(text, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (; first <= last && first < MO_PLAT_NODES_MAX; first++)
            add_node(nodes, (unsigned)first);
    }
}

/* Of the mask, not of the list: that may name a node twice. */
static unsigned count_nodes(const struct mo_node_mask *nodes)
{
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof nodes->bits / sizeof nodes->bits[0]; i++)
        count += (unsigned)__builtin_popcountl(nodes->bits[i]);
    return count;
}

/* The nodes that a file of the folder lists; node 0 where it does not tell. */
static unsigned read_nodes(const char *root, const char *file, struct mo_node_mask *nodes)
{
    char path[PATH_MAX], text[1024];
    memset(nodes, 0, sizeof *nodes);
    snprintf(path, sizeof path, "%s" NODE_FOLDER "/%s", root, file);
    if (mo_lines_first(path, text, sizeof text))
        add_list(nodes, text);
    if (mo_topo_next_node(nodes, 0) == MO_PLAT_NODES_MAX)
        add_node(nodes, 0);
    return count_nodes(nodes);
}

unsigned mo_topo_nodes_online(void)
{
    struct mo_node_mask nodes;
    return read_nodes("", "online", &nodes);
}

unsigned mo_topo_memory_nodes_at(const char *root, struct mo_node_mask *nodes)
{
    return read_nodes(root, "has_memory", nodes);
}

/* MiB/s that the nearest processors reach; 0 where the firmware does not tell. */
static unsigned long bandwidth(const char *root, unsigned node)
{
    char path[PATH_MAX], text[64];
    snprintf(path, sizeof path, "%s" NODE_FOLDER "/node%u/access0/initiators/read_bandwidth", root, node);
    return mo_lines_first(path, text, sizeof text) ? strtoul(text, NULL, 10) : 0;
}

static unsigned long slowest(const char *root, const struct mo_node_mask *nodes)
{
    unsigned long least = ULONG_MAX;
    for (unsigned n = mo_topo_next_node(nodes, 0); n < MO_PLAT_NODES_MAX; n = mo_topo_next_node(nodes, n + 1)) {
        unsigned long here = bandwidth(root, n);
        least = here < least ? here : least;
    }
    return least;
}

/* Twice as fast as the slowest memory is what sets kinds of memory apart; nodes of one kind differ by less. */
unsigned mo_topo_fast_nodes_at(const char *root, struct mo_node_mask *fast)
{
    struct mo_node_mask nodes;
    unsigned count = 0;
    memset(fast, 0, sizeof *fast);
    if (mo_topo_memory_nodes_at(root, &nodes) < 2)
        return 0;
    unsigned long least = slowest(root, &nodes);
    if (least == 0)
        return 0;
    for (unsigned n = mo_topo_next_node(&nodes, 0); n < MO_PLAT_NODES_MAX; n = mo_topo_next_node(&nodes, n + 1)) {
        if (bandwidth(root, n) / 2 < least)
            continue;
        add_node(fast, n);
        count++;
    }
    return count;
}

unsigned mo_topo_memory_nodes(struct mo_node_mask *nodes)
{
    return mo_topo_memory_nodes_at("", nodes);
}

unsigned mo_topo_fast_nodes(struct mo_node_mask *fast)
{
    return mo_topo_fast_nodes_at("", fast);
}
