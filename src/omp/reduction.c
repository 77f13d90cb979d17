/* Reductions in which tasks take part.

   A registration has a zeroed part for each thread of the team. Each part holds private copies of all list items at
   fixed offsets; a guard byte that generated code keeps beside a copy says whether it has been initialised. The thread
   that ends the construct combines the parts. Which thread runs a task is known when it begins: it then asks for its
   thread's copies.

   Who asks names a list item by the address of the original or of some thread's copy, whichever the task was given. A
   registration hangs on a taskgroup: that of the construct, or one that a region or a work-sharing construct opens in
   each thread for the purpose. The search goes from the innermost group outwards. Each group knows the next one that
   has a registration, so groups between cost nothing.
   An original that is itself the private copy of a region or work-sharing construct has the address of that one's
   original as an alias, for tasks that know the variable only by that.
   Where the compiled code does not combine the copies itself, the registration has the functions for it (make, merge).
   A byte per item behind each part then says that the thread has made its copy. In a region or a work-sharing construct
   the originals are private to each thread; each then has a view of its own, with its originals and the common parts.
   Copies belong to thread numbers, so the search ends at a region of several threads: tasks below it that were
   registered outside could not be told apart (OpenMP does not allow them either). */
#include "omp/core.h"

#include <string.h>

#define FEW_ITEMS 8 /* up to here a look at each is as fast as a table */

struct mo_reductions {
    struct mo_piece *piece;
    char *parts, *parts_end;
    size_t part_bytes, count;
    struct mo_reduction_item *item; /* by rising offset */
    uint32_t *index; /* table of originals and aliases with open addressing: number of the item + 1, 0 = free */
    size_t mask;     /* of the table's size; 0 = no table */
    void (*make)(const void *list, size_t i, void *copy); /* NULL: the compiled code makes and combines copies */
    void (*merge)(const void *list, size_t i, void *copy);
    const void *list;
    size_t made;                  /* offset in a part: a byte per item whose copy has been made */
    struct mo_reductions *common; /* whose parts these are; NULL: its own */
    /* Work-sharing: holders are the threads in the construct and the descriptor, which others may still come to. The
       construct may outlast its descriptor, as `scope` may contain further ones. */
    _Atomic uint32_t holders;
    _Atomic uint32_t departed; /* threads that have left */
};

/* ---- Making one. */
static size_t table_size(size_t count)
{
    size_t size = 4 * FEW_ITEMS;
    if (count <= FEW_ITEMS)
        return 0;
    while (size < 4 * count) /* an item may have two addresses */
        size *= 2;
    return size;
}

static size_t hash(uintptr_t address)
{
    return (size_t)(address * 0x9e3779b97f4a7c15u >> 32);
}

static void enter_address(struct mo_reductions *r, uintptr_t address, size_t i)
{
    size_t at = hash(address) & r->mask;
    while (r->index[at])
        at = (at + 1) & r->mask;
    r->index[at] = (uint32_t)i + 1;
}

static void fill_table(struct mo_reductions *r)
{
    for (size_t i = 0; i < r->count; i++) {
        enter_address(r, r->item[i].original, i);
        if (r->item[i].alias)
            enter_address(r, r->item[i].alias, i);
    }
}

static struct mo_piece *allocate(struct mo_worker *w, unsigned threads, const struct mo_reduction_spec *spec,
                                 size_t part_bytes, size_t tables)
{
    size_t bytes;
    struct mo_piece *p = NULL;
    if (!__builtin_mul_overflow(part_bytes, threads, &bytes) && !__builtin_add_overflow(bytes, tables, &bytes))
        p = mo_piece_new(w, bytes, spec->align);
    if (!p)
        mo_fatal("out of memory for the private copies of a reduction (%u times %zu bytes)", threads, spec->bytes);
    return p;
}

static size_t round_up(size_t bytes, size_t align)
{
    return (bytes + align - 1) & ~(align - 1);
}

static struct mo_reductions *new_registration(struct mo_worker *w, unsigned threads,
                                              const struct mo_reduction_spec *spec, struct mo_reductions *common)
{
    size_t items = sizeof(struct mo_reductions), slots = table_size(spec->count);
    size_t list = items + spec->count * sizeof(struct mo_reduction_item);
    size_t index = round_up(list + spec->list_bytes, sizeof(uint32_t));
    size_t align = spec->align > MO_CACHE_LINE ? spec->align : MO_CACHE_LINE;
    size_t parts = round_up(index + slots * sizeof(uint32_t), align);
    size_t part_bytes = spec->make ? round_up(spec->bytes + spec->count, align) : spec->bytes;
    struct mo_piece *piece = allocate(w, common ? 0 : threads, spec, part_bytes, parts);
    struct mo_reductions *r = piece->data;
    r->piece = piece;
    r->common = common;
    r->parts = common ? common->parts : (char *)piece->data + parts;
    r->parts_end = r->parts + threads * part_bytes;
    r->part_bytes = part_bytes;
    r->made = spec->bytes;
    r->make = spec->make;
    r->merge = spec->merge;
    r->count = spec->count;
    if (spec->list_bytes)
        r->list = memcpy((char *)piece->data + list, spec->list, spec->list_bytes);
    r->item = (void *)((char *)piece->data + items);
    for (size_t i = 0; i < r->count; i++)
        r->item[i] = spec->item(spec->list, i);
    if (slots) {
        r->index = (void *)((char *)piece->data + index);
        r->mask = slots - 1;
        fill_table(r);
    }
    return r;
}

struct mo_reductions *mo_reductions_new(struct mo_worker *w, unsigned threads, const struct mo_reduction_spec *spec)
{
    return new_registration(w, threads, spec, NULL);
}

void mo_reductions_delete(struct mo_worker *w, struct mo_reductions *r)
{
    mo_piece_delete(w, r->piece);
}

void *mo_reductions_parts(const struct mo_reductions *r)
{
    return r->parts;
}

/* ---- Finding a copy. */
static inline bool is_named(const struct mo_reduction_item *item, uintptr_t address)
{
    return item->original == address || (item->alias == address && address);
}

static const struct mo_reduction_item *find_named(const struct mo_reductions *r, uintptr_t address)
{
    if (!r->mask) {
        for (size_t i = 0; i < r->count; i++)
            if (is_named(&r->item[i], address))
                return &r->item[i];
        return NULL;
    }
    for (size_t at = hash(address) & r->mask; r->index[at]; at = (at + 1) & r->mask)
        if (is_named(&r->item[r->index[at] - 1], address))
            return &r->item[r->index[at] - 1];
    return NULL;
}

/* The last item that begins at `offset` or before. */
static const struct mo_reduction_item *item_at(const struct mo_reductions *r, size_t offset)
{
    size_t lo = 0, hi = r->count;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->item[mid].offset <= offset)
            lo = mid;
        else
            hi = mid;
    }
    return &r->item[lo];
}

static void make_copy(const struct mo_reductions *r, char *part, size_t i)
{
    char *made = part + r->made + i;
    if (*made)
        return;
    *made = 1;
    r->make(r->list, i, part + r->item[i].offset);
}

/* All threads are done with their copies. */
static void merge_copies(const struct mo_reductions *r)
{
    for (char *part = r->parts; part < r->parts_end; part += r->part_bytes)
        for (size_t i = 0; i < r->count; i++)
            if (part[r->made + i])
                r->merge(r->list, i, part + r->item[i].offset);
}

static bool find_copy(const struct mo_reductions *r, unsigned tid, uintptr_t address, struct mo_reduction_copy *found)
{
    char *part = r->parts + tid * r->part_bytes;
    const struct mo_reduction_item *item = find_named(r, address);
    size_t into = 0;
    if (!item) {
        if (address < (uintptr_t)r->parts || address >= (uintptr_t)r->parts_end)
            return false;
        size_t offset = (address - (uintptr_t)r->parts) % r->part_bytes;
        item = item_at(r, offset);
        into = offset - item->offset;
    }
    if (r->make)
        make_copy(r, part, (size_t)(item - r->item));
    found->copy = part + item->offset + into;
    found->original = (char *)item->original + into;
    return true;
}

static const struct mo_taskgroup *reducing(const struct mo_taskgroup *group)
{
    return group ? group->reducing : NULL;
}

struct mo_reduction_copy mo_reduction_find(const struct mo_member *m, const void *address)
{
    struct mo_reduction_copy found;
    for (; m; m = m->size > 1 ? NULL : m->team->master)
        for (const struct mo_taskgroup *g = reducing(m->group); g; g = reducing(g->outer))
            if (find_copy(g->reductions, m->tid, (uintptr_t)address, &found))
                return found;
    mo_fatal("in_reduction: no task reduction around this task has a list item at %p", address);
}

/* ---- Constructs that have one. */
void mo_reductions_attach(struct mo_taskgroup *group, struct mo_reductions *r)
{
    group->reductions = r;
    group->reducing = group;
}

void mo_taskgroup_reductions_begin(struct mo_member *m, const struct mo_reduction_spec *spec)
{
    mo_reductions_attach(m->group, mo_reductions_new(m->worker, m->size, spec));
}

void mo_taskgroup_reductions_end(struct mo_member *m)
{
    struct mo_reductions *r = m->group->reductions;
    mo_omp_taskgroup_end(m);
    if (mo_likely(!r || !r->merge))
        return;
    merge_copies(r);
    mo_reductions_delete(m->worker, r);
}

static struct mo_reductions *share_reductions(struct mo_member *m, const struct mo_reduction_spec *spec)
{
    struct mo_share *s = mo_omp_member(m)->share;
    struct mo_reductions *r = mo_load_acquire(&s->reductions);
    if (r)
        return r;
    mo_mutex_lock(&s->lock);
    r = mo_load_relaxed(&s->reductions); /* the lock ordered it */
    if (!r) {
        r = mo_reductions_new(m->worker, m->size, spec);
        mo_store_relaxed(&r->holders, 1u);
        mo_store_release(&s->reductions, r);
    }
    mo_mutex_unlock(&s->lock);
    return r;
}

struct mo_reductions *mo_workshare_reductions_begin(struct mo_member *m, const struct mo_reduction_spec *spec)
{
    struct mo_reductions *r = share_reductions(m, spec);
    mo_fetch_add_relaxed(&r->holders, 1u); /* it cannot go: the caller is in the descriptor */
    mo_omp_taskgroup_begin(m);
    mo_reductions_attach(m->group, spec->make ? new_registration(m->worker, m->size, spec, r) : r);
    m->group->implicit = true;
    return r;
}

void mo_reductions_release(struct mo_worker *w, struct mo_reductions *r)
{
    if (mo_fetch_add_acq_rel(&r->holders, -1u) == 1) /* acq_rel: it frees what all have used */
        mo_reductions_delete(w, r);
}

/* The last to leave speaks for the descriptor too, if that is still where it was. */
void mo_workshare_reductions_end(struct mo_member *m, bool barrier)
{
    struct mo_reductions *own = m->group->reductions, *r = own->common ? own->common : own;
    struct mo_share *s = mo_omp_member(m)->share;
    mo_omp_taskgroup_end(m);
    bool last = mo_fetch_add_acq_rel(&r->departed, 1u) + 1 == m->size;
    if (last && own->merge)
        merge_copies(own);
    if (last && mo_load_relaxed(&s->reductions) == r) {
        mo_store_relaxed(&s->reductions, NULL);
        mo_reductions_release(m->worker, r);
    }
    mo_reductions_release(m->worker, r);
    if (own != r)
        mo_reductions_delete(m->worker, own);
    if (barrier)
        mo_team_barrier(m);
}
