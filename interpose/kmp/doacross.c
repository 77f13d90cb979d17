/* Loops with ordered(n), whose iterations wait for one another. A call before the loop describes each of the n loops by
   first and last value and step; the loop itself comes after that in the form of any other, and positions are values of
   the variables.

   Clang numbers the iterations from 0 itself and gives their count in place of the last number, one too many. It shows
   where the loop has as many iterations as the first dimension's "last" says. If a collapse clause makes one loop of
   the first few, then it shows in their product, and for the core they are one dimension. */
#include "interpose/kmp/loop.h"

struct kmp_dim {
    int64_t lower, upper, step;
};

struct dim {
    uint64_t first, step;
    uint64_t count;
};

/* A thread's own, from the first call to the last. */
struct kmp_doacross {
    struct mo_piece *piece;
    unsigned dims, merged; /* so many are the core's first one */
    bool begun;
    struct dim dim[];
};

MO_EXPORT void __kmpc_doacross_init(ident_t *loc, int32_t gtid, int32_t dims, const struct kmp_dim *given)
{
    struct mo_member *m = mo_self();
    struct kmp_doacross *x;
    if (!m->shared || dims < 1)
        return; /* alone, a thread runs everything in order */
    struct mo_piece *p = mo_piece_new(m->worker, sizeof *x + (size_t)dims * sizeof *x->dim, MO_CACHE_LINE);
    if (!p)
        mo_fatal("out of memory for a doacross loop");
    x = p->data;
    x->piece = p;
    x->dims = (unsigned)dims;
    for (int32_t d = 0; d < dims; d++) {
        const struct kmp_loop l = kmp_loop_signed(given[d].lower, given[d].upper, given[d].step);
        x->dim[d] = (struct dim){l.first, l.step, l.trips};
    }
    mo_omp_member(m)->next_doacross = x;
}

/* How many dimensions make up the loop, if each has `excess` iterations less than said; 0: none do. */
static unsigned find_merged(const struct kmp_doacross *x, uint64_t trips, uint64_t excess)
{
    uint64_t product = 1;
    for (unsigned d = 0; d < x->dims; d++) {
        product *= x->dim[d].count - excess;
        if (product == trips)
            return d + 1;
    }
    return 0;
}

static bool counts_from_zero(const struct kmp_doacross *x)
{
    bool so = true;
    for (unsigned d = 0; d < x->dims; d++)
        so &= x->dim[d].first == 0 && x->dim[d].step == 1 && x->dim[d].count > 0;
    return so;
}

static void match(struct kmp_doacross *x, uint64_t trips)
{
    unsigned one_less = counts_from_zero(x) ? find_merged(x, trips, 1) : 0;
    x->merged = one_less ? one_less : find_merged(x, trips, 0);
    for (unsigned d = 0; one_less && d < x->dims; d++)
        x->dim[d].count--;
    if (!x->merged)
        mo_fatal("a doacross loop that is not as its description says");
}

void kmp_doacross_begin(struct mo_member *m, const struct mo_loop_spec *given)
{
    struct kmp_doacross *x = mo_omp_member(m)->next_doacross;
    struct mo_loop_spec spec = *given;
    if (!x->begun)
        match(x, spec.trips);
    x->begun = true;
    uint64_t counts[x->dims];
    counts[0] = spec.trips;
    for (unsigned d = x->merged; d < x->dims; d++)
        counts[d - x->merged + 1] = x->dim[d].count;
    spec.order = MO_ORDER_DOACROSS;
    mo_doacross_begin(m, &spec, &(struct mo_doacross_spec){x->dims - x->merged + 1, counts});
}

/* False: outside the loop. */
static bool position_of(const struct kmp_doacross *x, const int64_t *values, uint64_t *position)
{
    position[0] = 0;
    for (unsigned d = 0; d < x->dims; d++) {
        const struct dim *dim = &x->dim[d];
        uint64_t distance = (uint64_t)values[d] - dim->first, at = distance;
        if (dim->step != 1)
            at = (int64_t)dim->step > 0 ? distance / dim->step : -distance / -dim->step;
        if (at >= dim->count)
            return false;
        if (d < x->merged)
            position[0] = position[0] * dim->count + at;
        else
            position[d - x->merged + 1] = at;
    }
    return true;
}

MO_EXPORT void __kmpc_doacross_post(ident_t *loc, int32_t gtid, const int64_t *values)
{
    struct mo_member *m = mo_self();
    const struct kmp_doacross *x = mo_omp_member(m)->next_doacross;
    if (!x)
        return;
    uint64_t position[x->dims];
    if (position_of(x, values, position))
        mo_doacross_post(m, position);
}

MO_EXPORT void __kmpc_doacross_wait(ident_t *loc, int32_t gtid, const int64_t *values)
{
    struct mo_member *m = mo_self();
    const struct kmp_doacross *x = mo_omp_member(m)->next_doacross;
    if (!x)
        return;
    uint64_t position[x->dims];
    if (position_of(x, values, position))
        mo_doacross_wait(m, position);
}

MO_EXPORT void __kmpc_doacross_fini(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    struct kmp_doacross *x = mo_omp_member(m)->next_doacross;
    if (!x)
        return;
    if (x->begun)
        mo_doacross_end(m);
    mo_omp_member(m)->next_doacross = NULL;
    mo_piece_delete(m->worker, x->piece);
}
