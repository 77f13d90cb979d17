/* What a new child must wait for: a map from addresses to the last accesses, one per parent, used only by the thread
   that runs the parent. It exists from the first child with dependences to the end of the parent, or to a moment when
   no child is left.

   Accesses of one address come in groups: a single one that writes, or any number of one kind that do not order one
   another (readers; members of one inoutset; members of one mutexinoutset, which take turns, turn.c). Every access
   depends on the whole group before its own. Of a group with more than two members only a join is kept: a node without
   a task that follows all of them and ends when the next group has begun and they have ended. So each access makes at
   most two edges an address, however large the groups are, and the many addresses that two tasks read cost no join.
   A mutexinoutset has its join from the first member on, as the join holds the turn: that member may run already when
   the second comes, and could not take a turn then that it was not made with. */
#include "sched/internal.h"

#include <string.h>

#define ENTRIES_MIN_CLASS 4 /* 256 bytes */
#define EXTENT_CLASS      20 /* 64 KiB: from here on tables go back to the system, as old ones would take as much as new */
#define LARGE_CLASS       24 /* 256 KiB: from here on they grow by a half or a third, and not to twice the size */

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
    bool waiter;          /* the task is one */
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
/* Entries that it may have. */
static inline uint32_t limit(const struct mo_depend_map *map)
{
    return map->capacity / 4 * 3;
}

/* Where it is, or would be. By the golden ratio, addresses at equal distances spread evenly; its high bits are the good
   ones. The place is that part of the capacity which they are of all numbers. */
static inline struct mo_depend_entry *find(const struct mo_depend_map *map, const void *addr)
{
    uint64_t hash = (uint64_t)(uintptr_t)addr * 0x9e3779b97f4a7c15u >> 32;
    struct mo_depend_entry *e = &map->entry[hash * map->capacity >> 32], *end = map->entry + map->capacity;
    while (mo_unlikely(e->addr != addr) && e->addr)
        if (mo_unlikely(++e == end))
            e = map->entry;
    return e;
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

static void set_table(struct mo_depend_map *map, struct mo_depend_entry *table, unsigned cls)
{
    map->entry = table;
    map->cls = (uint8_t)cls;
    map->capacity = (uint32_t)(mo_slab_bytes(cls) / sizeof *table);
}

static void free_table(struct mo_member *m, const struct mo_depend_map *map, struct mo_depend_entry *table,
                       unsigned cls)
{
    if (cls >= EXTENT_CLASS)
        mo_extent_free(table, mo_slab_bytes(cls));
    else
        mo_worker_free(m->worker, map->home, table, cls);
}

static inline void unmark(struct mo_member *m, struct mo_task *task)
{
    if (--mo_task_node(task)->marks == 0)
        mo_node_unref(m, task);
}

static void forget(struct mo_member *m, struct mo_task *task)
{
    if (task)
        unmark(m, task);
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

/* What is not spent goes into a new table. False: memory is exhausted, and nothing has changed. */
static bool move_unspent(struct mo_member *m, struct mo_depend_map *map, unsigned cls)
{
    struct mo_depend_map old = *map;
    struct mo_depend_entry *table = new_table(m, cls);
    if (!table)
        return false;
    set_table(map, table, cls);
    map->count = 0;
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (!old.entry[i].addr)
            continue;
        if (is_spent(&old.entry[i])) {
            forget_entry(m, &old.entry[i]);
            continue;
        }
        *find(map, old.entry[i].addr) = old.entry[i];
        map->count++;
    }
    free_table(m, map, old.entry, old.cls);
    return true;
}

/* A table in which more than a quarter is still needed would soon be full again and grows; another one keeps its size.
   Which of the two will be known at the end of a pass, so the first guess is what it was the last time. False: memory
   is exhausted, and there is no room. */
static bool make_room(struct mo_member *m, struct mo_depend_map *map)
{
    unsigned kept = map->cls, larger = kept + (kept < LARGE_CLASS ? 2 : 1);
    uint32_t quarter = map->capacity / 4;
    bool guess = !map->keeps;
    if ((guess && move_unspent(m, map, larger)) || move_unspent(m, map, kept))
        map->keeps = map->count <= quarter;
    if (guess == map->keeps)
        move_unspent(m, map, guess ? kept : larger);
    return map->count < limit(map);
}

/* The entry of an address that find() has not found; NULL when memory is exhausted. */
static struct mo_depend_entry *add(struct mo_member *m, struct mo_depend_map *map, struct mo_depend_entry *e,
                                   void *addr)
{
    if (map->count >= limit(map)) {
        if (!make_room(m, map))
            return NULL;
        e = find(map, addr);
    }
    map->count++;
    *e = (struct mo_depend_entry){.addr = addr, .last = map->everything, .second = MO_DEP_OUT};
    if (e->last)
        mo_task_node(e->last)->marks++;
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
    *map = (struct mo_depend_map){.outer = m->depends, .owner = m->current, .home = m->worker->index};
    set_table(map, table, ENTRIES_MIN_CLASS);
    return m->depends = map;
}

static void forget_all(struct mo_member *m, struct mo_depend_map *map)
{
    for (uint32_t i = 0; i < map->capacity; i++) {
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
/* True: it is waited for; false: it has ended, or memory is exhausted. */
static inline bool follow(struct access *a, struct mo_task *first)
{
    enum mo_edge edge = mo_node_precede(a->m, first, a->task);
    a->edges += edge == MO_EDGE_MADE;
    a->failed |= edge == MO_EDGE_NO_MEMORY;
    return edge == MO_EDGE_MADE;
}

static void wait_for(struct access *a, struct mo_task *first)
{
    if (first && first != a->task) /* one address may be named twice */
        follow(a, first);
}

static void mark(struct access *a, struct mo_depend_entry *e, enum mo_dep_kind kind)
{
    bool stays = !a->waiter;
    e->last = stays ? a->task : NULL;
    set_second(e, NULL, kind);
    a->marks += stays;
}

/* Let the group's join follow `task`. */
static void add_to_join(struct access *a, struct mo_task *join, struct mo_task *task)
{
    mo_graph_add(a->m, &mo_task_node(join)->waits, 1u); /* not its last one: the guard is there */
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
        mo_node_mark(join, 1);
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
    if (a->waiter)
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

/* The common case: the group is a single writer, or nothing, and another task reads or writes. */
static inline bool has_writer(const struct access *a, const struct mo_depend_entry *e, enum mo_dep_kind kind)
{
    return e->second == MO_DEP_OUT && e->last != a->task && kind <= MO_DEP_OUT && !a->waiter;
}

static inline void follow_writer(struct access *a, struct mo_depend_entry *e, enum mo_dep_kind kind)
{
    struct mo_task *writer = e->last;
    bool edge = writer && follow(a, writer);
    MO_ASSERT(!e->before && (!writer || !is_join(writer)));
    if (kind == MO_DEP_IN && edge)
        e->before = writer; /* for readers to come */
    else if (writer)
        unmark(a->m, writer);
    e->last = a->task;
    e->second = kind;
    a->marks++;
}

static __attribute__((noinline)) void access_slow(struct access *a, struct mo_depend_entry *e, enum mo_dep_kind kind)
{
    if (e->last == a->task || second_of(e) == a->task) /* as a writer already, or as this very kind of reader */
        return;
    if (kind == kind_of(e) && kind != MO_DEP_OUT)
        join_group(a, e);
    else
        supersede(a, e, kind);
}

static inline void access_address(struct access *a, struct mo_depend_map *map, struct mo_dep dep)
{
    struct mo_depend_entry *e = find(map, dep.addr);
    if (!e->addr && mo_unlikely(!(e = add(a->m, map, e, dep.addr))))
        a->failed = true;
    else if (has_writer(a, e, dep.kind))
        follow_writer(a, e, dep.kind);
    else
        access_slow(a, e, dep.kind);
}

static void access_everything(struct access *a, struct mo_depend_map *map)
{
    wait_for(a, map->everything);
    for (uint32_t i = 0; i < map->capacity; i++) {
        const struct mo_depend_entry *e = &map->entry[i];
        if (!e->addr)
            continue;
        wait_for(a, e->last);
        wait_for(a, second_of(e));
    }
    forget_all(a->m, map);
    bool stays = !a->waiter;
    map->everything = stays ? a->task : NULL;
    a->marks += stays;
}

/* ---- Lists. An address that is named as two kinds is accessed like a writer's: each kind has others that it must come
   before and after. Writers go first, so that such an address is the task's own already when it is named again. */
static bool named_otherwise(const struct mo_deps *deps, struct mo_dep dep)
{
    for (unsigned i = 0; i < deps->count; i++) {
        struct mo_dep d = mo_deps_at(deps, i);
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
    return kind == MO_DEP_MUTEXINOUTSET && a->waiter ? MO_DEP_OUT : kind;
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
        struct mo_dep d = mo_deps_at(deps, i);
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
        struct mo_dep d = mo_deps_at(deps, i);
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

/* Addresses alone, writers first. False: one of them is all of memory. */
static inline bool access_addresses(struct access *a, struct mo_depend_map *map, const struct mo_deps *deps)
{
    void *const *addr = deps->list;
    for (unsigned i = 0; i < deps->outs; i++)
        if (mo_unlikely(!addr[i]))
            return false;
    for (unsigned i = 0; i < deps->count; i++)
        access_address(a, map, (struct mo_dep){key_of(addr[i]), i < deps->outs ? MO_DEP_OUT : MO_DEP_IN});
    return true;
}

static void access_list(struct access *a, struct mo_depend_map *map, const struct mo_deps *deps)
{
    if (mo_likely(!deps->at) && access_addresses(a, map, deps))
        return;
    if (deps->count == 1) {
        access_one(a, map, mo_deps_at(deps, 0));
        return;
    }
    unsigned kinds = kinds_in(deps), others = kinds & ~(1u << MO_DEP_OUT);
    bool mixed =
        others & (others - 1) /* more than one kind of them */ || (others & 1u << MO_DEP_MUTEXINOUTSET && a->waiter);
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
    struct access a = {.m = m, .task = task, .waiter = mo_task_node(task)->kind == MO_NODE_WAITER};
    struct mo_depend_map *map = map_of_current(m);
    *edges = 0;
    if (!map && a.waiter) /* no child has any */
        return true;
    if (!map && !(map = new_map(m)))
        return false;
    access_list(&a, map, deps);
    mo_node_mark(task, a.marks);
    *edges = a.edges;
    return !a.failed;
}

/* What comes next is often as much as what came before, so the table keeps its size while that was near what is
   used. */
void mo_depends_all_ended(struct mo_member *m)
{
    struct mo_depend_map *map = map_of_current(m);
    if (!map || map->cls == ENTRIES_MIN_CLASS)
        return;
    if (map->count < map->capacity / 8)
        mo_depends_end(m);
    else
        forget_all(m, map);
}
