/* Task reductions. The compiler describes the list items of a construct in an array of words that the runtime
   completes:

     0  number of items                       4  0
     1  bytes of a thread's private copies    5  ours: the registration
     2  their alignment; then their address   6  not used
     3  allocator, always the heap            7  for each item three words: address of the original, offset of the
                                                 copy, and one that is not used

   Thread i's copies are i times word 1 from the address in word 2. */
#include "interpose/gomp/gomp.h"

enum { COUNT, BYTES, PARTS, ALLOCATOR, NEXT, REGISTRATION, END, ITEMS, ITEM_WORDS = 3 };

static struct mo_reduction_item item(void *list, size_t i)
{
    const uintptr_t *word = (uintptr_t *)list + ITEMS + i * ITEM_WORDS;
    return (struct mo_reduction_item){.original = word[0], .offset = word[1]};
}

static struct mo_reduction_spec reductions(uintptr_t *array)
{
    return (struct mo_reduction_spec){
        .count = array[COUNT], .bytes = array[BYTES], .align = array[PARTS], .list = array, .item = item};
}

static void complete(uintptr_t *array, struct mo_reductions *r)
{
    array[PARTS] = (uintptr_t)mo_reductions_parts(r);
    array[REGISTRATION] = (uintptr_t)r;
}

void gomp_register_reductions(struct mo_member *m, uintptr_t *array)
{
    const struct mo_reduction_spec spec = reductions(array);
    struct mo_reductions *r = mo_reductions_new(m->worker, m->size, &spec);
    mo_reductions_attach(m->group, r);
    complete(array, r);
}

void gomp_attach(struct mo_member *m, uintptr_t *array, void **mem)
{
    if (array) {
        const struct mo_reduction_spec spec = reductions(array);
        complete(array, mo_workshare_reductions_begin(m, &spec));
    }
    if (mem)
        *mem = mo_share_memory(m, (size_t)*mem);
}

MO_EXPORT void GOMP_taskgroup_reduction_register(uintptr_t *array)
{
    gomp_register_reductions(mo_self(), array);
}

MO_EXPORT void GOMP_taskgroup_reduction_unregister(uintptr_t *array)
{
    mo_reductions_delete(mo_self()->worker, (struct mo_reductions *)array[REGISTRATION]);
}

/* The first `originals` pointers want to know the originals too, behind the last pointer. */
MO_EXPORT void GOMP_task_reduction_remap(size_t count, size_t originals, void **pointers)
{
    const struct mo_member *m = mo_self();
    for (size_t i = 0; i < count; i++) {
        struct mo_reduction_copy found = mo_reduction_find(m, pointers[i]);
        pointers[i] = found.copy;
        if (i < originals)
            pointers[count + i] = found.original;
    }
}

/* The region's data begins with a pointer to the array, which its threads read as soon as they run. */
static void complete_region(const struct mo_reduction_spec *spec, struct mo_reductions *r)
{
    complete(spec->list, r);
}

MO_EXPORT unsigned GOMP_parallel_reductions(void (*fn)(void *), void *data, unsigned num_threads, unsigned flags)
{
    struct mo_reduction_spec spec = reductions(*(uintptr_t **)data);
    spec.made = complete_region;
    const struct mo_region r = {
        .fn = fn, .data = data, .num_threads = num_threads, .combined = MO_COMBINED_REDUCTIONS, .reductions = &spec};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_region_begin_on(m, &r);
    unsigned size = mo_self()->size;
    fn(data);
    mo_region_end();
    return size;
}

MO_EXPORT void GOMP_scope_start(uintptr_t *array)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_share_enter(m);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_work_begin(&m->worker->obs, MO_OBS_SCOPE, 1);
    gomp_attach(m, array, NULL);
}

MO_EXPORT void GOMP_workshare_task_reduction_unregister(bool cancelled)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    mo_workshare_reductions_end(m, !cancelled);
}
