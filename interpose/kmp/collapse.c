/* Nests of loops that compiled code does not make one loop of by itself. It describes each loop by what it compares,
   its bounds and its step; a bound is lb0 + lb1 * (value of a loop outside). */
#include "interpose/kmp/loop.h"

enum { UP_TO, DOWN_TO, NOT, BELOW, ABOVE }; /* <= >= != < > */

/* Types are numbered by size, 1 to 8 bytes, the unsigned one first. Fields hold a value of the loop's type in their
   first bytes. */
struct kmp_bounds {
    int32_t type, value_type; /* of the bounds, of the variable */
    int32_t comparison;
    int32_t outer; /* number of the loop that lb1 and ub1 refer to */
    uint64_t lb0, lb1, ub0, ub1;
    int64_t step;
    uint64_t trips;
};

static uint64_t widen(int32_t type, uint64_t raw)
{
    switch (type) {
    case 0:
        return (uint8_t)raw;
    case 1:
        return (uint64_t)(int8_t)raw;
    case 2:
        return (uint16_t)raw;
    case 3:
        return (uint64_t)(int16_t)raw;
    case 4:
        return (uint32_t)raw;
    case 5:
        return (uint64_t)(int32_t)raw;
    default:
        return raw;
    }
}

/* The step is signed whatever the loop's type is. */
static int64_t step_of(const struct kmp_bounds *b)
{
    return (int64_t)widen(b->type | 1, (uint64_t)b->step);
}

static bool is_constant(const struct kmp_bounds *b)
{
    return !(widen(b->type, b->lb1) | widen(b->type, b->ub1));
}

static bool is_less(int32_t type, uint64_t a, uint64_t b)
{
    return type & 1 ? (int64_t)a < (int64_t)b : a < b;
}

/* `last` is next to the bound that is left out, unless there is no such value: then there are no iterations, which any
   two bounds in no order say. */
static void include_bound(struct kmp_bounds *b, int comparison, uint64_t last)
{
    uint64_t bound = widen(b->type, b->ub0);
    bool up = comparison == UP_TO, ran_over = up ? is_less(b->type, bound, last) : is_less(b->type, last, bound);
    b->ub0 = last;
    if (ran_over && is_constant(b)) {
        b->lb0 = up;
        b->ub0 = !up;
    }
    b->comparison = comparison;
}

/* Only <= and >= are left. */
static void make_canonical(struct kmp_bounds *b)
{
    if (b->comparison == BELOW || (b->comparison == NOT && step_of(b) > 0))
        include_bound(b, UP_TO, widen(b->type, b->ub0 - 1));
    else if (b->comparison == ABOVE || b->comparison == NOT)
        include_bound(b, DOWN_TO, widen(b->type, b->ub0 + 1));
}

/* `values` are those of the loops outside. */
static struct kmp_loop loop_at(const struct kmp_bounds *nest, unsigned level, const uint64_t *values)
{
    const struct kmp_bounds *b = &nest[level];
    uint64_t lower = b->lb0, upper = b->ub0;
    if (!is_constant(b)) {
        lower += b->lb1 * values[b->outer];
        upper += b->ub1 * values[b->outer];
    }
    lower = widen(b->type, lower);
    upper = widen(b->type, upper);
    return b->type & 1 ? kmp_loop_signed((int64_t)lower, (int64_t)upper, step_of(b))
                       : kmp_loop_unsigned(lower, upper, step_of(b));
}

static uint64_t value_at(const struct kmp_bounds *b, const struct kmp_loop *l, uint64_t i)
{
    return widen(b->type, l->first + i * l->step);
}

/* Whether the loops inside have bounds that depend on this one or one around it. */
static bool varies_inside(const struct kmp_bounds *nest, unsigned n, unsigned level)
{
    for (unsigned d = level + 1; d < n; d++)
        if (!is_constant(&nest[d]) && (unsigned)nest[d].outer == level)
            return true;
    return false;
}

/* Iterations of the nest from `level` inwards. */
static uint64_t count_from(const struct kmp_bounds *nest, unsigned n, unsigned level, uint64_t *values)
{
    if (level == n)
        return 1;
    const struct kmp_loop l = loop_at(nest, level, values);
    uint64_t sum = 0;
    if (!varies_inside(nest, n, level))
        return l.trips ? l.trips * count_from(nest, n, level + 1, values) : 0;
    for (uint64_t i = 0; i < l.trips; i++) {
        values[level] = value_at(&nest[level], &l, i);
        sum += count_from(nest, n, level + 1, values);
    }
    return sum;
}

/* Which iteration of one loop has iteration `*at` of the nest from there inwards in it, and which of that one it is. */
static uint64_t find_one(const struct kmp_bounds *nest, unsigned n, unsigned level, const struct kmp_loop *l,
                         uint64_t *values, uint64_t *at)
{
    uint64_t i = 0, inside = 1;
    if (!varies_inside(nest, n, level)) {
        inside = count_from(nest, n, level + 1, values);
        i = *at / inside;
        *at %= inside;
        return i;
    }
    for (;; i++, *at -= inside) {
        values[level] = value_at(&nest[level], l, i);
        inside = count_from(nest, n, level + 1, values);
        if (*at < inside)
            return i;
    }
}

static void find(const struct kmp_bounds *nest, unsigned n, uint64_t at, uint64_t *values)
{
    for (unsigned level = 0; level < n; level++) {
        const struct kmp_loop l = loop_at(nest, level, values);
        values[level] = value_at(&nest[level], &l, find_one(nest, n, level, &l, values, &at));
    }
}

static void check_depth(int32_t n)
{
    if (n < 1)
        mo_fatal("a nest of %d loops", n);
}

static void make_all_canonical(struct kmp_bounds *nest, int32_t n)
{
    check_depth(n);
    for (int32_t d = 0; d < n; d++)
        make_canonical(&nest[d]);
}

/* ---- Nests in which no bound depends on another loop. */
MO_EXPORT uint64_t __kmpc_process_loop_nest_rectang(ident_t *loc, int32_t gtid, struct kmp_bounds *nest, int32_t n)
{
    uint64_t total = 1;
    make_all_canonical(nest, n);
    for (int32_t d = 0; d < n; d++) {
        nest[d].trips = loop_at(nest, (unsigned)d, NULL).trips;
        total *= nest[d].trips;
    }
    return total;
}

MO_EXPORT void __kmpc_calc_original_ivs_rectang(ident_t *loc, uint64_t at, const struct kmp_bounds *nest,
                                                uint64_t *values, int32_t n)
{
    check_depth(n);
    for (int32_t d = n - 1; d >= 0; d--) {
        const struct kmp_loop l = loop_at(nest, (unsigned)d, NULL);
        values[d] = widen(nest[d].value_type, value_at(&nest[d], &l, nest[d].trips ? at % nest[d].trips : 0));
        at = nest[d].trips ? at / nest[d].trips : 0;
    }
}

/* ---- Others: the thread gets a block of iterations, as first and last values. 0: none. */
static void set_bounds(const struct kmp_bounds *nest, struct kmp_bounds *part, unsigned n, const uint64_t *first,
                       const uint64_t *last)
{
    for (unsigned d = 0; d < n; d++) {
        part[d] = nest[d];
        part[d].lb0 = first[d];
        part[d].ub0 = last[d];
        part[d].lb1 = part[d].ub1 = 0;
    }
}

MO_EXPORT int32_t __kmpc_for_collapsed_init(ident_t *loc, int32_t gtid, struct kmp_bounds *nest,
                                            struct kmp_bounds *part, int32_t n, int32_t *last)
{
    struct mo_member *m = mo_self();
    make_all_canonical(nest, n);
    uint64_t first_values[n], last_values[n], lo, hi, total = count_from(nest, (unsigned)n, 0, first_values);
    bool some = mo_loop_block(total, m->size, m->tid, &lo, &hi);
    if (last)
        *last = some && hi == total;
    if (!some)
        return 0;
    find(nest, (unsigned)n, lo, first_values);
    find(nest, (unsigned)n, hi - 1, last_values);
    set_bounds(nest, part, (unsigned)n, first_values, last_values);
    return 1;
}
