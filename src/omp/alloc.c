/* Memory from allocators: pools, fallbacks, and the moving of blocks.

   The bytes that the program asked for count against the pool of the block's allocator: heads, gaps for alignment and
   the rest of pages do not. `used` is raised before memory is taken and lowered after it is given back, by RMWs on one
   word, so at no time do more bytes exist than the pool has, and a byte that was given back can be had. */
#include "omp/alloc.h"

#include <string.h>

/* Longer than any chain of fallbacks that means something; one that leads back to itself ends here. */
#define FALLBACKS_MAX 64

struct wish {
    size_t align, bytes;
    bool zeroed;
};

/* A thread that Moirai has not met has what the environment gave. */
static uintptr_t default_allocator(void)
{
    const struct mo_member *m = mo_self_peek();
    return (m ? mo_icvs_of(m) : mo_icvs_at(0))->def_allocator;
}

void mo_omp_set_default_allocator(struct mo_member *m, uintptr_t allocator)
{
    struct mo_icvs v = *mo_icvs_of(m);
    v.def_allocator = allocator != MO_ALLOC_NULL ? allocator : MO_ALLOC_DEFAULT;
    mo_icvs_set(m, &v);
}

static struct mo_allocator *find(uintptr_t handle)
{
    struct mo_allocator *a = mo_allocator_find(handle ? handle : default_allocator());
    if (mo_likely(a != NULL))
        return a;
    mo_warn_once("an allocator is used that does not exist: the default memory is used instead");
    return mo_allocator_find(MO_ALLOC_DEFAULT);
}

/* ---- Pools. Relaxed: the count is all that is shared through it. */
static bool charge(struct mo_allocator *a, size_t bytes)
{
    size_t pool = a->traits.pool, used;
    if (mo_likely(pool == SIZE_MAX))
        return true;
    used = mo_load_relaxed(&a->used);
    do
        if (bytes > pool - used)
            return false;
    while (!mo_cas_relaxed(&a->used, &used, used + bytes));
    return true;
}

static void give_back(struct mo_allocator *a, size_t bytes)
{
    if (mo_unlikely(a->traits.pool != SIZE_MAX))
        mo_fetch_add_relaxed(&a->used, -bytes);
}

/* The allocator of a block, NULL when it has been destroyed. */
static struct mo_allocator *owner_of(const struct mo_block *b)
{
    struct mo_allocator *a = mo_allocator_find(b->owner);
    return a && mo_load_relaxed(&a->generation) == b->generation ? a : NULL;
}

/* ---- Giving out. */
static void *take(struct mo_allocator *a, const struct wish *w)
{
    if (!charge(a, w->bytes))
        return NULL;
    void *p = mo_block_new(&a->traits, w->align, w->bytes, w->zeroed);
    if (!p) {
        give_back(a, w->bytes);
        return NULL;
    }
    mo_block_of(p)->owner = a->handle;
    mo_block_of(p)->generation = mo_load_relaxed(&a->generation);
    return p;
}

/* Whom to ask next; NULL: nobody. */
static struct mo_allocator *fallback_of(const struct mo_allocator *a, size_t bytes)
{
    switch (a->traits.fallback) {
    case MO_FB_NULL:
        return NULL;
    case MO_FB_ABORT:
        mo_fatal("out of memory: %zu bytes from an allocator whose fallback is abort_fb", bytes);
    case MO_FB_ALLOCATOR:
        return find(a->traits.fb_data ? a->traits.fb_data : MO_ALLOC_DEFAULT);
    default:
        return a->handle == MO_ALLOC_DEFAULT ? NULL : find(MO_ALLOC_DEFAULT);
    }
}

/* Whoever gives the block in the end, it has every alignment that was asked for on the way. */
static void *take_or_fall_back(struct mo_allocator *a, struct wish w)
{
    for (unsigned i = 0; a && i < FALLBACKS_MAX; i++) {
        if (w.align < a->traits.align)
            w.align = a->traits.align;
        void *p = take(a, &w);
        if (mo_likely(p != NULL))
            return p;
        a = fallback_of(a, w.bytes);
    }
    return NULL;
}

/* The highest power of two stands for all that cannot be had. */
static size_t power_of_two(size_t align)
{
    if (mo_likely((align & (align - 1)) == 0))
        return align ? align : 1;
    size_t highest = ~(SIZE_MAX >> 1);
    return align > highest ? highest : highest >> (__builtin_clzl(align - 1) - 1);
}

void *mo_omp_alloc(size_t align, size_t bytes, uintptr_t allocator)
{
    if (bytes == 0)
        return NULL;
    return take_or_fall_back(find(allocator), (struct wish){.align = power_of_two(align), .bytes = bytes});
}

void *mo_omp_calloc(size_t align, size_t count, size_t size, uintptr_t allocator)
{
    struct wish w = {.align = power_of_two(align), .zeroed = true};
    if (__builtin_mul_overflow(count, size, &w.bytes))
        w.bytes = SIZE_MAX; /* which nobody has, so the fallback decides */
    return w.bytes ? take_or_fall_back(find(allocator), w) : NULL;
}

void *mo_omp_demand(size_t align, size_t bytes, uintptr_t allocator)
{
    void *p = mo_omp_alloc(align, bytes, allocator);
    if (!p && bytes)
        mo_fatal("out of memory: %zu bytes for a variable that has an allocator", bytes);
    return p;
}

/* ---- Taking back and moving. */
void mo_omp_free(void *block)
{
    if (!block)
        return;
    const struct mo_block *b = mo_block_of(block);
    struct mo_allocator *a = owner_of(b);
    size_t bytes = b->bytes;
    mo_block_delete(block);
    if (a)
        give_back(a, bytes);
}

static void *copy(void *to, const void *from, size_t bytes)
{
    size_t old = mo_block_of((void *)from)->bytes;
    return memcpy(to, from, old < bytes ? old : bytes);
}

/* Within its allocator, where old and new block stand for one another: copying does not need room for both. */
static void *move(struct mo_allocator *a, void *block, size_t bytes)
{
    void *p = mo_block_resize(&a->traits, block, bytes);
    if (p)
        return p;
    p = mo_block_new(&a->traits, a->traits.align, bytes, false);
    if (!p)
        return NULL;
    copy(p, block, bytes);
    mo_block_of(p)->owner = mo_block_of(block)->owner;
    mo_block_of(p)->generation = mo_block_of(block)->generation;
    mo_block_delete(block);
    return p;
}

static void *resize(struct mo_allocator *a, void *block, size_t bytes)
{
    size_t old = mo_block_of(block)->bytes, more = bytes > old ? bytes - old : 0, less = bytes < old ? old - bytes : 0;
    if (!charge(a, more))
        return NULL;
    void *p = move(a, block, bytes);
    give_back(a, p ? less : more);
    return p;
}

void *mo_omp_realloc(void *block, size_t bytes, uintptr_t allocator)
{
    if (!block)
        return mo_omp_alloc(1, bytes, allocator);
    if (bytes == 0) {
        mo_omp_free(block);
        return NULL;
    }
    struct mo_allocator *owner = owner_of(mo_block_of(block));
    struct mo_allocator *a = allocator || !owner ? find(allocator ? allocator : MO_ALLOC_DEFAULT) : owner;
    void *p = a == owner ? resize(a, block, bytes) : NULL;
    if (p)
        return p;
    p = take_or_fall_back(a, (struct wish){.align = 1, .bytes = bytes});
    if (!p)
        return NULL;
    copy(p, block, bytes);
    mo_omp_free(block);
    return p;
}
