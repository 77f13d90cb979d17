/* What a new child must wait for: a map from addresses to the last accesses, one per parent, used only by the thread
   that runs the parent. It exists from the first child with dependences to the end of the parent, or to a moment when
   no child is left.

   Accesses of one address come in groups: a single one that writes, or any number of one kind that do not order one
   another (readers; members of one inoutset; members of one mutexinoutset, which take turns, turn.c). Every access depends
   on the whole group before its own. Of a group with more than two members only a join is kept: a node without a task that
   follows all of them and ends when the next group has begun and they have ended. So each access makes at most two edges
   an address, however large the groups are, and the many addresses that two tasks read cost no join.
   A mutexinoutset has its join from the first member on, as the join holds the turn: that member may run already when the
   second comes, and could not take a turn then that it was not made with. */
#include "sched/internal.h"

#include <string.h>

#define ENTRIES_MIN_CLASS 2 /* 256 bytes */
#define EXTENT_CLASS      10 /* 64 KiB: from here on tables go back to the system, as old ones would take as much as new */

struct mo_depend_entry {
    void *addr;             /* NULL: empty */
    struct mo_task *before; /* what members of a group depend on; NULL: nothing that has not ended */
    struct mo_task *last;   /* the group: its first member, or its join, or NULL */
    uintptr_t second;       /* member of the group if it has two, or NULL | its kind */
};

#define KIND_MASK ((uintptr_t)3)
_Static_assert(MO_DEP_INOUTSET <= KIND_MASK, "kinds fit the low bits of a pointer to a node");

static inline enum mo_dep_kind kind_of(const struct mo_depend_entry *e)
{
    return (enum mo_dep_kind)(e->second & KIND_MASK);
}

static inline struct mo_task *second_of(const struct mo_depend_entry *e)
{
    return (struct mo_task *)(e->second & ~KIND_MASK);
}

static inline void set_second(struct mo_depend_entry *e, struct mo_task *task, enum mo_dep_kind kind)
{
    e->second = (uintptr_t)task | (uintptr_t)kind;
}

/* Word 1 of a table's block is a node or NULL, as a late thief expects of a task's block (steal.c). */
_Static_assert(offsetof(struct mo_depend_entry, before) == offsetof(struct mo_task, parent), "a thief finds a header");

/* One access in the making. */
struct access {
    struct mo_member *m;
    struct mo_task *task; /* a task, or a waiter, which leaves no trace in the map */
    uint32_t edges;       /* to it */
    uint32_t marks;       /* places in the map that name it */
    bool failed;          /* memory is exhausted */
};

static bool ended(const struct mo_task *task)
{
    return mo_load_acquire(&mo_task_node(task)->successors) & MO_NODE_ENDED;
}

static bool is_join(const struct mo_task *task)
{
    return mo_task_node(task)->kind == MO_NODE_JOIN;
}

/* ---- The table: open addressing, linear probing, nothing is taken out but when it is rebuilt. */
static uint32_t capacity(const struct mo_depend_map *map)
{
    return (uint32_t)(mo_slab_bytes(map->cls) / sizeof(struct mo_depend_entry));
}

static struct mo_depend_entry *find(const struct mo_depend_map *map, const void *addr)
{
    uint32_t mask = capacity(map) - 1;
    uint64_t at = (uint64_t)(uintptr_t)addr * 0x9e3779b97f4a7c15u >> 32;
    while (map->entry[at & mask].addr && map->entry[at & mask].addr != addr)
        at++;
    return &map->entry[at & mask];
}

/* All zero; NULL when memory is exhausted. */
static struct mo_depend_entry *new_table(struct mo_member *m, unsigned cls)
{
    if (cls >= MO_SLAB_CLASSES)
        return NULL;
    if (cls >= EXTENT_CLASS)
        return mo_extent_alloc(mo_slab_bytes(cls));
    struct mo_depend_entry *table = mo_slab_alloc_owner(&m->worker->slab, cls);
    if (table)
        memset(table, 0, mo_slab_bytes(cls));
    return table;
}

static void free_table(struct mo_member *m, const struct mo_depend_map *map, struct mo_depend_entry *table,
                       unsigned cls)
{
    if (cls >= EXTENT_CLASS)
        mo_extent_free(table, mo_slab_bytes(cls));
    else
        mo_worker_free(m->worker, map->home, table, cls);
}

static void forget(struct mo_member *m, struct mo_task *task)
{
    if (task)
        mo_node_unref(m, task);
}

/* No member comes any more; a join may end. */
static void close_group(struct mo_member *m, const struct mo_depend_entry *e)
{
    if (e->last && is_join(e->last))
        mo_node_release(m, e->last, MO_NODE_GUARD, NULL);
}

static void forget_entry(struct mo_member *m, const struct mo_depend_entry *e)
{
    close_group(m, e);
    forget(m, e->last);
    forget(m, second_of(e));
    forget(m, e->before);
}

/* Nothing that it names is still to come: all has ended, the members of its open join too. */
static bool is_spent(const struct mo_depend_entry *e)
{
    if ((e->before && !ended(e->before)) || (second_of(e) && !ended(second_of(e))))
        return false;
    if (!e->last || ended(e->last))
        return true;
    return is_join(e->last) && mo_load_acquire(&mo_task_node(e->last)->waits) == MO_NODE_GUARD;
}

static uint32_t count_unspent(const struct mo_depend_map *map)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < capacity(map); i++)
        n += map->entry[i].addr && !is_spent(&map->entry[i]);
    return n;
}

/* Without what is spent; into a table twice as large if more than a quarter is still needed, as the old size would soon be
   full again. */
static bool rebuild(struct mo_member *m, struct mo_depend_map *map)
{
    uint32_t unspent = count_unspent(map), old_capacity = capacity(map);
    struct mo_depend_entry *old = map->entry;
    uint8_t old_cls = map->cls;
    uint8_t cls = (uint8_t)(old_cls + (unspent > old_capacity / 4));
    struct mo_depend_entry *table = new_table(m, cls);
    if (!table)
        return false;
    map->entry = table;
    map->cls = cls;
    map->count = 0;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (!old[i].addr)
            continue;
        if (is_spent(&old[i])) {
            forget_entry(m, &old[i]);
            continue;
        }
        *find(map, old[i].addr) = old[i];
        map->count++;
    }
    free_table(m, map, old, old_cls);
    return true;
}

/* The entry of an address; NULL when memory is exhausted. */
static struct mo_depend_entry *look_up(struct mo_member *m, struct mo_depend_map *map, void *addr)
{
    struct mo_depend_entry *e = find(map, addr);
    if (mo_likely(e->addr != NULL))
        return e;
    if (map->count >= capacity(map) / 4 * 3) {
        if (!rebuild(m, map))
            return NULL;
        e = find(map, addr);
    }
    map->count++;
    *e = (struct mo_depend_entry){.addr = addr, .last = map->everything, .second = MO_DEP_OUT};
    if (e->last)
        mo_fetch_add_relaxed(&mo_task_node(e->last)->refs, 1u); /* the map holds one already */
    return e;
}

/* ---- Maps. */
static struct mo_depend_map *map_of_current(struct mo_member *m)
{
    struct mo_depend_map *map = m->depends;
    return map && map->owner == m->current ? map : NULL;
}

static struct mo_depend_map *new_map(struct mo_member *m)
{
    struct mo_depend_map *map = mo_slab_alloc_owner(&m->worker->slab, 0);
    struct mo_depend_entry *table = map ? new_table(m, ENTRIES_MIN_CLASS) : NULL;
    if (!table) {
        if (map)
            mo_slab_free_owner(&m->worker->slab, map, 0);
        return NULL;
    }
    _Static_assert(sizeof *map <= MO_SLAB_MIN_BYTES, "a map fits the smallest block");
    *map = (struct mo_depend_map){
        .outer = m->depends, .owner = m->current, .home = m->worker->index, .cls = ENTRIES_MIN_CLASS, .entry = table};
    return m->depends = map;
}

static void forget_all(struct mo_member *m, struct mo_depend_map *map)
{
    for (uint32_t i = 0; i < capacity(map); i++) {
        if (!map->entry[i].addr)
            continue;
        forget_entry(m, &map->entry[i]);
        map->entry[i] = (struct mo_depend_entry){0};
    }
    forget(m, map->everything);
    map->everything = NULL;
    map->count = 0;
}

void mo_depends_end(struct mo_member *m)
{
    struct mo_depend_map *map = m->depends;
    m->depends = map->outer;
    forget_all(m, map);
    free_table(m, map, map->entry, map->cls);
    mo_worker_free(m->worker, map->home, map, 0);
}

/* ---- Accesses. */
static void wait_for(struct access *a, struct mo_task *first)
{
    if (!first || first == a->task) /* one address may be named twice */
        return;
    enum mo_edge edge = mo_node_precede(a->m, first, a->task);
    a->edges += edge == MO_EDGE_MADE;
    a->failed |= edge == MO_EDGE_NO_MEMORY;
}

static bool is_waiter(const struct access *a)
{
    return mo_task_node(a->task)->kind == MO_NODE_WAITER;
}

static void mark(struct access *a, struct mo_depend_entry *e, enum mo_dep_kind kind)
{
    bool stays = !is_waiter(a);
    e->last = stays ? a->task : NULL;
    set_second(e, NULL, kind);
    a->marks += stays;
}

/* Let the group's join follow `task`. */
static void add_to_join(struct access *a, struct mo_task *join, struct mo_task *task)
{
    mo_fetch_add_relaxed(&mo_task_node(join)->waits, 1u); /* not its last one: the guard is there */
    enum mo_edge edge = mo_node_precede(a->m, task, join);
    if (edge != MO_EDGE_MADE)
        mo_node_release(a->m, join, 1, NULL);
    a->failed |= edge == MO_EDGE_NO_MEMORY;
}

/* A join for the map. */
static struct mo_task *new_join(struct access *a)
{
    struct mo_task *join = mo_node_new_join(a->m);
    if (join)
        mo_fetch_add_relaxed(&mo_task_node(join)->refs, 1u); /* one until it ends, one for the map */
    else
        a->failed = true;
    return join;
}

/* For a group of two: a third one comes, or the group must be one node. */
static bool make_join(struct access *a, struct mo_depend_entry *e)
{
    struct mo_task *join = new_join(a), *member[] = {e->last, second_of(e)};
    if (!join)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        add_to_join(a, join, member[i]);
        forget(a->m, member[i]);
    }
    e->last = join;
    set_second(e, NULL, kind_of(e));
    return true;
}

static __attribute__((noinline)) void join_exclusive(struct access *a, struct mo_depend_entry *e)
{
    if ((e->last || (e->last = new_join(a))) && mo_turns_add(a->task, e->last))
        add_to_join(a, e->last, a->task);
}

static void begin_exclusive(struct access *a, struct mo_depend_entry *e)
{
    e->last = NULL;
    set_second(e, NULL, MO_DEP_MUTEXINOUTSET);
    join_exclusive(a, e);
}

/* Begin a group. Its members depend on the one before. */
static void supersede(struct access *a, struct mo_depend_entry *e, enum mo_dep_kind kind)
{
    if (kind != MO_DEP_OUT && second_of(e) && !make_join(a, e)) /* `before` is one node */
        return;
    struct mo_task *old = e->last, *second = second_of(e);
    wait_for(a, old);
    wait_for(a, second);
    close_group(a->m, e);
    forget(a->m, e->before);
    forget(a->m, second);
    e->before = NULL;
    if (kind == MO_DEP_OUT)
        forget(a->m, old);
    else
        e->before = old;
    if (kind == MO_DEP_MUTEXINOUTSET)
        begin_exclusive(a, e);
    else
        mark(a, e, kind);
}

/* Members that have ended make room. */
static void drop_ended_members(struct mo_member *m, struct mo_depend_entry *e)
{
    while (e->last && !is_join(e->last) && ended(e->last)) {
        forget(m, e->last);
        e->last = second_of(e);
        set_second(e, NULL, kind_of(e));
    }
}

static void join_group(struct access *a, struct mo_depend_entry *e)
{
    wait_for(a, e->before);
    if (is_waiter(a))
        return;
    drop_ended_members(a->m, e);
    if (kind_of(e) == MO_DEP_MUTEXINOUTSET) {
        join_exclusive(a, e);
    } else if (!e->last) {
        mark(a, e, kind_of(e));
    } else if (!is_join(e->last) && !second_of(e)) {
        set_second(e, a->task, kind_of(e));
        a->marks++;
    } else if (is_join(e->last) || make_join(a, e)) {
        add_to_join(a, e->last, a->task);
    }
}

static void access_address(struct access *a, struct mo_depend_map *map, struct mo_dep dep)
{
    struct mo_depend_entry *e = look_up(a->m, map, dep.addr);
    if (!e)
        a->failed = true;
    else if (e->last == a->task || second_of(e) == a->task) /* as a writer already, or as this very kind of reader */
        return;
    else if (dep.kind == kind_of(e) && dep.kind != MO_DEP_OUT)
        join_group(a, e);
    else
        supersede(a, e, dep.kind);
}

static void access_everything(struct access *a, struct mo_depend_map *map)
{
    wait_for(a, map->everything);
    for (uint32_t i = 0; i < capacity(map); i++) {
        const struct mo_depend_entry *e = &map->entry[i];
        if (!e->addr)
            continue;
        wait_for(a, e->last);
        wait_for(a, second_of(e));
    }
    forget_all(a->m, map);
    bool stays = !is_waiter(a);
    map->everything = stays ? a->task : NULL;
    a->marks += stays;
}

/* ---- Lists. An address that is named as two kinds is accessed like a writer's: each kind has others that it must come
   before and after. Writers go first, so that such an address is the task's own already when it is named again. */
static bool named_otherwise(const struct mo_deps *deps, struct mo_dep dep)
{
    for (unsigned i = 0; i < deps->count; i++) {
        struct mo_dep d = deps->at(deps->list, i);
        if (d.addr == dep.addr && d.kind != dep.kind)
            return true;
    }
    return false;
}

/* NULL is an address like others, but for the table. */
static void *key_of(void *addr)
{
    static char null_address;
    return addr ? addr : &null_address;
}

/* A waiter takes no turns, so it waits for all members of the group. */
static enum mo_dep_kind kind_for(const struct access *a, enum mo_dep_kind kind)
{
    return kind == MO_DEP_MUTEXINOUTSET && is_waiter(a) ? MO_DEP_OUT : kind;
}

static enum mo_dep_kind kind_among(const struct access *a, const struct mo_deps *deps, struct mo_dep dep)
{
    return named_otherwise(deps, dep) ? MO_DEP_OUT : kind_for(a, dep.kind);
}

/* One pass over those that count as writers or over the others. `mixed`: not each item counts as what it says. */
static void access_each(struct access *a, struct mo_depend_map *map, const struct mo_deps *deps, bool mixed,
                        bool writers)
{
    for (unsigned i = 0; i < deps->count; i++) {
        struct mo_dep d = deps->at(deps->list, i);
        enum mo_dep_kind kind = mo_unlikely(mixed) ? kind_among(a, deps, d) : d.kind;
        if ((kind == MO_DEP_OUT) == writers)
            access_address(a, map, (struct mo_dep){key_of(d.addr), kind});
    }
}

#define EVERYTHING (1u << 31)

/* Bits 1 << kind of the kinds in the list, and EVERYTHING. */
static unsigned kinds_in(const struct mo_deps *deps)
{
    unsigned kinds = 0;
    for (unsigned i = 0; i < deps->count; i++) {
        struct mo_dep d = deps->at(deps->list, i);
        kinds |= !d.addr && d.kind == MO_DEP_OUT ? EVERYTHING : 1u << d.kind;
    }
    return kinds;
}

static void access_one(struct access *a, struct mo_depend_map *map, struct mo_dep dep)
{
    if (mo_unlikely(!dep.addr && dep.kind == MO_DEP_OUT))
        access_everything(a, map);
    else
        access_address(a, map, (struct mo_dep){key_of(dep.addr), kind_for(a, dep.kind)});
}

static void access_list(struct access *a, struct mo_depend_map *map, const struct mo_deps *deps)
{
    if (deps->count == 1) {
        access_one(a, map, deps->at(deps->list, 0));
        return;
    }
    unsigned kinds = kinds_in(deps), others = kinds & ~(1u << MO_DEP_OUT);
    bool mixed =
        others & (others - 1) /* more than one kind of them */ || (others & 1u << MO_DEP_MUTEXINOUTSET && is_waiter(a));
    if (kinds & EVERYTHING) {
        access_everything(a, map);
        return;
    }
    if (kinds != others || mixed)
        access_each(a, map, deps, mixed, true);
    if (others)
        access_each(a, map, deps, mixed, false);
}

bool mo_depends_link(struct mo_member *m, struct mo_task *task, const struct mo_deps *deps, uint32_t *edges)
{
    struct access a = {.m = m, .task = task};
    struct mo_depend_map *map = map_of_current(m);
    *edges = 0;
    if (!map && mo_task_node(task)->kind == MO_NODE_WAITER) /* no child has any */
        return true;
    if (!map && !(map = new_map(m)))
        return false;
    access_list(&a, map, deps);
    struct mo_task_node *node = mo_task_node(task);
    mo_store_relaxed(&node->refs, mo_load_relaxed(&node->refs) + a.marks); /* nobody else knows the task so well yet */
    *edges = a.edges;
    return !a.failed;
}

/* What comes next is often as much as what came before, so the table keeps its size while that was near what is used. */
void mo_depends_all_ended(struct mo_member *m)
{
    struct mo_depend_map *map = map_of_current(m);
    if (!map || map->cls == ENTRIES_MIN_CLASS)
        return;
    if (map->count < capacity(map) / 8)
        mo_depends_end(m);
    else
        forget_all(m, map);
}
