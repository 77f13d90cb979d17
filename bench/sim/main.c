/* sim PROGRAM [NAME=VALUE ...]: run a program on the modelled machine and print one line of JSON.
   Programs: region, fib, wavefront. sim measure: what some of the parameters are on this machine, by real threads.
   The same file on real threads (real.c) is the program `real`, for which only the parameters of the programs count. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "measure.h"
#include "sched/internal.h"
#include "topo/topo.h"

#define WORKERS_MAX 4096

static struct {
    uint64_t workers, nodes, cores, seed, rounds, size, work, random;
} set = {.workers = 2, .nodes = 8, .cores = 16, .seed = 1, .rounds = 20, .size = 18, .work = 200};

static const struct name {
    const char *name;
    uint64_t *value;
} names[] = {
    {"workers", &set.workers},
    {"nodes", &set.nodes},
    {"cores", &set.cores},
    {"seed", &set.seed},
    {"rounds", &set.rounds},
    {"size", &set.size},
    {"work", &set.work},
    {"random", &set.random},
    {"transfer", &sim_costs.transfer[MO_DISTANCE_CACHE]},
    {"remote", &sim_costs.transfer[MO_DISTANCE_REMOTE]},
    {"pause", &sim_costs.pause},
    {"ticks", &sim_costs.ticks},
    {"yield", &sim_costs.yield},
    {"change", &sim_costs.change},
    {"call", &sim_costs.call},
    {"wake", &sim_costs.wake},
    {"latency", &sim_costs.latency},
    {"barrier", &sim_costs.barrier},
};

/* ---- Whom thieves ask. */
/* By member, as on real threads all count at the same time. */
static struct counts {
    uint64_t tasks MO_ALIGNED(MO_LINE_PAIR);
    uint64_t steals[SIM_LEVELS];
} counts[WORKERS_MAX];
static bool counting;

static void shuffle(struct mo_member *m)
{
    for (unsigned i = m->size - 2; i > 0; i--) {
        unsigned j = (unsigned)(sim_random() % (i + 1)), other = m->victims[i];
        m->victims[i] = m->victims[j];
        m->victims[j] = other;
    }
}

/* All of the runtime that steals comes here (CMakeLists.txt); with `random`, each search asks in an order of its
   own. */
#undef mo_steal
struct mo_task *mo_steal(struct mo_member *m, const struct mo_kin *kin);

struct mo_task *sim_steal(struct mo_member *m, const struct mo_kin *kin)
{
    if (set.random && m->victims && m->victims_team == m->size && !m->steal_pause)
        shuffle(m);
    struct mo_task *task = mo_steal(m, kin);
    if (task && counting && m->victims) {
        unsigned victim = m->victims[m->last_victim];
        unsigned level = mo_topo_distance(m->worker->cpu, mo_team_member(m->team, victim)->worker->cpu);
        counts[m->tid].steals[level < SIM_LEVELS ? level : SIM_LEVELS - 1]++;
    }
    return task;
}

/* ---- Programs. */
static void (*body)(struct mo_member *);
static unsigned char *introduced;

static unsigned cpu_of(const void *none, unsigned tid)
{
    (void)none;
    return tid % (unsigned)(set.nodes * set.cores);
}

static void enter(struct mo_member *m)
{
    mo_store_relaxed(&m->worker->cpu, mo_plat_cpu());
    if (!introduced[m->tid]) /* as threads that are bound to places do */
        introduced[m->tid] = mo_victims_arrange_bound(m, cpu_of, NULL);
    if (body)
        body(m);
}

static uint64_t run_region(void)
{
    uint64_t began = sim_time();
    struct mo_team *team = mo_team_open(mo_self(), (unsigned)set.workers, false);
    team->enter = enter;
    mo_team_start(team);
    enter(mo_self());
    mo_team_close_plain(team);
    return sim_time() - began;
}

static void spawn(void (*fn)(void *), uint64_t value)
{
    struct mo_member *m = mo_self();
    const struct mo_task_form form = {.bytes = sizeof value, .align = sizeof value};
    void *payload;
    struct mo_task *task = mo_task_new(m, &form, &payload);
    if (!task) {
        fprintf(stderr, "sim: out of memory\n");
        exit(1);
    }
    task->fn = fn;
    memcpy(payload, &value, sizeof value);
    mo_task_submit(m, task);
}

static void begin_task(void)
{
    counts[mo_self()->tid].tasks++;
    sim_work(set.work);
}

static void fib(void *value)
{
    uint64_t n = *(uint64_t *)value;
    begin_task();
    if (n < 2)
        return;
    spawn(fib, n - 1);
    spawn(fib, n - 2);
    mo_task_wait(mo_self());
}

static void fib_body(struct mo_member *m)
{
    if (m->tid == 0)
        spawn(fib, set.size);
}

static _Atomic uint32_t *cells; /* how many predecessors each has left */

static void cell(void *value)
{
    uint64_t at = *(uint64_t *)value, row = at / set.size, column = at % set.size;
    begin_task();
    if (row + 1 < set.size && mo_fetch_add_acq_rel(&cells[at + set.size], -1u) == 1)
        spawn(cell, at + set.size);
    if (column + 1 < set.size && mo_fetch_add_acq_rel(&cells[at + 1], -1u) == 1)
        spawn(cell, at + 1);
}

static void wavefront_body(struct mo_member *m)
{
    if (m->tid == 0)
        spawn(cell, 0);
}

/* From the start of a line on: how they share lines does not depend on what the heap holds. */
static void prepare_cells(void)
{
    free(cells);
    cells =
        aligned_alloc(MO_LINE_PAIR, (set.size * set.size * sizeof *cells + MO_LINE_PAIR - 1) & -(size_t)MO_LINE_PAIR);
    for (uint64_t i = 0; cells && i < set.size * set.size; i++)
        atomic_init(&cells[i], (i >= set.size) + (i % set.size > 0));
    if (!cells) {
        fprintf(stderr, "sim: out of memory\n");
        exit(1);
    }
}

static struct counts summed(void)
{
    struct counts sum = {0};
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        sum.tasks += counts[i].tasks;
        for (unsigned level = 0; level < SIM_LEVELS; level++)
            sum.steals[level] += counts[i].steals[level];
    }
    return sum;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_levels(const char *name, const uint64_t *count)
{
    printf(",\"%s\":[%lu,%lu,%lu,%lu]", name, count[0], count[1], count[2], count[3]);
}

static void run_program(void *name)
{
    bool tasks = strcmp(name, "region") != 0, grid = strcmp(name, "wavefront") == 0;
    uint64_t *took = calloc(set.rounds, sizeof *took);
    introduced = aligned_alloc(MO_LINE_PAIR, (set.workers + MO_LINE_PAIR - 1) & -(uint64_t)MO_LINE_PAIR);
    if (introduced)
        memset(introduced, 0, set.workers);
    body = grid ? wavefront_body : tasks ? fib_body : NULL;
    for (uint64_t r = 0; r < set.rounds + 2; r++) { /* the first two find threads and fill pools */
        if (r == 2) {
            memset(counts, 0, sizeof counts);
            counting = true;
            sim_counts = (struct sim_counts){0};
        }
        if (grid)
            prepare_cells();
        uint64_t ns = run_region();
        if (r >= 2)
            took[r - 2] = ns;
    }
    struct sim_counts end = sim_counts;
    struct counts sum = summed();
    qsort(took, set.rounds, sizeof *took, by_value);
    printf("{\"program\":\"%s\",\"workers\":%lu,\"cpus\":%lu,\"random\":%lu,\"seed\":%lu,\"ns\":%lu,\"worst\":%lu,"
           "\"tasks\":%lu",
           (char *)name, set.workers, set.nodes * set.cores, set.random, set.seed, took[set.rounds / 2],
           took[set.rounds - 1], sum.tasks / set.rounds);
    print_levels("steals", sum.steals);
    print_levels("transfers", end.transfers);
    printf(",\"sleeps\":%lu,\"yields\":%lu,\"rounds\":%lu}\n", end.sleeps, end.yields, set.rounds);
    free(took);
}

/* ---- Settings. */
static void usage(void)
{
    fprintf(stderr, "usage: sim region|fib|wavefront [NAME=VALUE ...] | measure\nnames:");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        fprintf(stderr, " %s=%lu", names[i].name, *names[i].value);
    fputc('\n', stderr);
    exit(2);
}

static void read_setting(const char *text)
{
    const char *equals = strchr(text, '=');
    for (size_t i = 0; equals && i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i].name);
        char *end;
        if (length != (size_t)(equals - text) || strncmp(text, names[i].name, length))
            continue;
        errno = 0;
        *names[i].value = strtoull(equals + 1, &end, 10);
        if (!errno && end != equals + 1 && !*end && equals[1] != '-')
            return;
    }
    fprintf(stderr, "sim: %s is no setting\n", text);
    usage();
}

static void check_settings(void)
{
    sim_costs.transfer[MO_DISTANCE_NODE] = sim_costs.transfer[MO_DISTANCE_CACHE];
    sim_costs.transfer[MO_DISTANCE_CORE] = sim_costs.transfer[MO_DISTANCE_CACHE] / 4;
    bool good = set.nodes && set.cores && set.nodes * set.cores <= SIM_CPUS_MAX && set.workers &&
                set.workers <= WORKERS_MAX && set.rounds && set.rounds <= 100000 && set.size && set.size <= 1000;
    if (good)
        return;
    fprintf(stderr, "sim: out of range: at most %d CPUs, %d workers, 100000 rounds, size 1000, and none of them 0\n",
            SIM_CPUS_MAX, WORKERS_MAX);
    usage();
}

static void set_up_topology(void)
{
    char text[100];
    snprintf(text, sizeof text, "numa:%lu l3:1 core:%lu pu:1", set.nodes, set.cores);
    setenv("HWLOC_SYNTHETIC", text, 1);
    snprintf(text, sizeof text, "%lu", set.nodes * set.cores);
    setenv("MOIRAI_CPUS", text, 1);
    if (!mo_topo_load()) {
        fprintf(stderr, "sim: hwloc cannot be loaded: install libhwloc15\n");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    sim_costs = (struct sim_costs){.transfer = {0, 60, 0, 150},
                                   .pause = 15,
                                   .ticks = 10,
                                   .yield = 760,
                                   .change = 1400,
                                   .call = 700,
                                   .wake = 1500,
                                   .latency = 8000,
                                   .barrier = 2000};
    if (argc == 2 && !strcmp(argv[1], "measure"))
        return sim_measure();
    if (argc < 2 || (strcmp(argv[1], "region") && strcmp(argv[1], "fib") && strcmp(argv[1], "wavefront")))
        usage();
    for (int i = 2; i < argc; i++)
        read_setting(argv[i]);
    check_settings();
    set_up_topology();
    sim_run((unsigned)(set.nodes * set.cores), set.seed, run_program, argv[1]);
    return 0;
}
