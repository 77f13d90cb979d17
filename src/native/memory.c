/* Pools, arenas and pages (moirai/memory.h).

   A pool. Each worker has a cache of its own, a list that only its thread touches. A cache that is full gives half of
   its objects to the depot, one that is empty takes as many from there, or has new ones cut; both under the pool's
   lock. Free objects are linked through their first word; in the depot the first object of a batch is linked to the
   next batch by its second. */
#include "native/executor.h"

#include "moirai/memory.h"
#include "moirai/parallel.h"
#include "topo/topo.h"

#include <stdlib.h>

#define CACHE_MOST  64
#define BATCH       32
#define CHUNK_BYTES ((size_t)64 << 10)
#define ALIGN_PLAIN 16

struct object {
    struct object *next, *next_batch;
};

struct cache {
    struct object *free;
    unsigned count;
    _Atomic uint64_t gets, puts, cached; /* the owner writes */
} MO_ALIGNED(MO_LINE_PAIR);

struct chunk {
    struct chunk *next;
    size_t bytes;
};

struct moirai_pool {
    size_t bytes, align, limit;
    _Atomic(struct cache *) *caches; /* by worker; pages that nobody has touched cost nothing */
    _Atomic uint32_t lock MO_ALIGNED(MO_LINE_PAIR);
    struct object *batches; /* the depot: full batches */
    struct chunk *chunks;
    char *cut, *cut_end; /* of the newest chunk: what has not been cut yet */
    uint64_t made, mapped;
};

#define CACHES_BYTES (MO_WORKERS_MAX * sizeof(_Atomic(struct cache *)))

static bool is_power_of_two(size_t n)
{
    return n && !(n & (n - 1));
}

static size_t round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* The node that the caller means: a worker that counts to one has that where it names none. */
static int which_node(int node)
{
    struct mo_member *m = node < 0 ? mo_self_peek() : NULL;
    return m ? (int)m->worker->slab.node - 1 : node;
}

static bool may_be_node(int node)
{
    return node >= -1 && node < MO_PLAT_NODES_MAX;
}

MO_API int moirai_pool_new(moirai_pool_t **pool, size_t bytes, size_t align, size_t limit)
{
    if (!align)
        align = ALIGN_PLAIN;
    if (!pool || !bytes || bytes > MOIRAI_POOL_BYTES_MAX || !is_power_of_two(align) || align > MOIRAI_POOL_ALIGN_MAX)
        return MOIRAI_EINVAL;
    struct moirai_pool *p = mo_extent_alloc(sizeof *p);
    if (!p)
        return MOIRAI_ENOMEM;
    p->caches = mo_plat_map(CACHES_BYTES);
    if (!p->caches) {
        mo_extent_free(p, sizeof *p);
        return MOIRAI_ENOMEM;
    }
    p->align = align < sizeof(void *) ? sizeof(void *) : align;
    p->bytes = round_up(bytes < sizeof(struct object) ? sizeof(struct object) : bytes, p->align);
    p->limit = limit;
    *pool = p;
    return MOIRAI_OK;
}

/* ---- Under the lock. */
static bool new_chunk_locked(struct moirai_pool *p)
{
    size_t bytes = p->bytes * 4 + p->align > CHUNK_BYTES ? p->bytes * 4 + p->align : CHUNK_BYTES;
    bytes += sizeof(struct chunk);
    struct chunk *c = mo_extent_alloc_on(bytes, which_node(-1));
    if (!c)
        return false;
    *c = (struct chunk){p->chunks, bytes};
    p->chunks = c;
    p->mapped += bytes;
    p->cut = (char *)round_up((uintptr_t)(c + 1), p->align);
    p->cut_end = (char *)c + bytes;
    return true;
}

static struct object *cut_locked(struct moirai_pool *p)
{
    if ((p->limit && p->made == p->limit) || ((size_t)(p->cut_end - p->cut) < p->bytes && !new_chunk_locked(p)))
        return NULL;
    struct object *o = (struct object *)p->cut;
    p->cut += p->bytes;
    p->made++;
    return o;
}

static void fill_locked(struct moirai_pool *p, struct cache *c)
{
    struct object *o = p->batches;
    if (o) {
        p->batches = o->next_batch;
        c->free = o;
        c->count = BATCH;
        return;
    }
    while (c->count < BATCH && (o = cut_locked(p))) {
        o->next = c->free;
        c->free = o;
        c->count++;
    }
}

/* ---- Caches. */
static __attribute__((noinline)) struct cache *new_cache(_Atomic(struct cache *) *slot)
{
    struct cache *c = mo_extent_alloc_on(sizeof *c, which_node(-1));
    mo_store_release(slot, c); /* for the statistics; no other thread has this number */
    return c;
}

static inline struct cache *cache_of(struct moirai_pool *p)
{
    struct mo_worker *w = mo_native_worker();
    if (mo_unlikely(!w))
        return NULL;
    struct cache *c = mo_load_relaxed(&p->caches[w->index]);
    return mo_likely(c != NULL) ? c : new_cache(&p->caches[w->index]);
}

MO_API void *moirai_pool_get(moirai_pool_t *pool)
{
    struct cache *c = pool ? cache_of(pool) : NULL;
    if (mo_unlikely(!c))
        return NULL;
    if (mo_unlikely(!c->free)) {
        mo_mutex_lock(&pool->lock);
        fill_locked(pool, c);
        mo_mutex_unlock(&pool->lock);
        if (!c->free)
            return NULL;
    } else {
        mo_owner_add(&c->cached, 1);
    }
    struct object *o = c->free;
    c->free = o->next;
    c->count--;
    mo_owner_add(&c->gets, 1);
    return o;
}

/* The newest stay, as they may be in the processor's cache. */
static __attribute__((noinline)) void give_away(struct moirai_pool *p, struct cache *c)
{
    struct object *last = c->free;
    for (unsigned i = 1; i < c->count - BATCH; i++)
        last = last->next;
    struct object *batch = last->next;
    last->next = NULL;
    c->count -= BATCH;
    mo_mutex_lock(&p->lock);
    batch->next_batch = p->batches;
    p->batches = batch;
    mo_mutex_unlock(&p->lock);
}

MO_API int moirai_pool_put(moirai_pool_t *pool, void *object)
{
    if (mo_unlikely(!pool || !object))
        return MOIRAI_EINVAL;
    struct cache *c = cache_of(pool);
    if (mo_unlikely(!c))
        return MOIRAI_ENOMEM;
    struct object *o = object;
    o->next = c->free;
    c->free = o;
    mo_owner_add(&c->puts, 1);
    if (mo_unlikely(++c->count > CACHE_MOST))
        give_away(pool, c);
    return MOIRAI_OK;
}

MO_API void moirai_pool_free(moirai_pool_t *pool)
{
    if (!pool)
        return;
    for (unsigned i = 0; i < MO_WORKERS_MAX && mo_worker_exists(i); i++) {
        struct cache *c = mo_load_acquire(&pool->caches[i]);
        if (c)
            mo_extent_free(c, sizeof *c);
    }
    for (struct chunk *c = pool->chunks, *next; c; c = next) {
        next = c->next;
        mo_extent_free(c, c->bytes);
    }
    mo_plat_unmap(pool->caches, CACHES_BYTES);
    mo_extent_free(pool, sizeof *pool);
}

MO_API int moirai_pool_stats(moirai_pool_t *pool, moirai_pool_stats_t *stats)
{
    if (!pool || !stats)
        return MOIRAI_EINVAL;
    *stats = (moirai_pool_stats_t){0};
    for (unsigned i = 0; i < MO_WORKERS_MAX && mo_worker_exists(i); i++) {
        const struct cache *c = mo_load_acquire(&pool->caches[i]);
        if (!c)
            continue;
        stats->gets += mo_load_relaxed(&c->gets);
        stats->puts += mo_load_relaxed(&c->puts);
        stats->cached += mo_load_relaxed(&c->cached);
    }
    mo_mutex_lock(&pool->lock);
    stats->made = pool->made;
    stats->bytes_mapped = pool->mapped;
    mo_mutex_unlock(&pool->lock);
    return MOIRAI_OK;
}

/* ---- Arenas: a list of blocks, of which those up to `now` are in use. */
#define BLOCK_FIRST ((size_t)16 << 10)
#define BLOCK_MOST  ((size_t)1 << 20)

struct block {
    struct block *next;
    size_t bytes; /* with this head */
};

struct moirai_arena {
    struct block *first, *now;
    char *at, *end; /* in `now` */
    size_t bytes;
    int node;                        /* -1: of whoever has it grow */
    struct mo_thread_end thread_end; /* of a thread's own */
};

struct mark {
    struct block *now;
    char *at;
};
_Static_assert(sizeof(struct mark) == sizeof(moirai_arena_mark_t), "room for it");

MO_API int moirai_arena_new_on(moirai_arena_t **arena, int node)
{
    if (!arena || !may_be_node(node))
        return MOIRAI_EINVAL;
    struct moirai_arena *a = mo_extent_alloc_on(sizeof *a, which_node(node));
    if (!a)
        return MOIRAI_ENOMEM;
    a->node = node;
    *arena = a;
    return MOIRAI_OK;
}

MO_API int moirai_arena_new(moirai_arena_t **arena)
{
    return moirai_arena_new_on(arena, -1);
}

static void enter_block(struct moirai_arena *a, struct block *b)
{
    a->now = b;
    a->at = b ? (char *)(b + 1) : NULL;
    a->end = b ? (char *)b + b->bytes : NULL;
}

static void *place(const struct moirai_arena *a, size_t bytes, size_t align)
{
    uintptr_t at = round_up((uintptr_t)a->at, align);
    return a->now && at <= (uintptr_t)a->end && (uintptr_t)a->end - at >= bytes ? (void *)at : NULL;
}

/* A new block comes behind the present one, in front of those that wait for their turn. */
static bool add_block(struct moirai_arena *a, size_t least)
{
    size_t bytes = a->now ? a->now->bytes * 2 : BLOCK_FIRST;
    if (bytes > BLOCK_MOST)
        bytes = BLOCK_MOST;
    if (bytes < least)
        bytes = least;
    struct block *b = mo_extent_alloc_on(bytes, which_node(a->node)), **link = a->now ? &a->now->next : &a->first;
    if (!b)
        return false;
    *b = (struct block){*link, bytes};
    *link = b;
    a->bytes += bytes;
    enter_block(a, b);
    return true;
}

MO_API void *moirai_arena_get(moirai_arena_t *arena, size_t bytes, size_t align)
{
    struct moirai_arena *a = arena;
    size_t least;
    if (!align)
        align = ALIGN_PLAIN;
    if (!a || !is_power_of_two(align) || align > MOIRAI_POOL_ALIGN_MAX ||
        __builtin_add_overflow(bytes, sizeof(struct block) + align, &least))
        return NULL;
    void *p = place(a, bytes, align);
    while (mo_unlikely(!p)) {
        struct block *next = a->now ? a->now->next : a->first;
        if (next && next->bytes >= least)
            enter_block(a, next);
        else if (!add_block(a, least))
            return NULL;
        p = place(a, bytes, align);
    }
    a->at = (char *)p + bytes;
    return p;
}

MO_API moirai_arena_mark_t moirai_arena_mark(const moirai_arena_t *arena)
{
    union {
        struct mark own;
        moirai_arena_mark_t mark;
    } u = {.own = {arena->now, arena->at}};
    return u.mark;
}

MO_API void moirai_arena_reset(moirai_arena_t *arena, moirai_arena_mark_t mark)
{
    const struct mark *m = (const struct mark *)&mark;
    enter_block(arena, m->now);
    arena->at = m->at;
}

MO_API size_t moirai_arena_bytes(const moirai_arena_t *arena)
{
    return arena ? arena->bytes : 0;
}

static void free_blocks(struct moirai_arena *a)
{
    for (struct block *b = a->first, *next; b; b = next) {
        next = b->next;
        mo_extent_free(b, b->bytes);
    }
    a->first = NULL;
    a->bytes = 0;
    enter_block(a, NULL);
}

MO_API void moirai_arena_free(moirai_arena_t *arena)
{
    if (!arena || arena->thread_end.fn)
        return;
    free_blocks(arena);
    mo_extent_free(arena, sizeof *arena);
}

static void thread_is_over(struct mo_thread_end *end, bool lost)
{
    struct moirai_arena *a = (struct moirai_arena *)((char *)end - offsetof(struct moirai_arena, thread_end));
    free_blocks(a);
    mo_extent_free(a, sizeof *a);
}

MO_API moirai_arena_t *moirai_arena_local(void)
{
    struct mo_worker *w = mo_native_worker();
    struct moirai_arena *a;
    if (!w)
        return NULL;
    for (struct mo_thread_end *e = w->ends; e; e = e->next)
        if (e->fn == thread_is_over)
            return (struct moirai_arena *)((char *)e - offsetof(struct moirai_arena, thread_end));
    if (moirai_arena_new(&a) != MOIRAI_OK)
        return NULL;
    a->thread_end.fn = thread_is_over;
    mo_worker_at_end(w, &a->thread_end);
    return a;
}

/* ---- Memory of a node. */
MO_API void *moirai_node_get(size_t bytes, int node)
{
    return bytes && may_be_node(node) ? mo_extent_alloc_on(bytes, which_node(node)) : NULL;
}

MO_API void moirai_node_put(void *p, size_t bytes)
{
    if (p)
        mo_extent_free(p, bytes);
}

/* ---- Pages. */
MO_API int moirai_pages_new(void **pages, size_t bytes, int node)
{
    struct mo_node_mask with_memory;
    if (!pages || !bytes || node < -1 || node >= MO_PLAT_NODES_MAX)
        return MOIRAI_EINVAL;
    if (node >= 0) {
        mo_topo_memory_nodes(&with_memory);
        if (mo_topo_next_node(&with_memory, (unsigned)node) != (unsigned)node)
            return MOIRAI_EINVAL;
    }
    void *p = mo_plat_map(bytes);
    if (!p)
        return MOIRAI_ENOMEM;
    mo_extent_bind(p, bytes, node);
    *pages = p;
    return MOIRAI_OK;
}

MO_API void moirai_pages_free(void *pages, size_t bytes)
{
    if (pages)
        mo_plat_unmap(pages, bytes);
}

struct touch {
    char *at;
    size_t bytes, page;
};

static void touch(void *context, size_t from, size_t to)
{
    const struct touch *t = context;
    for (size_t i = from; i < to; i++)
        __atomic_fetch_add(&t->at[i * t->page < t->bytes ? i * t->page : t->bytes - 1], 0, __ATOMIC_RELAXED);
}

MO_API int moirai_first_touch(moirai_executor_t *executor, void *pages, size_t bytes)
{
    struct touch t = {pages, bytes, mo_plat_page_bytes()};
    if (bytes && !pages)
        return MOIRAI_EINVAL;
    return moirai_for(executor, 0, bytes / t.page + (bytes % t.page != 0), 0, touch, &t);
}
