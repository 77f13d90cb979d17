/* Distribution of a team over the places of a partition, as OpenMP 5.2 says in 10.1.3. Where it leaves a choice: `true`
   means `close`; if the threads are more than the places, the first places, counted from that of the primary thread,
   get one thread more than the others; if the places do not divide evenly, the first subpartitions of `spread` are
   larger. */
#include "omp/affinity.h"

/* Place number `step` after that of the primary thread, round the partition. */
static unsigned place_after(const struct mo_plan *plan, unsigned step)
{
    unsigned first = plan->primary.first, count = plan->primary.count;
    return first + (plan->primary.place - 1u - first + step) % count;
}

/* Threads with neighbouring numbers share a place: which one after the primary's, by steps? */
static unsigned group_of(const struct mo_plan *plan, unsigned tid)
{
    unsigned each = plan->threads / plan->primary.count, larger = plan->threads % plan->primary.count;
    unsigned in_larger = larger * (each + 1);
    return tid < in_larger ? tid / (each + 1) : larger + (tid - in_larger) / each;
}

static struct mo_spot assign_close(const struct mo_plan *plan, unsigned tid)
{
    unsigned step = plan->threads <= plan->primary.count ? tid : group_of(plan, tid);
    struct mo_spot spot = plan->primary;
    spot.place = (uint16_t)(place_after(plan, step) + 1);
    return spot;
}

/* Where subpartition number `sub` begins, counted from the beginning of the partition. */
static unsigned sub_begin(const struct mo_plan *plan, unsigned sub)
{
    unsigned each = plan->primary.count / plan->threads, larger = plan->primary.count % plan->threads;
    return sub * each + (sub < larger ? sub : larger);
}

/* Which subpartition has that place of the partition? */
static unsigned sub_of(const struct mo_plan *plan, unsigned place)
{
    unsigned each = plan->primary.count / plan->threads, larger = plan->primary.count % plan->threads;
    unsigned in_larger = larger * (each + 1);
    return place < in_larger ? place / (each + 1) : larger + (place - in_larger) / each;
}

/* The primary thread stays where it is; its subpartition is the one around it, the others follow round. */
static struct mo_spot assign_spread(const struct mo_plan *plan, unsigned tid)
{
    if (plan->threads > plan->primary.count) {
        unsigned place = place_after(plan, group_of(plan, tid));
        return (struct mo_spot){.place = (uint16_t)(place + 1), .first = (uint16_t)place, .count = 1};
    }
    unsigned sub = (sub_of(plan, plan->primary.place - 1u - plan->primary.first) + tid) % plan->threads;
    unsigned begin = sub_begin(plan, sub), end = sub_begin(plan, sub + 1);
    unsigned first = plan->primary.first + begin;
    return (struct mo_spot){.place = tid == 0 ? plan->primary.place : (uint16_t)(first + 1),
                            .first = (uint16_t)first,
                            .count = (uint16_t)(end - begin)};
}

struct mo_spot mo_affinity_assign(const struct mo_plan *plan, unsigned tid)
{
    switch (plan->policy) {
    case MO_BIND_PRIMARY:
        return plan->primary;
    case MO_BIND_SPREAD:
        return assign_spread(plan, tid);
    default:
        return assign_close(plan, tid);
    }
}
