/* Reductions in which tasks take part. The compiled code describes the list items in an array, of one of two forms; the
   newer one tells the original, which initialisers may ask for, and tasks that see the variable itself and not the copy
   of it that a region or loop has. Tasks ask for their thread's copy. */
#include "interpose/kmp/kmp.h"

#include <alloca.h>

struct older_input {
    void *shared;
    size_t bytes;
    void *init, *fini, *combine;
    uint32_t flags;
};

struct newer_input {
    void *shared, *original;
    size_t bytes;
    void *init, *fini, *combine;
    uint32_t flags;
};

/* What the core keeps of an item. */
struct item {
    void *shared, *original;
    size_t offset;
    void (*init_older)(void *copy);
    void (*init)(void *copy, void *original);
    void (*fini)(void *copy);
    void (*combine)(void *shared, void *copy);
};

/* A copy may need the alignment of a vector where its size allows one. */
static size_t place(size_t end, size_t bytes)
{
    size_t align = bytes % 64 == 0 ? 64 : 16;
    return (end + align - 1) & ~(align - 1);
}

static struct item of_older(const struct older_input *in)
{
    return (struct item){.shared = in->shared,
                         .original = in->shared,
                         .init_older = (void (*)(void *))in->init,
                         .fini = (void (*)(void *))in->fini,
                         .combine = (void (*)(void *, void *))in->combine};
}

static struct item of_newer(const struct newer_input *in)
{
    return (struct item){.shared = in->shared,
                         .original = in->original ? in->original : in->shared,
                         .init = (void (*)(void *, void *))in->init,
                         .fini = (void (*)(void *))in->fini,
                         .combine = (void (*)(void *, void *))in->combine};
}

static struct mo_reduction_item item_at(void *list, size_t i)
{
    const struct item *item = (struct item *)list + i;
    return (struct mo_reduction_item){.original = (uintptr_t)item->shared,
                                      .alias = item->original == item->shared ? 0 : (uintptr_t)item->original,
                                      .offset = item->offset};
}

/* An item without an initialiser begins as zeroes, which it is. */
static void make(const void *list, size_t i, void *copy)
{
    const struct item *item = (const struct item *)list + i;
    if (item->init_older)
        item->init_older(copy);
    else if (item->init)
        item->init(copy, item->original);
}

static void merge(const void *list, size_t i, void *copy)
{
    const struct item *item = (const struct item *)list + i;
    item->combine(item->shared, copy);
    if (item->fini)
        item->fini(copy);
}

typedef void begin_reductions(struct mo_member *m, const struct mo_reduction_spec *spec);

static void of_region_or_loop(struct mo_member *m, const struct mo_reduction_spec *spec)
{
    mo_share_enter(m);
    mo_workshare_reductions_begin(m, spec);
}

/* Returns what compiled code hands back with its questions: the taskgroup. */
static void *begin(int32_t count, const void *inputs, bool newer, begin_reductions *begin)
{
    struct mo_member *m = mo_self();
    size_t end = 0;
    struct item *items = alloca((size_t)count * sizeof *items);
    for (int32_t i = 0; i < count; i++) {
        size_t bytes =
            newer ? ((const struct newer_input *)inputs)[i].bytes : ((const struct older_input *)inputs)[i].bytes;
        items[i] =
            newer ? of_newer((const struct newer_input *)inputs + i) : of_older((const struct older_input *)inputs + i);
        items[i].offset = place(end, bytes);
        end = items[i].offset + bytes;
    }
    const struct mo_reduction_spec spec = {.count = (size_t)count,
                                           .bytes = end,
                                           .align = MO_CACHE_LINE,
                                           .list = items,
                                           .item = item_at,
                                           .make = make,
                                           .merge = merge,
                                           .list_bytes = (size_t)count * sizeof *items};
    begin(m, &spec);
    return m->group;
}

MO_EXPORT void *__kmpc_task_reduction_init(int32_t gtid, int32_t count, void *inputs)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return begin(count, inputs, false, mo_taskgroup_reductions_begin);
}

MO_EXPORT void *__kmpc_taskred_init(int32_t gtid, int32_t count, void *inputs)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return begin(count, inputs, true, mo_taskgroup_reductions_begin);
}

/* `reduction(task, ...)` of a region, or of a work-sharing construct in it: every thread calls these. What tasks have
   contributed goes into one thread's private copy, which the construct then combines as any other. */
MO_EXPORT void *__kmpc_task_reduction_modifier_init(ident_t *loc, int32_t gtid, int32_t workshare, int32_t count,
                                                    void *inputs)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return begin(count, inputs, false, of_region_or_loop);
}

MO_EXPORT void *__kmpc_taskred_modifier_init(ident_t *loc, int32_t gtid, int32_t workshare, int32_t count, void *inputs)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return begin(count, inputs, true, of_region_or_loop);
}

MO_EXPORT void __kmpc_task_reduction_modifier_fini(ident_t *loc, int32_t gtid, int32_t workshare)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_workshare_reductions_end(m, false);
}

/* The innermost construct around the task that has the item is the one: `group` tells nothing more. */
MO_EXPORT void *__kmpc_task_reduction_get_th_data(int32_t gtid, void *group, void *item)
{
    return mo_reduction_find(mo_self(), item).copy;
}
