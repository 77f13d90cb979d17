#include "machine.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "plat/context.h"
#include "sched/sched.h"
#include "topo/topo.h"
#include "watch/watch.h"

#define STACK_BYTES  (1u << 20) /* mapped, and touched as far as it is used */
#define SLICE_NS     3000000
#define NEVER        UINT64_MAX
#define LINES_FIRST  (1u << 16)
#define SHARER_WORDS (SIM_CPUS_MAX / 64)

struct sim_costs sim_costs;
struct sim_counts sim_counts;

struct thread {
    struct mo_context context;
    struct thread *next; /* in its CPU's queue, or among the sleepers of a bucket */
    struct cpu *cpu;
    struct mo_member *self; /* these two are its thread-local variables */
    struct mo_sheet *sheet;
    char *stack;
    void *(*fn)(void *);
    void *arg;
    _Atomic uint32_t *word; /* that it sleeps on */
    uint32_t bits;
    int outcome;
    uint64_t deadline;
};

struct cpu {
    uint64_t now, slice_end;
    struct thread *running, *first, **last; /* those that wait for it */
    unsigned number, place;                 /* in the heap */
};

struct line {
    uintptr_t key;
    uint64_t free_at; /* from when on it can move again */
    unsigned owner;
    uint64_t sharers[SHARER_WORDS];
};

static struct {
    struct mo_context scheduler;
    struct thread *current;
    struct cpu cpu[SIM_CPUS_MAX], *heap[SIM_CPUS_MAX];
    unsigned cpus, busy, threads;
    uint64_t horizon, random, next_deadline;
    struct thread *sleepers, **last_sleeper;
    struct line *lines;
    uint64_t lines_mask, lines_used;
    bool over;
    uint8_t level[SIM_CPUS_MAX][SIM_CPUS_MAX];
} sim;

uint64_t sim_random(void)
{
    sim.random ^= sim.random << 13;
    sim.random ^= sim.random >> 7;
    sim.random ^= sim.random << 17;
    return sim.random;
}

static void die(const char *what)
{
    fprintf(stderr, "sim: %s\n", what);
    exit(1);
}

/* ---- The CPUs that run something, the earliest first. */
static bool before(const struct cpu *a, const struct cpu *b)
{
    return a->now < b->now || (a->now == b->now && a->number < b->number);
}

static void place(unsigned at, struct cpu *c)
{
    sim.heap[at] = c;
    c->place = at;
}

static void sift(struct cpu *c)
{
    unsigned at = c->place;
    for (; at && before(c, sim.heap[(at - 1) / 2]); at = (at - 1) / 2)
        place(at, sim.heap[(at - 1) / 2]);
    for (unsigned child; (child = 2 * at + 1) < sim.busy; at = child) {
        if (child + 1 < sim.busy && before(sim.heap[child + 1], sim.heap[child]))
            child++;
        if (!before(sim.heap[child], c))
            break;
        place(at, sim.heap[child]);
    }
    place(at, c);
}

static void heap_add(struct cpu *c)
{
    place(sim.busy++, c);
    sift(c);
}

static void heap_remove(struct cpu *c)
{
    struct cpu *last = sim.heap[--sim.busy];
    if (last == c)
        return;
    place(c->place, last);
    sift(last);
}

/* ---- Threads on CPUs. */
static void run_next(struct cpu *c)
{
    c->running = c->first;
    c->first = c->running->next;
    if (!c->first)
        c->last = &c->first;
    c->now += sim_costs.change;
    c->slice_end = c->now + SLICE_NS;
}

static void queue_up(struct thread *t)
{
    struct cpu *c = t->cpu;
    t->next = NULL;
    *c->last = t;
    c->last = &t->next;
}

/* It wants its CPU from `at` on. */
static void make_ready(struct thread *t, uint64_t at)
{
    struct cpu *c = t->cpu;
    queue_up(t);
    if (c->running)
        return;
    uint64_t start = at + sim_costs.latency - sim_costs.latency / 8 + sim_random() % (sim_costs.latency / 4 + 1);
    c->now = c->now > start ? c->now : start;
    run_next(c);
    heap_add(c);
    if (c->now < sim.horizon)
        sim.horizon = c->now;
}

static void to_scheduler(void)
{
    struct thread *t = sim.current;
    t->self = MO_SHARED(self);
    t->sheet = MO_SHARED(sheet);
    mo_context_switch(&t->context, &sim.scheduler);
}

static void pass(uint64_t ns)
{
    struct cpu *c = sim.current->cpu;
    c->now += ns;
    if (c->now > sim.horizon)
        to_scheduler();
}

/* The CPU is free: the next one's, or nobody's. */
static void leave_cpu(void)
{
    struct cpu *c = sim.current->cpu;
    c->running = NULL;
    if (c->first)
        run_next(c);
    to_scheduler();
}

static void thread_main(void *thread)
{
    struct thread *t = thread;
    t->fn(t->arg);
    if (t->cpu->number == 0 && !sim.over && t->arg == NULL)
        sim.over = true;
    leave_cpu();
    die("a thread that has ended was continued");
}

static struct thread *new_thread(void *(*fn)(void *), void *arg)
{
    struct thread *t = calloc(1, sizeof *t);
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!t || stack == MAP_FAILED)
        die("out of memory");
    *t = (struct thread){.fn = fn, .arg = arg, .stack = stack, .cpu = &sim.cpu[sim.threads++ % sim.cpus]};
    mo_context_init(&t->context, stack, STACK_BYTES, thread_main, t);
    return t;
}

int sim_thread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    (void)attr;
    struct thread *t = new_thread(fn, arg);
    *thread = (pthread_t)t;
    pass(20000);
    make_ready(t, sim.current->cpu->now);
    return 0;
}

/* ---- Sleep. */
static void sleep_from_now_on(struct thread *t)
{
    t->next = NULL;
    *sim.last_sleeper = t;
    sim.last_sleeper = &t->next;
    if (t->deadline < sim.next_deadline)
        sim.next_deadline = t->deadline;
    if (t->deadline < sim.horizon)
        sim.horizon = t->deadline;
}

static void rouse(struct thread **at, int outcome, uint64_t when)
{
    struct thread *t = *at;
    *at = t->next;
    if (!t->next)
        sim.last_sleeper = at;
    t->outcome = outcome;
    make_ready(t, when);
}

int sim_futex_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns, uint32_t bits)
{
    struct thread *t = sim.current;
    sim_access(word, SIM_READ);
    pass(sim_costs.call);
    if (atomic_load_explicit(word, memory_order_relaxed) != seen)
        return EAGAIN;
    sim_counts.sleeps++;
    t->word = word;
    t->bits = bits;
    t->deadline = timeout_ns ? t->cpu->now + timeout_ns : NEVER;
    sleep_from_now_on(t);
    leave_cpu();
    return t->outcome;
}

int sim_futex_wake(_Atomic uint32_t *word, int count, uint32_t bits)
{
    int woken = 0;
    pass(sim_costs.call);
    for (struct thread **at = &sim.sleepers; *at && woken < count;) {
        if ((*at)->word != word || !((*at)->bits & bits)) {
            at = &(*at)->next;
            continue;
        }
        rouse(at, 0, sim.current->cpu->now);
        sim.current->cpu->now += sim_costs.wake;
        woken++;
    }
    sim_counts.wakes += (uint64_t)woken;
    pass(0);
    return woken;
}

static void fire_deadlines(uint64_t now)
{
    uint64_t next = NEVER;
    for (struct thread **at = &sim.sleepers; *at;) {
        if ((*at)->deadline <= now) {
            rouse(at, ETIMEDOUT, (*at)->deadline);
            continue;
        }
        next = (*at)->deadline < next ? (*at)->deadline : next;
        at = &(*at)->next;
    }
    sim.next_deadline = next;
}

void sim_yield(void)
{
    struct cpu *c = sim.current->cpu;
    sim_counts.yields++;
    c->now += sim_costs.yield;
    if (c->first) {
        queue_up(sim.current);
        run_next(c);
        to_scheduler();
    } else {
        pass(0);
    }
}

/* ---- Memory. */
static struct line *find_line(uintptr_t key);

static void grow_lines(void)
{
    struct line *old = sim.lines;
    uint64_t size = old ? sim.lines_mask + 1 : 0;
    sim.lines_mask = size ? 2 * size - 1 : LINES_FIRST - 1;
    sim.lines = calloc(sim.lines_mask + 1, sizeof *sim.lines);
    if (!sim.lines)
        die("out of memory");
    sim.lines_used = 0;
    for (uint64_t i = 0; i < size; i++)
        if (old[i].key)
            *find_line(old[i].key) = old[i];
    free(old);
}

static struct line *find_line(uintptr_t key)
{
    if (2 * sim.lines_used > sim.lines_mask)
        grow_lines();
    uint64_t at = (key * 0x9e3779b97f4a7c15u >> 20) & sim.lines_mask;
    while (sim.lines[at].key && sim.lines[at].key != key)
        at = (at + 1) & sim.lines_mask;
    struct line *l = &sim.lines[at];
    if (!l->key) {
        sim.lines_used++;
        *l = (struct line){.key = key, .owner = UINT32_MAX};
    }
    return l;
}

static unsigned farthest_sharer(const struct line *l, unsigned self)
{
    unsigned level = l->owner == UINT32_MAX || l->owner == self ? 0 : sim.level[self][l->owner];
    for (unsigned w = 0; w * 64 < sim.cpus; w++)
        for (uint64_t left = l->sharers[w]; left; left &= left - 1) {
            unsigned other = w * 64 + (unsigned)__builtin_ctzll(left);
            if (other != self && sim.level[self][other] > level)
                level = sim.level[self][other];
        }
    return level;
}

static bool is_sole(const struct line *l, unsigned self)
{
    for (unsigned w = 0; w * 64 < sim.cpus; w++)
        if (l->sharers[w] != (w == self / 64 ? 1ull << self % 64 : 0))
            return false;
    return true;
}

/* Reads of a line follow each other at half a transfer, writes at a whole one. */
static uint64_t move_line(struct line *l, unsigned level, uint64_t now, bool whole)
{
    uint64_t start = now > l->free_at ? now : l->free_at, cost = sim_costs.transfer[level];
    sim_counts.transfers[level]++;
    l->free_at = start + (whole ? cost : cost / 4);
    return start + cost - now;
}

static void read_line(struct line *l, unsigned self, uint64_t now, uint64_t *takes)
{
    uint64_t *word = &l->sharers[self / 64], bit = 1ull << self % 64;
    if (!(*word & bit) && l->owner != UINT32_MAX)
        *takes += move_line(l, sim.level[self][l->owner], now, false);
    *word |= bit;
}

static void write_line(struct line *l, unsigned self, uint64_t now, uint64_t *takes)
{
    if (l->owner != UINT32_MAX && !(l->owner == self && is_sole(l, self)))
        *takes += move_line(l, farthest_sharer(l, self), now, true);
    memset(l->sharers, 0, sizeof l->sharers);
    l->sharers[self / 64] = 1ull << self % 64;
    l->owner = self;
}

/* A store does not wait for its line: the store buffer does. */
void sim_access(const volatile void *address, enum sim_access kind)
{
    if (!sim.current ||
        ((const char *)address >= sim.current->stack && (const char *)address < sim.current->stack + STACK_BYTES))
        return;
    struct cpu *c = sim.current->cpu;
    struct line *l = find_line((uintptr_t)address >> 6);
    uint64_t takes = 1, hidden = 0;
    if (kind == SIM_READ)
        read_line(l, c->number, c->now, &takes);
    else
        write_line(l, c->number, c->now, kind == SIM_RMW ? &takes : &hidden);
    pass(kind == SIM_RMW ? takes + 4 : takes);
}

/* ---- Time, and where one is. */
void sim_work(uint64_t ns)
{
    pass(ns - ns / 16 + sim_random() % (ns / 8 + 1));
}

void sim_pause(void)
{
    pass(sim_costs.pause);
}

uint64_t sim_time(void)
{
    return sim.current->cpu->now;
}

uint64_t sim_ticks(void)
{
    if (!sim.current)
        return 1;
    pass(sim_costs.ticks);
    return sim_time() + 1; /* 0 means "not yet" in places */
}

uint64_t sim_now_ns(void)
{
    return sim_ticks();
}

uint64_t sim_ticks_per_us(void)
{
    return 1000;
}

unsigned sim_cpu(void)
{
    return sim.current ? sim.current->cpu->number : 0;
}

unsigned sim_node(void)
{
    return 0; /* victims are ordered by the topology */
}

/* They stay where they are. */
unsigned sim_least_counted_cpu(struct mo_cpu_mask *mask, const unsigned *count)
{
    (void)mask, (void)count;
    return MO_PLAT_CPUS_MAX;
}

char *sim_stack_end(void)
{
    return sim.current ? sim.current->stack : NULL;
}

bool sim_barrier_arm(void)
{
    return true;
}

bool sim_barrier_all(void)
{
    pass(sim_costs.barrier);
    return true;
}

/* ---- The whole. */
static void preempt(struct cpu *c)
{
    queue_up(c->running);
    run_next(c);
}

static uint64_t horizon(void)
{
    uint64_t next = sim.next_deadline;
    for (unsigned i = 1; i < 3 && i < sim.busy; i++)
        next = sim.heap[i]->now < next ? sim.heap[i]->now : next;
    return next;
}

static void run_earliest(void)
{
    struct cpu *c = sim.heap[0];
    if (c->first && c->now >= c->slice_end)
        preempt(c);
    sim.horizon = horizon();
    sim.current = c->running;
    MO_SHARED(self) = sim.current->self;
    MO_SHARED(sheet) = sim.current->sheet;
    mo_context_switch(&sim.scheduler, &sim.current->context);
    sim.current = NULL;
    if (c->running)
        sift(c);
    else
        heap_remove(c);
}

static void find_levels(void)
{
    for (unsigned a = 0; a < sim.cpus; a++)
        for (unsigned b = 0; b < sim.cpus; b++) {
            unsigned level = mo_topo_distance(a, b);
            sim.level[a][b] = (uint8_t)(level < SIM_LEVELS ? level : SIM_LEVELS - 1);
        }
}

struct first {
    void (*fn)(void *);
    void *arg;
};

static struct first first;

static void *run_first(void *none)
{
    (void)none;
    first.fn(first.arg);
    return NULL;
}

void sim_run(unsigned cpus, uint64_t seed, void (*fn)(void *), void *arg)
{
    sim.cpus = cpus;
    sim.random = seed * 0x9e3779b97f4a7c15u + 1;
    sim.last_sleeper = &sim.sleepers;
    sim.next_deadline = NEVER;
    for (unsigned i = 0; i < cpus; i++)
        sim.cpu[i] = (struct cpu){.number = i, .last = &sim.cpu[i].first};
    grow_lines();
    find_levels();
    first = (struct first){fn, arg};
    mo_context_adopt(&sim.scheduler);
    make_ready(new_thread(run_first, NULL), 0);
    while (!sim.over) {
        if (!sim.busy && sim.next_deadline == NEVER)
            die("all threads sleep");
        if (sim.next_deadline < NEVER && (!sim.busy || sim.heap[0]->now >= sim.next_deadline))
            fire_deadlines(sim.next_deadline);
        else
            run_earliest();
    }
}
