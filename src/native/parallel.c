/* Loops, reductions, scans and sorts (moirai/parallel.h), out of tasks and groups.

   Lazy splitting: a piece that is being worked on looks, before each chunk, whether the worker's deque is empty, which
   means that what it offered last has been taken; then it offers its upper half. So there are about as many tasks as
   thefts. */
#include "native/executor.h"

#include "moirai/parallel.h"

#include <stdlib.h>
#include <string.h>

static bool wants_more(void)
{
    struct mo_worker *w = mo_native_worker();
    return w && mo_job_has_offered_nothing(w);
}

static size_t chunk_of(size_t count, size_t grain, const moirai_executor_t *x)
{
    size_t share = count / ((size_t)moirai_executor_worker_count(x) * 64 + 1) + 1;
    return grain ? grain : share;
}

/* The executor that is meant. */
static int which(moirai_executor_t **executor)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x;
    if (!w)
        return MOIRAI_ENOMEM;
    int err = mo_native_which(w, *executor, &x);
    if (!err)
        *executor = (moirai_executor_t *)x;
    return mo_native_status(err);
}

/* ---- Loops. */
struct loop {
    void (*body)(void *context, size_t from, size_t to);
    void *context;
    moirai_group_t *group;
    size_t chunk;
    _Atomic size_t done; /* items */
};

struct piece {
    struct loop *loop;
    size_t from, to;
};

static void run_piece(void *data)
{
    struct piece p = *(struct piece *)data;
    struct loop *l = p.loop;
    size_t began = p.from;
    while (p.to - p.from > l->chunk) {
        struct piece upper = {l, p.from + (p.to - p.from) / 2, p.to};
        if (wants_more() && moirai_group_spawn(l->group, NULL, run_piece, &upper, sizeof upper) == MOIRAI_OK) {
            p.to = upper.from;
            continue;
        }
        if (moirai_task_is_cancelled())
            break;
        l->body(l->context, p.from, p.from + l->chunk);
        p.from += l->chunk;
    }
    if (!moirai_task_is_cancelled()) {
        l->body(l->context, p.from, p.to);
        p.from = p.to;
    }
    mo_fetch_add_relaxed(&l->done, p.from - began); /* the group's end publishes it */
}

MO_API int moirai_for(moirai_executor_t *executor, size_t from, size_t to, size_t grain,
                      void (*body)(void *context, size_t from, size_t to), void *context)
{
    struct loop l = {.body = body, .context = context};
    struct piece all = {&l, from, to};
    int status = body ? which(&executor) : MOIRAI_EINVAL;
    if (status != MOIRAI_OK || from >= to)
        return status;
    l.chunk = chunk_of(to - from, grain, executor);
    status = moirai_group_open(&l.group, executor, 0);
    if (status != MOIRAI_OK)
        return status;
    status = moirai_group_spawn(l.group, NULL, run_piece, &all, sizeof all);
    int end = moirai_group_close(l.group);
    if (status != MOIRAI_OK || end != MOIRAI_OK)
        return status != MOIRAI_OK ? status : end;
    return mo_load_relaxed(&l.done) == to - from ? MOIRAI_OK : MOIRAI_ECANCELED;
}

struct tiling {
    void (*body)(void *context, const moirai_tile_t *tile);
    void *context;
    size_t rows, columns, tile_rows, tile_columns, across;
};

/* Row after row of tiles, every second one backwards, so that each tile borders on the one before. */
static void run_tiles(void *context, size_t from, size_t to)
{
    const struct tiling *t = context;
    for (size_t i = from; i < to; i++) {
        size_t row = i / t->across, column = i % t->across;
        if (row % 2)
            column = t->across - 1 - column;
        moirai_tile_t tile = {row * t->tile_rows, t->rows, column * t->tile_columns, t->columns};
        if (tile.row_to - tile.row_from > t->tile_rows)
            tile.row_to = tile.row_from + t->tile_rows;
        if (tile.column_to - tile.column_from > t->tile_columns)
            tile.column_to = tile.column_from + t->tile_columns;
        t->body(t->context, &tile);
    }
}

#define TILE 64

static size_t parts(size_t count, size_t part)
{
    return count / part + (count % part != 0);
}

MO_API int moirai_for_tiles(moirai_executor_t *executor, size_t rows, size_t columns, size_t tile_rows,
                            size_t tile_columns, void (*body)(void *context, const moirai_tile_t *tile), void *context)
{
    struct tiling t = {body, context, rows, columns, tile_rows ? tile_rows : TILE, tile_columns ? tile_columns : TILE,
                       0};
    size_t tiles;
    t.across = parts(columns, t.tile_columns);
    if (!body || __builtin_mul_overflow(parts(rows, t.tile_rows), t.across, &tiles))
        return MOIRAI_EINVAL;
    return moirai_for(executor, 0, tiles, 1, run_tiles, &t);
}

/* ---- Several functions. */
static void call_one(void *context, size_t from, size_t to)
{
    const moirai_call_t *calls = context;
    for (size_t i = from; i < to; i++)
        calls[i].fn(calls[i].arg);
}

MO_API int moirai_invoke(moirai_executor_t *executor, const moirai_call_t *calls, size_t count)
{
    if (count && !calls)
        return MOIRAI_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!calls[i].fn)
            return MOIRAI_EINVAL;
    return moirai_for(executor, 0, count, 1, call_one, (void *)calls);
}

/* ---- Reductions. */
struct reduction {
    const moirai_reduction_t *r;
    moirai_executor_t *executor;
    void *context;
    const void *neutral;
    size_t chunk;
    _Atomic int status; /* of the first part that did not complete */
};

struct part {
    struct reduction *reduction;
    size_t from, to;
    unsigned char value[MOIRAI_REDUCE_BYTES_MAX] __attribute__((aligned(16)));
};

#define OFFERS 64 /* halves of halves of a size_t */

static size_t part_bytes(const struct reduction *red)
{
    return offsetof(struct part, value) + red->r->bytes;
}

static void reduce_part(void *data);

static bool offer(struct reduction *red, size_t from, size_t to, moirai_task_t *task)
{
    struct part upper = {.reduction = red, .from = from, .to = to};
    memcpy(upper.value, red->neutral, red->r->bytes);
    return moirai_spawn(red->executor, task, reduce_part, &upper, part_bytes(red)) == MOIRAI_OK;
}

/* The halves that were offered follow this part, the last one first. */
static void reduce_part(void *data)
{
    struct part *p = data, next;
    struct reduction *red = p->reduction;
    const moirai_reduction_t *r = red->r;
    moirai_task_t offered[OFFERS];
    unsigned offers = 0;
    size_t from = p->from, to = p->to;
    while (to - from > red->chunk) {
        size_t middle = from + (to - from) / 2;
        if (r->deterministic) {
            if (!offer(red, middle, to, &offered[offers])) { /* the same parts and joins, here */
                struct part lower = {.reduction = red, .from = from, .to = middle};
                struct part upper = {.reduction = red, .from = middle, .to = to};
                memcpy(lower.value, red->neutral, r->bytes);
                memcpy(upper.value, red->neutral, r->bytes);
                reduce_part(&lower);
                reduce_part(&upper);
                r->join(red->context, lower.value, upper.value);
                memcpy(p->value, lower.value, r->bytes);
                from = to;
                break;
            }
            offers++;
            to = middle;
        } else if (offers < OFFERS && wants_more() && offer(red, middle, to, &offered[offers])) {
            offers++;
            to = middle;
        } else {
            r->fold(red->context, p->value, from, from + red->chunk);
            from += red->chunk;
        }
    }
    if (from < to)
        r->fold(red->context, p->value, from, to);
    while (offers-- > 0) {
        int status = moirai_join(&offered[offers], &next), none = MOIRAI_OK;
        if (status == MOIRAI_OK)
            r->join(red->context, p->value, next.value);
        else
            mo_cas_relaxed(&red->status, &none, status);
    }
}

#define DETERMINISTIC_PARTS 256

MO_API int moirai_reduce(moirai_executor_t *executor, size_t from, size_t to, size_t grain, const moirai_reduction_t *r,
                         void *value, void *context)
{
    struct reduction red = {.r = r, .context = context, .neutral = value, .status = MOIRAI_OK};
    if (!r || !r->fold || !r->join || !value || !r->bytes || r->bytes > MOIRAI_REDUCE_BYTES_MAX)
        return MOIRAI_EINVAL;
    int status = which(&executor);
    if (status != MOIRAI_OK || from >= to)
        return status;
    red.executor = executor;
    red.chunk = grain              ? grain
                : r->deterministic ? (to - from) / DETERMINISTIC_PARTS + 1
                                   : chunk_of(to - from, 0, executor);
    struct part all = {.reduction = &red, .from = from, .to = to};
    moirai_task_t task;
    memcpy(all.value, value, r->bytes);
    status = moirai_spawn(executor, &task, reduce_part, &all, part_bytes(&red));
    if (status == MOIRAI_OK)
        status = moirai_join(&task, &all);
    if (status == MOIRAI_OK)
        status = mo_load_relaxed(&red.status);
    if (status == MOIRAI_OK)
        memcpy(value, all.value, r->bytes);
    return status;
}

/* ---- Scans: a sum for each block, what comes in front of each, then the blocks again. */
struct scan {
    const char *in;
    char *out, *sums; /* of the blocks; then what is in front of them */
    size_t count, bytes, block;
    void (*join)(void *context, void *value, const void *next);
    const void *neutral;
    void *context;
    bool inclusive;
};

static size_t block_end(const struct scan *s, size_t block)
{
    return s->count - block * s->block < s->block ? s->count : (block + 1) * s->block;
}

static void sum_blocks(void *context, size_t from, size_t to)
{
    const struct scan *s = context;
    for (size_t b = from; b < to; b++) {
        char *sum = s->sums + b * s->bytes;
        memcpy(sum, s->neutral, s->bytes);
        for (size_t i = b * s->block; i < block_end(s, b); i++)
            s->join(s->context, sum, s->in + i * s->bytes);
    }
}

static void scan_blocks(void *context, size_t from, size_t to)
{
    const struct scan *s = context;
    char item[MOIRAI_REDUCE_BYTES_MAX] __attribute__((aligned(16)));
    for (size_t b = from; b < to; b++) {
        char *sum = s->sums + b * s->bytes;
        for (size_t i = b * s->block; i < block_end(s, b); i++) {
            memcpy(item, s->in + i * s->bytes, s->bytes); /* out may be in */
            if (!s->inclusive)
                memcpy(s->out + i * s->bytes, sum, s->bytes);
            s->join(s->context, sum, item);
            if (s->inclusive)
                memcpy(s->out + i * s->bytes, sum, s->bytes);
        }
    }
}

static void sums_in_front(const struct scan *s, size_t blocks)
{
    char sum[MOIRAI_REDUCE_BYTES_MAX] __attribute__((aligned(16))),
        own[MOIRAI_REDUCE_BYTES_MAX] __attribute__((aligned(16)));
    memcpy(sum, s->neutral, s->bytes);
    for (size_t b = 0; b < blocks; b++) {
        memcpy(own, s->sums + b * s->bytes, s->bytes);
        memcpy(s->sums + b * s->bytes, sum, s->bytes);
        s->join(s->context, sum, own);
    }
}

MO_API int moirai_scan(moirai_executor_t *executor, const void *in, void *out, size_t count, size_t bytes,
                       void (*join)(void *context, void *value, const void *next), const void *neutral, int inclusive,
                       void *context)
{
    struct scan s = {in, out, NULL, count, bytes, 0, join, neutral, context, inclusive != 0};
    size_t all;
    if (!join || !neutral || !bytes || bytes > MOIRAI_REDUCE_BYTES_MAX || (count && (!in || !out)) ||
        __builtin_mul_overflow(count, bytes, &all))
        return MOIRAI_EINVAL;
    int status = which(&executor);
    if (status != MOIRAI_OK || !count)
        return status;
    s.block = count / ((size_t)moirai_executor_worker_count(executor) * 8 + 1) + 1;
    size_t blocks = parts(count, s.block);
    s.sums = mo_extent_alloc(blocks * bytes);
    if (!s.sums)
        return MOIRAI_ENOMEM;
    status = moirai_for(executor, 0, blocks, 1, sum_blocks, &s);
    if (status == MOIRAI_OK) {
        sums_in_front(&s, blocks);
        status = moirai_for(executor, 0, blocks, 1, scan_blocks, &s);
    }
    mo_extent_free(s.sums, blocks * bytes);
    return status;
}

/* ---- Sorting: a merge sort between the items and a copy of them; merges are cut in two by what is in the middle of
   the larger side. What could not become a task, or was cancelled as one, is done here: the items are never lost. */
#define SORT_SHORT  1024 /* items that one task sorts */
#define SORT_INSERT 12
#define MERGE_SHORT 4096

struct sort {
    size_t bytes;
    int (*compare)(const void *a, const void *b);
    moirai_executor_t *executor;
};

struct sort_part {
    const struct sort *s;
    char *at, *other;
    size_t count;
    bool into_other; /* the sorted items are to be there */
};

struct merge_part {
    const struct sort *s;
    const char *a, *b;
    char *to;
    size_t a_count, b_count;
};

static void insert_sort(const struct sort_part *p)
{
    size_t bytes = p->s->bytes;
    char *item = p->other; /* which is free: it gets its items afterwards */
    for (size_t i = 1; i < p->count; i++) {
        size_t j = i;
        memcpy(item, p->at + i * bytes, bytes);
        for (; j > 0 && p->s->compare(p->at + (j - 1) * bytes, item) > 0; j--)
            memcpy(p->at + j * bytes, p->at + (j - 1) * bytes, bytes);
        memcpy(p->at + j * bytes, item, bytes);
    }
    if (p->into_other)
        memcpy(p->other, p->at, p->count * bytes);
}

static void merge_here(const struct merge_part *m)
{
    size_t bytes = m->s->bytes;
    const char *a = m->a, *b = m->b, *a_end = a + m->a_count * bytes, *b_end = b + m->b_count * bytes;
    char *to = m->to;
    for (; a < a_end && b < b_end; to += bytes) {
        bool first = m->s->compare(a, b) <= 0; /* equal ones: those of the first half come first */
        memcpy(to, first ? a : b, bytes);
        *(first ? &a : &b) += bytes;
    }
    memcpy(to, a, (size_t)(a_end - a));
    memcpy(to + (a_end - a), b, (size_t)(b_end - b));
}

/* How many items of a sorted run come before `item`; `equal_too`: those that are equal do. */
static size_t rank(const struct sort *s, const char *run, size_t count, const char *item, bool equal_too)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = s->compare(run + middle * s->bytes, item);
        if (order < 0 || (order == 0 && equal_too))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void both(const struct sort *s, void (*fn)(void *), void *first, void *second, size_t bytes)
{
    moirai_task_t task;
    bool spawned = moirai_spawn(s->executor, &task, fn, second, bytes) == MOIRAI_OK;
    fn(first);
    if (!spawned || moirai_join(&task, NULL) == MOIRAI_ECANCELED)
        fn(second);
}

static void merge(void *data)
{
    struct merge_part *m = data, low = *m, high = *m;
    size_t bytes = m->s->bytes;
    if (m->a_count + m->b_count <= MERGE_SHORT) {
        merge_here(m);
        return;
    }
    if (m->a_count >= m->b_count) {
        low.a_count = m->a_count / 2;
        low.b_count = rank(m->s, m->b, m->b_count, m->a + low.a_count * bytes, false);
    } else {
        low.b_count = m->b_count / 2;
        low.a_count = rank(m->s, m->a, m->a_count, m->b + low.b_count * bytes, true);
    }
    high.a += low.a_count * bytes;
    high.b += low.b_count * bytes;
    high.to += (low.a_count + low.b_count) * bytes;
    high.a_count -= low.a_count;
    high.b_count -= low.b_count;
    both(m->s, merge, &low, &high, sizeof high);
}

static void sort_part(void *data)
{
    struct sort_part *p = data;
    size_t half = p->count / 2, bytes = p->s->bytes;
    if (p->count <= SORT_INSERT) {
        insert_sort(p);
        return;
    }
    struct sort_part low = {p->s, p->at, p->other, half, !p->into_other};
    struct sort_part high = {p->s, p->at + half * bytes, p->other + half * bytes, p->count - half, !p->into_other};
    if (p->count > SORT_SHORT) {
        both(p->s, sort_part, &low, &high, sizeof high);
    } else {
        sort_part(&low);
        sort_part(&high);
    }
    const char *from = p->into_other ? p->at : p->other;
    struct merge_part m = {p->s, from, from + half * bytes, p->into_other ? p->other : p->at, half, p->count - half};
    if (p->count > SORT_SHORT)
        merge(&m);
    else
        merge_here(&m);
}

MO_API int moirai_sort(moirai_executor_t *executor, void *items, size_t count, size_t bytes,
                       int (*compare)(const void *a, const void *b), int stable)
{
    struct sort s = {bytes, compare, NULL};
    size_t all;
    if (!compare || !bytes || (count && !items) || __builtin_mul_overflow(count, bytes, &all))
        return MOIRAI_EINVAL;
    int status = which(&executor);
    if (status != MOIRAI_OK || count < 2)
        return status;
    s.executor = executor;
    struct sort_part part = {&s, items, mo_extent_alloc(all), count, false};
    if (!part.other) {
        if (!stable)
            qsort(items, count, bytes, compare);
        return stable ? MOIRAI_ENOMEM : MOIRAI_OK;
    }
    status = moirai_run(executor, sort_part, &part, sizeof part);
    mo_extent_free(part.other, all);
    return status;
}
