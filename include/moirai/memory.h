/* Memory that does not go through malloc(): pools of objects of one size, arenas, pages of a NUMA node.

     moirai_pool_t *nodes;

     if (moirai_pool_new(&nodes, sizeof(struct node), _Alignof(struct node), 0) == MOIRAI_OK) {
         struct node *n = moirai_pool_get(nodes);
         if (n)
             moirai_pool_put(nodes, n);
         moirai_pool_free(nodes);
     }

   What it is not: checked. An object that is given back twice, or to a pool that it is not of, breaks the pool. */
#ifndef MOIRAI_MEMORY_H
#define MOIRAI_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "moirai/executor.h"
#include "moirai/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Pools. Each thread keeps up to 64 free objects of a pool for itself and needs no lock for them; more go to the
   others in batches. So an object may be given back by another thread than the one that got it. */
typedef struct moirai_pool moirai_pool_t;

#define MOIRAI_POOL_BYTES_MAX ((size_t)1 << 20)
#define MOIRAI_POOL_ALIGN_MAX 4096

/* Objects of `bytes` bytes at an alignment of `align`, a power of two (0: 16). `limit`: so many objects at most, 0: as
   many as there is memory for.
   Errors: MOIRAI_EINVAL, MOIRAI_ENOMEM. */
int moirai_pool_new(moirai_pool_t **pool, size_t bytes, size_t align, size_t limit);

/* An object, its bytes undefined. NULL: memory is exhausted, or the limit is reached; free objects that other threads
   keep for themselves count as used.
   Context: any thread.   Blocks: for a lock that is held shortly, once in 32 times or less. */
void *moirai_pool_get(moirai_pool_t *pool);

/* Give an object of this pool back.
   Context: any thread.   Blocks: as above.
   Errors: MOIRAI_EINVAL for a NULL; MOIRAI_ENOMEM for a thread that Moirai has not met and cannot meet: it is lost
   then. */
int moirai_pool_put(moirai_pool_t *pool, void *object);

/* The pool and all its objects are gone. Nobody may use any. */
void moirai_pool_free(moirai_pool_t *pool);

typedef struct {
    uint64_t gets, puts;   /* calls; the difference is in use */
    uint64_t cached;       /* gets that took no lock */
    uint64_t made;         /* objects there are */
    uint64_t bytes_mapped; /* that the pool takes from the system, without records of threads */
} moirai_pool_stats_t;

/* Each figure is true for a moment of its own. */
int moirai_pool_stats(moirai_pool_t *pool, moirai_pool_stats_t *stats);

/* ---- Arenas: memory that is taken piece by piece and given back all at once. One thread at a time uses an arena. */
typedef struct moirai_arena moirai_arena_t;

/* Errors: MOIRAI_EINVAL, MOIRAI_ENOMEM. */
int moirai_arena_new(moirai_arena_t **arena);
/* The same with memory of NUMA node `node`, as moirai_node_get(). */
int moirai_arena_new_on(moirai_arena_t **arena, int node);
/* The calling thread's own, made by the first call and emptied when the thread ends. NULL: memory is exhausted. */
moirai_arena_t *moirai_arena_local(void);
/* `bytes` bytes at an alignment of `align`, a power of two up to 4096 (0: 16), undefined. NULL: memory is exhausted, or
   `align` is not such a number. */
void *moirai_arena_get(moirai_arena_t *arena, size_t bytes, size_t align);
/* How far it is filled, and back to there: what was taken since is gone, its memory is kept for the next. A scope is a
   mark at its beginning and a reset at its end; scopes nest. */
typedef struct {
    uint64_t moirai_words[2];
} moirai_arena_mark_t;
moirai_arena_mark_t moirai_arena_mark(const moirai_arena_t *arena);
void moirai_arena_reset(moirai_arena_t *arena, moirai_arena_mark_t mark);
/* Bytes that it holds from the system. */
size_t moirai_arena_bytes(const moirai_arena_t *arena);
/* Not for a thread's own. */
void moirai_arena_free(moirai_arena_t *arena);

/* ---- NUMA nodes. Each has an arena that all threads share: one of jemalloc's where the program has that (`pkg-config
   --libs moirai-jemalloc`, `moirai run --jemalloc`), and otherwise pages straight from the system, which is slow for
   small pieces. */
/* `bytes` zeroed bytes at an alignment of 128 that come from NUMA node `node`, as the kernel numbers it, as long as
   that has memory; -1: from the node that the calling worker counts to, or else the thread is on. Where a sandbox
   denies the choice, or there is no such node, the thread that touches a page first decides. NULL: memory is exhausted,
   nothing is asked for, or a node is no number of one.
   Context: any thread. */
void *moirai_node_get(size_t bytes, int node);
/* Give it back, with the same number of bytes. */
void moirai_node_put(void *p, size_t bytes);

/* ---- Pages. */
/* Zeroed pages that come from NUMA node `node`, as the kernel numbers it, as long as that has memory; -1: from where
   they are first touched, as they do where a sandbox denies the choice.
   Errors: MOIRAI_EINVAL for a node without memory, or no bytes; MOIRAI_ENOMEM. */
int moirai_pages_new(void **pages, size_t bytes, int node);
void moirai_pages_free(void *pages, size_t bytes);

/* Touch each page of [pages, pages + bytes) without changing it, in the pieces that moirai_for() cuts, so that
   untouched ones come to lie near the workers that are likely to use the same pieces.
   Errors: as moirai_for(). */
int moirai_first_touch(moirai_executor_t *executor, void *pages, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
