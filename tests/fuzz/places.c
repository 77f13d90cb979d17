/* OMP_PLACES (second byte other than 'c') and GOMP_CPU_AFFINITY ('c') on a made-up machine, which the first byte
   chooses.

   Required: places are not empty, not more than the limit, and have usable CPUs alone; a refused text has a reason and
   no places; small lists are what a simple reading of the grammar says; places written as a list are read as the same
   places; places by name are a partition of the usable CPUs, each of them one thing of the machine. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/parse.h"
#include "topo/places.h"
#include "topo/topo.h"

#define BITS     MO_MASK_BITS
#define WORDS    MO_MASK_WORDS
#define CPUS_MAX 320 /* of the simple reading, and of a machine that has sites */
#define LIST_MAX 96

/* CPUs 0, stride, 2 * stride, ... below `limit` are usable. */
static const struct machine {
    unsigned limit, stride;
} machines[] = {{1, 1}, {4, 1}, {8, 1}, {64, 1}, {65, 1}, {128, 3}, {300, 1}, {MO_CPUS_MAX, 1}};
#define MACHINES (sizeof machines / sizeof machines[0])

static bool has(const unsigned long *mask, unsigned words, unsigned cpu)
{
    return cpu / BITS < words && (mask[cpu / BITS] >> cpu % BITS & 1) != 0;
}

static unsigned make_usable(const struct machine *m, unsigned long mask[WORDS])
{
    memset(mask, 0, WORDS * sizeof mask[0]);
    for (unsigned cpu = 0; cpu < m->limit; cpu += m->stride)
        mask[cpu / BITS] |= 1ul << cpu % BITS;
    return (m->limit - 1) / m->stride * m->stride / BITS + 1;
}

/* ---- A simple reading: rows of bytes. A text that needs more room than there is is left to the other checks. */
struct simple {
    unsigned char described[CPUS_MAX], place[LIST_MAX][CPUS_MAX];
    unsigned count;
    bool wrong, too_large;
};

static bool simple_cpus(void *arg, unsigned first, unsigned count, int stride)
{
    struct simple *s = arg;
    long long cpu = first;
    for (unsigned i = 0; i < count && !s->too_large; i++, cpu += stride) {
        REQUIRE(cpu >= 0 && cpu < MO_CPUS_MAX, "CPU %lld", cpu);
        s->too_large = cpu >= CPUS_MAX;
        if (!s->too_large)
            s->described[cpu] = 1;
    }
    return !s->too_large;
}

static bool simple_remove_cpu(void *arg, unsigned cpu)
{
    struct simple *s = arg;
    s->too_large = cpu >= CPUS_MAX;
    s->wrong = !s->too_large && !s->described[cpu];
    if (!s->too_large && !s->wrong)
        s->described[cpu] = 0;
    return !s->too_large && !s->wrong;
}

static bool simple_places(void *arg, unsigned count, int stride)
{
    struct simple *s = arg;
    s->wrong = memchr(s->described, 1, CPUS_MAX) == NULL;
    for (unsigned i = 0; i < count && !s->wrong && !s->too_large; i++) {
        s->too_large = s->count == LIST_MAX;
        for (int cpu = 0; cpu < CPUS_MAX && !s->wrong && !s->too_large; cpu++) {
            long long to = cpu + (long long)i * stride;
            if (!s->described[cpu])
                continue;
            s->wrong = to < 0;
            s->too_large = to >= CPUS_MAX;
            if (!s->wrong && !s->too_large)
                s->place[s->count][to] = 1;
        }
        s->count++;
    }
    memset(s->described, 0, sizeof s->described);
    return !s->wrong && !s->too_large;
}

static bool simple_remove_place(void *arg)
{
    struct simple *s = arg;
    unsigned at = 0;
    while (at < s->count && memcmp(s->place[at], s->described, CPUS_MAX) != 0)
        at++;
    s->wrong = at == s->count;
    if (s->wrong)
        return false;
    memmove(s->place[at], s->place[at + 1], (s->count - at - 1) * CPUS_MAX);
    memset(s->place[--s->count], 0, CPUS_MAX);
    memset(s->described, 0, sizeof s->described);
    return true;
}

static void check_simple(const struct simple *s, bool accepted, const struct mo_places *p, const unsigned long *usable,
                         unsigned words)
{
    unsigned count = 0;
    for (unsigned i = 0; i < s->count; i++) {
        bool kept = false;
        for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
            kept |= s->place[i][cpu] && has(usable, words, cpu);
        if (!kept)
            continue;
        REQUIRE(accepted && count < p->count, "place %u is missing", i);
        for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
            REQUIRE(has(mo_place_mask(p, count), p->words, cpu) == (s->place[i][cpu] && has(usable, words, cpu)),
                    "CPU %u in place %u", cpu, i);
        count++;
    }
    REQUIRE(count == p->count && accepted == (count > 0), "%u places instead of %u", p->count, count);
}

static void compare_with_simple(const char *text, bool cpus, bool accepted, const struct mo_places *p,
                                const unsigned long *usable, unsigned words)
{
    static struct simple s;
    const struct mo_places_reader reader = {simple_cpus, simple_remove_cpu, simple_places, simple_remove_place, &s};
    memset(&s, 0, sizeof s);
    bool read = cpus ? mo_places_read_cpus(text, &reader) : mo_places_read_list(text, &reader);
    if (s.too_large)
        return;
    if (read)
        check_simple(&s, accepted, p, usable, words);
    else
        REQUIRE(!accepted, "%s is accepted", text);
}

/* ---- Places whatever they come from. */
static void check_places(const struct mo_places *p, const unsigned long *usable, unsigned words)
{
    REQUIRE(p->count >= 1 && p->count <= MO_PLACES_MAX && p->words <= words, "%u places, %u words", p->count, p->words);
    for (unsigned i = 0; i < p->count; i++) {
        unsigned long any = 0;
        for (unsigned w = 0; w < p->words; w++) {
            unsigned long here = mo_place_mask(p, i)[w];
            REQUIRE((here & ~usable[w]) == 0, "place %u has what is not usable", i);
            any |= here;
        }
        REQUIRE(any != 0, "place %u is empty", i);
    }
}

/* As OMP_PLACES would have it; NULL: too long to be worth it. From malloc(). */
static char *write_list(const struct mo_places *p)
{
    char *text = NULL;
    size_t bytes = 0;
    if ((size_t)p->count * p->words > 1024)
        return NULL;
    FILE *out = open_memstream(&text, &bytes);
    REQUIRE(out != NULL, "no memory");
    for (unsigned i = 0; i < p->count; i++) {
        const char *before = i > 0 ? ",{" : "{";
        for (unsigned cpu = 0; cpu < p->words * BITS; cpu++) {
            if (!has(mo_place_mask(p, i), p->words, cpu))
                continue;
            fprintf(out, "%s%u", before, cpu);
            before = ",";
        }
        fputc('}', out);
    }
    fclose(out);
    return text;
}

static void check_rereading(const struct mo_places *p, const unsigned long *usable, unsigned words)
{
    struct mo_places again;
    struct mo_places_loss loss;
    char *text = write_list(p);
    if (text == NULL)
        return;
    const char *wrong = mo_places_from_list(text, false, usable, words, &again, &loss);
    REQUIRE(wrong == NULL && loss.cpus == 0 && loss.places == 0, "%s %s", text,
            wrong != NULL ? wrong : "loses something");
    REQUIRE(again.count == p->count, "%s has %u places", text, again.count);
    for (unsigned i = 0; i < p->count; i++)
        for (unsigned cpu = 0; cpu < words * BITS; cpu++)
            REQUIRE(has(mo_place_mask(p, i), p->words, cpu) == has(mo_place_mask(&again, i), again.words, cpu),
                    "CPU %u of place %u of %s", cpu, i, text);
    free(again.mask);
    free(text);
}

static void try_list(const char *text, bool cpus, const unsigned long *usable, unsigned words)
{
    struct mo_places p;
    struct mo_places_loss loss;
    const char *wrong = mo_places_from_list(text, cpus, usable, words, &p, &loss);
    if (wrong == NULL) {
        REQUIRE(cpus ? mo_places_read_cpus(text, NULL) : mo_places_well_formed(text), "%s", text);
        check_places(&p, usable, words);
        check_rereading(&p, usable, words);
    } else {
        REQUIRE(wrong[0] != '\0' && p.count == 0 && p.mask == NULL, "%s %s", text, wrong);
    }
    compare_with_simple(text, cpus, wrong == NULL, &p, usable, words);
    free(p.mask);
}

/* ---- Names. Two threads a core, four cores a cache, two caches a node, two nodes a package. */
static void make_sites(const struct machine *m, struct mo_site site[CPUS_MAX])
{
    for (unsigned cpu = 0; cpu < m->limit; cpu++)
        site[cpu] = (struct mo_site){.package = cpu / 32, .node = cpu / 16, .cache = cpu / 8, .core = cpu / 2};
}

static unsigned thing(enum mo_places_name name, unsigned cpu)
{
    static const unsigned size[] = {[MO_PLACES_THREADS] = 1,
                                    [MO_PLACES_CORES] = 2,
                                    [MO_PLACES_LL_CACHES] = 8,
                                    [MO_PLACES_SOCKETS] = 32,
                                    [MO_PLACES_NUMA_DOMAINS] = 16};
    return cpu / size[name];
}

/* Places are numbered as the things are, from 0 without holes: every other CPU at most is missing. */
static void check_partition(enum mo_places_name name, unsigned limit, const struct mo_places *p,
                            const unsigned long *usable, unsigned words)
{
    unsigned seen = 0, last = 0;
    REQUIRE(p->count <= limit, "%u of %u places", p->count, limit);
    for (unsigned cpu = 0; cpu < words * BITS; cpu++) {
        if (!has(usable, words, cpu))
            continue;
        if (seen == 0 || thing(name, cpu) != last)
            seen++;
        last = thing(name, cpu);
        for (unsigned i = 0; i < p->count; i++)
            REQUIRE(has(mo_place_mask(p, i), p->words, cpu) == (i + 1 == seen), "CPU %u in place %u", cpu, i);
    }
    REQUIRE(p->count == (seen < limit ? seen : limit), "%u of %u places", p->count, seen);
}

static void try_name(const struct machine *m, enum mo_places_name name, unsigned limit, const unsigned long *usable,
                     unsigned words)
{
    static struct mo_site site[CPUS_MAX];
    const struct mo_sites sites = {m->limit, site};
    struct mo_places p;
    REQUIRE(name <= MO_PLACES_NUMA_DOMAINS && limit >= 1 && limit <= MO_PLACES_MAX, "limit %u", limit);
    if (m->limit > CPUS_MAX)
        return;
    make_sites(m, site);
    REQUIRE(mo_places_from_name(name, limit, &sites, usable, words, &p), "no memory");
    check_places(&p, usable, words);
    check_partition(name, limit, &p, usable, words);
    free(p.mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static unsigned long usable[WORDS];
    if (bytes < 2)
        return 0;
    const struct machine *m = &machines[data[0] % MACHINES];
    char *text = fuzz_text(data + 2, bytes - 2);
    unsigned words = make_usable(m, usable), limit;
    enum mo_places_name name;
    bool cpus = data[1] == 'c';
    if (!cpus && mo_places_read_name(text, &name, &limit)) {
        REQUIRE(mo_places_well_formed(text), "%s", text);
        REQUIRE(!mo_places_read_list(text, NULL), "%s is a name and a list", text);
        try_name(m, name, limit, usable, words);
    } else {
        try_list(text, cpus, usable, words);
    }
    free(text);
    return 0;
}
