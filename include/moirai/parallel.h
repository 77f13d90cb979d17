/* Loops and the like on an executor's workers.

     static void scale(void *context, size_t from, size_t to)
     {
         double *x = context;
         for (size_t i = from; i < to; i++)
             x[i] *= 2;
     }

     moirai_for(NULL, 0, n, 0, scale, x);

   Each call returns when all of it is done. Ranges are split when somebody has nothing to do, not before: a range is
   halved, and the upper half offered, while nobody has taken the last one that was; so a loop costs few tasks where
   nobody comes, and its pieces get as small as `grain` where many do. `grain` is the least number of items that a call
   of the function gets (the last pieces may be smaller), 0: as Moirai sees fit.

   `executor` as in moirai/task.h. A caller that is no worker hands the work over and sleeps. Functions must return, as
   those of tasks; what moirai/task.h says about waiting goes for them as well.

   Statuses: MOIRAI_OK; MOIRAI_EINVAL without a function; MOIRAI_ESHUTDOWN and MOIRAI_ENOMEM, where nothing was begun;
   MOIRAI_EFAILED where a function called moirai_task_fail(); MOIRAI_ECANCELED where the executor was shut down in the
   middle: some of the work has not been done then. Without memory for another task the work goes on with those there
   are. */
#ifndef MOIRAI_PARALLEL_H
#define MOIRAI_PARALLEL_H

#include <stddef.h>

#include "moirai/executor.h"
#include "moirai/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* body(context, a, b) for pieces [a, b) that make up [from, to), each item once, in any order and at the same time. */
int moirai_for(moirai_executor_t *executor, size_t from, size_t to, size_t grain,
               void (*body)(void *context, size_t from, size_t to), void *context);

/* The same for a rectangle of rows and columns, in tiles of up to `tile_rows` x `tile_columns` (0: 64): neighbouring
   tiles are mostly done by one worker, one after the other. */
typedef struct {
    size_t row_from, row_to, column_from, column_to;
} moirai_tile_t;

int moirai_for_tiles(moirai_executor_t *executor, size_t rows, size_t columns, size_t tile_rows, size_t tile_columns,
                     void (*body)(void *context, const moirai_tile_t *tile), void *context);

/* Make one value of all items. `bytes` of *value are the neutral element before and the result afterwards.
   fold(context, v, a, b) takes items [a, b) into *v, which is neutral at first or has taken the items in front of them;
   join(context, v, w) takes *w, of the items that follow those of *v, into it. Both keep the order of the items, so
   they need not be commutative.
   `deterministic`: not 0: pieces and the order of joins depend on the number of items and the grain alone, so
   floating-point sums come out alike each time, with any number of workers; it makes tasks where nobody would have
   needed any.
   Errors: as above; MOIRAI_EINVAL for more than MOIRAI_REDUCE_BYTES_MAX bytes or 0. *value is as before unless it
   returns MOIRAI_OK. */
#define MOIRAI_REDUCE_BYTES_MAX 256
typedef struct {
    void (*fold)(void *context, void *value, size_t from, size_t to);
    void (*join)(void *context, void *value, const void *next);
    size_t bytes;
    int deterministic;
} moirai_reduction_t;

int moirai_reduce(moirai_executor_t *executor, size_t from, size_t to, size_t grain,
                  const moirai_reduction_t *reduction, void *value, void *context);

/* Call all of `count` functions, each once with its argument. */
typedef struct {
    void (*fn)(void *arg);
    void *arg;
} moirai_call_t;

int moirai_invoke(moirai_executor_t *executor, const moirai_call_t *calls, size_t count);

/* Sort `count` items of `bytes` bytes by compare(), as qsort() would; equal items stay in their order if `stable` is
   not 0, and where it is 0 as well as long as there is memory for a copy of the items: without, MOIRAI_ENOMEM for a
   stable sort, and qsort() for the other. */
int moirai_sort(moirai_executor_t *executor, void *items, size_t count, size_t bytes,
                int (*compare)(const void *a, const void *b), int stable);

/* Running sums: out item i is what `join` makes of items 0 to i, in their order (`inclusive` not 0), or of those in
   front of it and `neutral` (0). `in` and `out` may be the same; join(context, v, w) takes *w into *v and must be
   associative. */
int moirai_scan(moirai_executor_t *executor, const void *in, void *out, size_t count, size_t bytes,
                void (*join)(void *context, void *value, const void *next), const void *neutral, int inclusive,
                void *context);

#ifdef __cplusplus
}
#endif

#endif
