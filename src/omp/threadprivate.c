/* Copies of variables for threads.

   A variable is known by its address and has an entry in a hash table; entries are never removed. What depends on its
   size, which the first access tells, is its body: the image of its first value, and the array of copies, one slot for
   each worker that there can ever be. The array is that large so that it never moves, since compiled code may keep its
   address and index it by itself; only pages that threads use take memory.

   Who writes what:
     bucket, next   by CAS on the head of the bucket; an entry is complete before it is published (release, acquire).
     body           by CAS from NULL, complete before it is published. The loser throws its own away.
     copies[i]      only the thread whose worker has index i, and only that thread reads it. A worker changes hands through
                    the scheduler's lock, and its slots are empty by then.
     *cache         any thread, always with the same value; release, as the array was mapped by another thread perhaps.

   I1. The image is what the original held before the program changed it: the program accesses the variable only through
       the calls below, so the body is published before the first access comes back. A thread that loses the race may
       have copied while the winner went on and wrote; that image is thrown away.
   I2. A slot is not NULL only while its thread lives: each copy is in its worker's list of what ends with the thread.
   Nothing is locked, so no fork finds a lock held. In a forked child the copies of threads that are gone are forgotten,
   not unmade, when their worker gets another thread: those objects belong to threads that never ended. */
#include "omp/threadprivate.h"

#include <stdlib.h>
#include <string.h>

#include "omp/core.h"

#define BUCKETS    1024u
#define COPY_ALIGN 64 /* as thread-local storage may have it */

struct body {
    size_t bytes;
    void *image; /* bytes, or an object that copies are made from; NULL: copies are made from nothing */
    void **copies;
};

struct variable {
    struct variable *next;
    void *original;
    struct mo_threadprivate_kind kind;
    _Atomic(struct body *) body;
};

struct variables {
    _Atomic(struct variable *) bucket[BUCKETS];
};

extern struct variables MO_SHARED(threadprivate) MO_SHARED_ATTR;
struct variables MO_SHARED(threadprivate);

/* What a thread has. */
struct kept {
    struct mo_thread_end end; /* first */
    struct mo_threadprivate_copy copy;
    const struct variable *variable;
    void **slot;
};

static void *demand(void *memory)
{
    if (!memory)
        mo_fatal("out of memory for a threadprivate variable");
    return memory;
}

/* ---- The table. */
static _Atomic(struct variable *) *bucket_of(const void *original)
{
    uint64_t h = ((uintptr_t)original >> 2) * 11400714819323198485u;
    return &MO_SHARED(threadprivate).bucket[h >> 54];
}
_Static_assert(BUCKETS == 1u << (64 - 54), "as many as the hash has values");

static struct variable *look_up(struct variable *from, const void *original)
{
    while (from && from->original != original)
        from = from->next;
    return from;
}

/* The variable's entry; made with that kind if it has none. */
static struct variable *find_or_add(void *original, const struct mo_threadprivate_kind *kind)
{
    _Atomic(struct variable *) *bucket = bucket_of(original);
    struct variable *head = mo_load_acquire(bucket), *found = look_up(head, original);
    if (found)
        return found;
    struct variable *fresh = demand(calloc(1, sizeof *fresh));
    fresh->original = original;
    fresh->kind = *kind;
    do {
        fresh->next = head;
        if (mo_cas_acq_rel(bucket, &head, fresh))
            return fresh;
    } while (!(found = look_up(head, original)));
    free(fresh);
    return found;
}

void mo_threadprivate_register(void *original, const struct mo_threadprivate_kind *kind)
{
    find_or_add(original, kind);
}

/* ---- What is known once the size is. */
static void make_image(const struct variable *v, struct body *b)
{
    const struct mo_threadprivate_kind *k = &v->kind;
    if (k->make || k->make_all)
        return;
    b->image = demand(aligned_alloc(COPY_ALIGN, (b->bytes + COPY_ALIGN - 1) & ~(size_t)(COPY_ALIGN - 1)));
    if (k->make_all_from)
        k->make_all_from(b->image, v->original, k->count);
    else if (k->make_from)
        k->make_from(b->image, v->original);
    else
        memcpy(b->image, v->original, b->bytes);
}

static struct body *body_slow(struct variable *v, size_t bytes)
{
    struct body *none = NULL, *b = demand(calloc(1, sizeof *b));
    b->bytes = bytes;
    make_image(v, b);
    b->copies = demand(mo_plat_map(MO_WORKERS_MAX * sizeof *b->copies));
    if (mo_cas_acq_rel(&v->body, &none, b))
        return b;
    mo_plat_unmap(b->copies, MO_WORKERS_MAX * sizeof *b->copies);
    free(b->image);
    free(b);
    return none;
}

static struct body *body_of(struct variable *v, size_t bytes)
{
    struct body *b = mo_load_acquire(&v->body);
    if (mo_unlikely(!b))
        b = body_slow(v, bytes);
    if (b->bytes < bytes)
        mo_fatal("a threadprivate variable has %zu bytes in one part of the program and %zu in another", b->bytes,
                 bytes);
    return b;
}

/* ---- Copies. */
static void fill(const struct variable *v, const struct body *b, void *copy)
{
    const struct mo_threadprivate_kind *k = &v->kind;
    if (k->count && k->make_all)
        k->make_all(copy, k->count);
    else if (k->count && k->make_all_from)
        k->make_all_from(copy, b->image, k->count);
    else if (k->make)
        k->make(copy);
    else if (k->make_from)
        k->make_from(copy, b->image);
    else
        memcpy(copy, b->image, b->bytes);
}

static void unmake(const struct variable *v, void *copy)
{
    if (v->kind.count && v->kind.unmake_all)
        v->kind.unmake_all(copy, v->kind.count);
    else if (v->kind.unmake)
        v->kind.unmake(copy);
}

/* The thread ends, or (`lost`) has vanished with a fork. */
static void end(struct mo_thread_end *e, bool lost)
{
    struct kept *k = (struct kept *)e;
    bool own = k->copy.copy != k->copy.original;
    *k->slot = NULL;
    if (own && !lost)
        unmake(k->variable, k->copy.copy);
    if (own)
        free(k->copy.copy);
    free(k);
}

static void *new_copy(const struct variable *v, const struct body *b)
{
    size_t bytes = (b->bytes + COPY_ALIGN - 1) & ~(size_t)(COPY_ALIGN - 1);
    return demand(aligned_alloc(COPY_ALIGN, bytes ? bytes : COPY_ALIGN));
}

/* The slot is set before the copy is made: what makes it may look at the variable. */
static void *begin(struct mo_member *m, struct variable *v, struct body *b, void **slot)
{
    bool first = m->worker->first;
    struct kept *k = demand(calloc(1, sizeof *k));
    k->end.fn = end;
    k->copy.original = v->original;
    k->copy.bytes = b->bytes;
    k->copy.copy = first ? v->original : new_copy(v, b);
    k->variable = v;
    k->slot = slot;
    *slot = k->copy.copy;
    mo_worker_at_end(m->worker, &k->end);
    if (!first)
        fill(v, b, k->copy.copy);
    return k->copy.copy;
}

static void **slot_of(struct mo_member *m, void *original, size_t bytes, struct variable **v, struct body **b)
{
    static const struct mo_threadprivate_kind plain;
    *v = find_or_add(original, &plain);
    *b = body_of(*v, bytes);
    return &(*b)->copies[m->worker->index];
}

void *mo_threadprivate_find(struct mo_member *m, void *original, size_t bytes)
{
    struct variable *v;
    struct body *b;
    void **slot = slot_of(m, original, bytes, &v, &b);
    return mo_likely(*slot != NULL) ? *slot : begin(m, v, b, slot);
}

void *mo_threadprivate_find_cached(struct mo_member *m, void *original, size_t bytes, void ***cache)
{
    void **copies = mo_load_acquire((_Atomic(void **) *)cache);
    if (mo_likely(copies != NULL) && mo_likely(copies[m->worker->index] != NULL))
        return copies[m->worker->index];
    struct variable *v;
    struct body *b;
    void **slot = slot_of(m, original, bytes, &v, &b);
    mo_store_release((_Atomic(void **) *)cache, b->copies);
    return *slot ? *slot : begin(m, v, b, slot);
}

struct mo_threadprivate_copy *mo_threadprivate_about(struct mo_member *m, const void *copy)
{
    for (struct mo_thread_end *e = m->worker->ends; e; e = e->next)
        if (e->fn == end && ((struct kept *)e)->copy.copy == copy)
            return &((struct kept *)e)->copy;
    return NULL;
}
