/* Files of /proc and /sys. The first byte chooses the reader: 'q' the CPU quota, 'n' the nodes, 's' the sites of CPUs,
   'l' the lines of one file. The second bounds what a read gives, with '0' for no bound. The rest is the files: a line
   that begins with @ is a path, what follows is its text; for 'l' it is one text.

   Required: results are in bounds and do not depend on how the reads fall; every file that was opened is closed; lines
   are those of the text; counts are those of the masks; a single quota is rounded up. */
#include "fuzz/fuzz.h"

#include <limits.h>
#include <string.h>

#include "topo/lines.h"
#include "topo/places.h"
#include "topo/topo.h"

static struct world_file files[WORLD_FILES_MAX];

/* Paths end in place. */
static unsigned split(char *text, size_t bytes)
{
    char *at = text, *end = text + bytes;
    unsigned count = 0;
    while (at < end && *at == '@' && count < WORLD_FILES_MAX) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL)
            break;
        *newline = '\0';
        char *begin = newline + 1, *next = begin;
        while (next < end && *next != '@') {
            char *line = memchr(next, '\n', (size_t)(end - next));
            next = line != NULL ? line + 1 : end;
        }
        files[count++] = (struct world_file){at + 1, (uint8_t *)begin, (size_t)(next - begin)};
        at = next;
    }
    return count;
}

/* ---- Lines. */
static void check_lines(const char *text, size_t bytes)
{
    struct mo_lines lines;
    size_t at = 0;
    REQUIRE(mo_lines_open(&lines, WORLD_ROOT "/text"), "open");
    for (char *line; (line = mo_lines_next(&lines)) != NULL;) {
        REQUIRE(at < bytes, "a line behind the end");
        const char *newline = memchr(text + at, '\n', bytes - at);
        size_t length = newline != NULL ? (size_t)(newline - text) - at : bytes - at;
        size_t kept = length < MO_LINE_BYTES - 1 ? length : MO_LINE_BYTES - 1;
        REQUIRE(memcmp(line, text + at, kept) == 0 && line[kept] == '\0', "line at %zu", at);
        at += length + 1;
    }
    REQUIRE(at >= bytes, "%zu of %zu bytes", at, bytes);
    mo_lines_close(&lines);
}

static void check_first(const char *text, size_t bytes)
{
    static char room[80];
    memset(room, '#', sizeof room);
    bool any = mo_lines_first(WORLD_ROOT "/text", room, 64);
    size_t length = strcspn(text, "\n");
    REQUIRE(any == (bytes > 0), "%zu bytes", bytes);
    REQUIRE(room[64] == '#', "overrun");
    length = length < 63 ? length : 63;
    if (any)
        REQUIRE(strlen(room) == length && memcmp(room, text, length) == 0, "%s", room);
}

static void try_lines(char *text, size_t bytes, size_t read_bytes)
{
    const struct world_file file = {"/text", (uint8_t *)text, bytes};
    world_show(&file, 1, read_bytes);
    check_lines(text, bytes);
    check_first(text, bytes);
}

/* ---- The quota. */
/* Where a single file may set a quota and begins with two short numbers, it sets that one, rounded up, or none. */
static void check_single_quota(unsigned count, unsigned cpus)
{
    const struct world_file *quota = NULL;
    char text[64];
    unsigned long long part, whole;
    for (unsigned i = 0; i < count; i++) {
        if (strstr(files[i].path, "/cpu.") != NULL && quota != NULL)
            return;
        if (strstr(files[i].path, "/cpu.") != NULL)
            quota = &files[i];
    }
    if (quota == NULL || strstr(quota->path, "/cpu.max") == NULL)
        return;
    snprintf(text, sizeof text, "%.*s", (int)(quota->bytes < sizeof text ? quota->bytes : sizeof text - 1),
             quota->text);
    text[strcspn(text, "\n")] = '\0';
    size_t digits = strspn(text, "0123456789"),
           more = text[digits] == ' ' ? strspn(text + digits + 1, "0123456789") : 0;
    if (digits == 0 || digits > 9 || more == 0 || more > 9 || sscanf(text, "%llu %llu", &part, &whole) != 2 ||
        whole == 0)
        return;
    unsigned wanted = part == 0 ? 1 : (unsigned)((part + whole - 1) / whole);
    REQUIRE(cpus == wanted || cpus == UINT_MAX, "%s is %u CPUs", text, cpus);
}

static void try_quota(unsigned count, size_t read_bytes)
{
    world_show(files, count, read_bytes);
    unsigned cpus = mo_topo_quota_cpus_at(WORLD_ROOT);
    REQUIRE(cpus >= 1, "%u", cpus);
    world_show(files, count, 0);
    unsigned again = mo_topo_quota_cpus_at(WORLD_ROOT);
    REQUIRE(again == cpus, "%u and %u", cpus, again);
    check_single_quota(count, cpus);
    bool limit = false;
    for (unsigned i = 0; i < count; i++)
        limit |= strstr(files[i].path, "/cpu.") != NULL && files[i].bytes > 0;
    REQUIRE(limit || cpus == UINT_MAX, "%u without a file that says so", cpus);
}

/* ---- Nodes. */
static unsigned count_nodes(const struct mo_node_mask *nodes)
{
    unsigned count = 0;
    for (unsigned node = mo_topo_next_node(nodes, 0); node < MO_PLAT_NODES_MAX;
         node = mo_topo_next_node(nodes, node + 1))
        count++;
    return count;
}

static void try_nodes(unsigned count, size_t read_bytes)
{
    struct mo_node_mask nodes, fast, again;
    world_show(files, count, read_bytes);
    unsigned all = mo_topo_memory_nodes_at(WORLD_ROOT, &nodes), some = mo_topo_fast_nodes_at(WORLD_ROOT, &fast);
    REQUIRE(all >= 1 && all == count_nodes(&nodes), "%u nodes, but %u are in the mask", all, count_nodes(&nodes));
    REQUIRE(some == count_nodes(&fast), "%u nodes, but %u are in the mask", some, count_nodes(&fast));
    REQUIRE(some < all, "all %u nodes are faster than the slowest", all);
    for (unsigned node = mo_topo_next_node(&fast, 0); node < MO_PLAT_NODES_MAX;
         node = mo_topo_next_node(&fast, node + 1))
        REQUIRE(mo_topo_next_node(&nodes, node) == node, "node %u has no memory", node);
    world_show(files, count, 0);
    REQUIRE(mo_topo_memory_nodes_at(WORLD_ROOT, &again) == all && memcmp(&again, &nodes, sizeof nodes) == 0, "reads");
}

/* ---- Sites: whatever /sys says, places by name share out the usable CPUs. */
static const unsigned long usable[] = {0xff, 0x3};
#define WORDS (sizeof usable / sizeof usable[0])

static void check_partition(const struct mo_sites *sites, enum mo_places_name name)
{
    struct mo_places p;
    unsigned long all[WORDS] = {0};
    REQUIRE(mo_places_from_name(name, MO_PLACES_MAX, sites, usable, WORDS, &p), "no memory");
    for (unsigned i = 0; i < p.count; i++)
        for (unsigned w = 0; w < WORDS; w++) {
            REQUIRE((all[w] & mo_place_mask(&p, i)[w]) == 0, "place %u has another one's CPUs", i);
            all[w] |= mo_place_mask(&p, i)[w];
        }
    REQUIRE(memcmp(all, usable, sizeof usable) == 0, "CPUs are lost");
    free(p.mask);
}

static void try_sites(unsigned count, size_t read_bytes)
{
    struct mo_sites sites, again;
    world_show(files, count, read_bytes);
    bool any = mo_sites_read(WORLD_ROOT, usable, WORDS, &sites);
    world_show(files, count, 0);
    REQUIRE(mo_sites_read(WORLD_ROOT, usable, WORDS, &again) == any, "reads");
    if (!any)
        return;
    REQUIRE(sites.cpu_limit == WORDS * MO_MASK_BITS, "%u", sites.cpu_limit);
    REQUIRE(memcmp(sites.site, again.site, sites.cpu_limit * sizeof *sites.site) == 0, "reads");
    for (unsigned cpu = 0; cpu < sites.cpu_limit; cpu++)
        REQUIRE(sites.site[cpu].node < MO_PLAT_NODES_MAX || sites.site[cpu].node == MO_SITE_NONE, "CPU %u", cpu);
    for (enum mo_places_name name = MO_PLACES_THREADS; name <= MO_PLACES_NUMA_DOMAINS; name++)
        check_partition(&sites, name);
    free(sites.site);
    free(again.site);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 2)
        return 0;
    size_t read_bytes = data[1] != '0' ? (size_t)data[1] : 0;
    char *text = fuzz_text(data + 2, bytes - 2);
    if (data[0] == 'l')
        try_lines(text, bytes - 2, read_bytes);
    else if (data[0] == 'n')
        try_nodes(split(text, bytes - 2), read_bytes);
    else if (data[0] == 's')
        try_sites(split(text, bytes - 2), read_bytes);
    else
        try_quota(split(text, bytes - 2), read_bytes);
    REQUIRE(world_open_files() == 0, "%u files are open", world_open_files());
    free(text);
    return 0;
}
