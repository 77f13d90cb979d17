/* Work-sharing loops. All schedules work on iteration numbers 0..trips-1 and on the descriptor of the construct, which
   begins as all zero (share.c), so no thread has to set it up.

     STATIC   no shared state: each thread computes its chunks. A block is as large and as placed as libgomp's, so that
              sums over floating numbers come out the same.
     COUNTER  dynamic: one counter of chunks. Also where the program allows any order, unless MOIRAI_LOOP_RANGES says
              otherwise: libgomp keeps the order all the same, and there are programs whose result depends on it.
     GUIDED   one counter, moved by CAS; few chunks, so it is not contended.
     RANGES   dynamic in any order: thread i starts with the i-th part of the chunks in a slot of its own and takes one
              after the other; when it is empty it takes the upper half of what another slot still holds.
     WHOLE    a team of one takes everything at once.

   Ranges. A slot is lo | hi << 32, in chunks. Zero means untouched: the owner's whole part, which anyone can compute;
   empty is lo == hi, never zero. All changes are CAS.
   R1  every chunk is in exactly one slot, or on its way between a CAS that took it and the store that puts it into the
       thief's own, empty slot, or handed out. Only the owner fills its slot, and only when it is empty, and nobody
       changes an empty slot; so the store needs no CAS.
   The very last chunk is in no slot. GCC takes the values of lastprivate variables from whichever thread leaves the
   loop having last run the last iteration, so that chunk must be the last one of the thread that runs it: it is claimed
   (the descriptor's counter) by the first thread that finds nothing else.
   R2  a CAS that succeeds on a value which left the slot and came back is right too: the value says all there is. */
#include "omp/core.h"
#include "plat/plat.h"

#define TINY_CHUNK_NS 150
#define FETCH_MAX     4

/* ---- Trip counts. */
uint64_t mo_loop_trips(int64_t begin, int64_t end, int64_t step)
{
    if (step > 0)
        return begin < end ? ((uint64_t)end - (uint64_t)begin - 1) / (uint64_t)step + 1 : 0;
    return begin > end ? ((uint64_t)begin - (uint64_t)end - 1) / -(uint64_t)step + 1 : 0;
}

uint64_t mo_loop_trips_unsigned(bool up, uint64_t begin, uint64_t end, uint64_t step)
{
    if (up)
        return begin < end ? (end - begin - 1) / step + 1 : 0;
    return begin > end ? (begin - end - 1) / -step + 1 : 0;
}

/* ---- Which schedule. */
/* The first thread that comes decides for all, as their run-sched may differ. */
static void resolve_runtime(struct mo_member *m, struct mo_loop_spec *spec)
{
    struct mo_share *s = mo_omp_member(m)->share;
    const struct mo_icvs *icvs = mo_icvs_of(m);
    uint64_t mine = (uint64_t)icvs->chunk << 32 | (uint64_t)icvs->monotonic << 8 | icvs->sched, decided = 0;
    if (!m->shared || mo_cas_relaxed(&s->schedule, &decided, mine))
        decided = mine;
    spec->sched = decided & 0xff;
    spec->monotonic |= decided >> 8 & 1;
    spec->chunk = decided >> 32;
}

static void choose_dynamic(const struct mo_member *m, const struct mo_loop_spec *spec, struct mo_loop *l)
{
    uint64_t chunks = spec->trips / l->chunk + (spec->trips % l->chunk != 0);
    bool ranges = !spec->monotonic && !spec->order && chunks > 1 && chunks < UINT32_MAX && mo_knob(MO_KNOB_LOOP_RANGES);
    l->chunks = chunks;
    l->kind = ranges ? MO_LOOP_RANGES : MO_LOOP_COUNTER;
    if (!m->shared)
        l->kind = MO_LOOP_WHOLE;
}

static void choose(const struct mo_member *m, const struct mo_loop_spec *spec, struct mo_loop *l)
{
    switch (spec->sched) {
    case MO_SCHED_DYNAMIC:
        l->chunk = spec->chunk ? spec->chunk : 1;
        choose_dynamic(m, spec, l);
        break;
    case MO_SCHED_GUIDED:
        l->chunk = spec->chunk ? spec->chunk : 1;
        l->kind = m->shared ? MO_LOOP_GUIDED : MO_LOOP_WHOLE;
        break;
    default: /* auto is static */
        l->chunk = spec->sched == MO_SCHED_STATIC ? spec->chunk : 0;
        l->kind = m->shared ? MO_LOOP_STATIC : MO_LOOP_WHOLE;
    }
}

void mo_loop_begin(struct mo_member *m, const struct mo_loop_spec *given)
{
    struct mo_loop *l = &mo_omp_member(m)->loop;
    struct mo_loop_spec spec = *given;
    bool plain_static = spec.sched == MO_SCHED_STATIC && !spec.order && !spec.described;
    if (!plain_static)
        mo_share_enter(m);
    if (!spec.sched)
        resolve_runtime(m, &spec);
    l->begin = spec.begin;
    l->end = spec.end;
    l->step = spec.step;
    l->trips = spec.trips;
    l->next = l->stock_end = l->fetched_at = 0;
    l->fetch = 1;
    l->hi = 0;
    l->order = m->shared ? spec.order : MO_ORDER_NONE;
    l->my_turn = false;
    choose(m, &spec, l);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_work_begin(&m->worker->obs, mo_obs_what(&m->worker->obs, MO_OBS_LOOP), spec.trips);
}

/* ---- Chunks. Each sets [lo, hi) in iterations and says whether there was one. */
bool mo_loop_block(uint64_t trips, unsigned threads, unsigned tid, uint64_t *lo, uint64_t *hi)
{
    uint64_t share = trips / threads, rest = trips % threads;
    *lo = share * tid + (tid < rest ? tid : rest);
    *hi = *lo + share + (tid < rest);
    return *lo < *hi;
}

static bool next_static_block(const struct mo_member *m, struct mo_loop *l, uint64_t *lo, uint64_t *hi)
{
    return !l->next++ && mo_loop_block(l->trips, m->size, m->tid, lo, hi);
}

static bool next_static_chunk(const struct mo_member *m, struct mo_loop *l, uint64_t *lo, uint64_t *hi)
{
    uint64_t nth = l->next * m->size + m->tid;
    if (nth > (l->trips - 1) / l->chunk || !l->trips)
        return false;
    l->next++;
    *lo = nth * l->chunk;
    *hi = l->trips - *lo > l->chunk ? *lo + l->chunk : l->trips;
    return true;
}

/* How many chunks to fetch at once: one, or a few more while chunks are over in less time than it takes the counter's
   line to come over, and never so many that the rest could not be spread. The thread still runs them in order; others
   run ahead of it by no more than if it had been held up for a moment. */
static uint64_t fetch_size(const struct mo_member *m, struct mo_loop *l)
{
    uint64_t now = mo_plat_ticks(), spent = now - l->fetched_at;
    uint64_t left = (l->chunks - l->stock_end) / (2u * m->size);
    bool tiny = l->fetched_at && spent * 1000 < l->fetch * TINY_CHUNK_NS * mo_plat_ticks_per_us();
    l->fetched_at = now;
    l->fetch = tiny && l->fetch < FETCH_MAX ? l->fetch * 2 : tiny ? FETCH_MAX : 1;
    if (l->fetch > left)
        l->fetch = left;
    if (!l->fetch || l->order)
        l->fetch = 1;
    return l->fetch;
}

static bool fetch_chunks(const struct mo_member *m, struct mo_share *s, struct mo_loop *l)
{
    uint64_t count = fetch_size(m, l);
    /* Not looked at first: the line would come over twice. Counting chunks, not iterations, keeps the sum of late
       attempts from running over, but for loops of nearly 2^64 chunks. */
    if (mo_unlikely(l->chunks > UINT64_MAX / 2 && mo_load_relaxed(&s->counter) >= l->chunks))
        return false;
    uint64_t nth = mo_fetch_add_relaxed(&s->counter, count);
    if (nth >= l->chunks)
        return false;
    l->next = nth;
    l->stock_end = l->chunks - nth > count ? nth + count : l->chunks;
    return true;
}

static bool next_counted(const struct mo_member *m, struct mo_share *s, struct mo_loop *l, uint64_t *lo, uint64_t *hi)
{
    if (l->next == l->stock_end && !fetch_chunks(m, s, l))
        return false;
    *lo = l->next++ * l->chunk;
    *hi = l->trips - *lo > l->chunk ? *lo + l->chunk : l->trips;
    return true;
}

uint64_t mo_loop_guided_size(uint64_t left, unsigned threads, uint64_t chunk)
{
    uint64_t size = left / threads + (left % threads != 0);
    if (size < chunk)
        size = chunk;
    return size < left ? size : left;
}

static bool next_guided(const struct mo_member *m, struct mo_share *s, struct mo_loop *l, uint64_t *lo, uint64_t *hi)
{
    uint64_t at = mo_load_relaxed(&s->counter), size;
    do {
        if (at == l->trips)
            return false;
        size = mo_loop_guided_size(l->trips - at, m->size, l->chunk);
    } while (!mo_cas_relaxed(&s->counter, &at, at + size));
    *lo = at;
    *hi = at + size;
    return true;
}

static bool next_whole(struct mo_loop *l, uint64_t *lo, uint64_t *hi)
{
    *lo = 0;
    *hi = l->trips;
    return !l->next++ && l->trips;
}

/* ---- Ranges. */
static inline uint64_t pack(uint64_t lo, uint64_t hi)
{
    return lo | hi << 32;
}

/* The part that thread tid starts with, of all chunks but the last; the empty one is (1, 1), as zero means untouched.
 */
static uint64_t initial_range(const struct mo_member *m, const struct mo_loop *l, unsigned tid)
{
    uint64_t lo, hi;
    return mo_loop_block(l->chunks - 1, m->size, tid, &lo, &hi) ? pack(lo, hi) : pack(1, 1);
}

static uint64_t read_range(const struct mo_member *m, const struct mo_loop *l, struct mo_range_slot *slot, unsigned tid,
                           uint64_t *raw)
{
    *raw = mo_load_relaxed(&slot->range); /* chunk numbers guard no data */
    return *raw ? *raw : initial_range(m, l, tid);
}

/* Take the upper half of a slot. */
static bool split(const struct mo_member *m, const struct mo_loop *l, struct mo_range_slot *slot, unsigned tid,
                  uint64_t *taken)
{
    uint64_t raw, range = read_range(m, l, slot, tid, &raw);
    for (;;) {
        uint64_t lo = (uint32_t)range, hi = range >> 32;
        if (lo >= hi)
            return false;
        uint64_t mid = lo + (hi - lo) / 2;
        uint64_t left = lo < mid ? pack(lo, mid) : pack(1, 1);
        if (mo_cas_relaxed(&slot->range, &raw, left)) {
            *taken = pack(mid, hi);
            return true;
        }
        range = raw;
    }
}

static bool refill(struct mo_member *m, struct mo_loop *l, struct mo_share *s)
{
    for (unsigned i = 1; i < m->size; i++) {
        unsigned tid = m->tid + i;
        uint64_t taken;
        if (tid >= m->size)
            tid -= m->size;
        if (split(m, l, &s->slot[tid], tid, &taken)) {
            mo_store_relaxed(&s->slot[m->tid].range, taken); /* R1 */
            return true;
        }
    }
    return false;
}

static bool claim_last(struct mo_share *s, struct mo_loop *l, uint64_t *from, uint64_t *to)
{
    uint64_t unclaimed = 0;
    *from = (l->chunks - 1) * l->chunk;
    *to = l->trips;
    if (mo_load_relaxed(&s->counter) || !mo_cas_relaxed(&s->counter, &unclaimed, 1u))
        return false;
    l->kind = MO_LOOP_WHOLE; /* and nothing more: a range may have been on its way between two slots */
    l->next = 1;
    return true;
}

static bool next_in_range(struct mo_member *m, struct mo_share *s, struct mo_loop *l, uint64_t *from, uint64_t *to)
{
    struct mo_range_slot *slot = &s->slot[m->tid];
    do {
        uint64_t raw, range = read_range(m, l, slot, m->tid, &raw);
        uint64_t lo = (uint32_t)range, hi = range >> 32;
        while (lo < hi) {
            if (mo_likely(mo_cas_relaxed(&slot->range, &raw, lo + 1 < hi ? pack(lo + 1, hi) : pack(1, 1)))) {
                *from = lo * l->chunk;
                *to = *from + l->chunk;
                return true;
            }
            lo = (uint32_t)raw;
            hi = raw >> 32;
        }
    } while (refill(m, l, s));
    return claim_last(s, l, from, to);
}

static bool next_chunk(struct mo_member *m, struct mo_loop *l, uint64_t *lo, uint64_t *hi)
{
    struct mo_share *s = mo_omp_member(m)->share;
    switch (l->kind) {
    case MO_LOOP_RANGES:
        return next_in_range(m, s, l, lo, hi);
    case MO_LOOP_COUNTER:
        return next_counted(m, s, l, lo, hi);
    case MO_LOOP_GUIDED:
        return next_guided(m, s, l, lo, hi);
    case MO_LOOP_WHOLE:
        return next_whole(l, lo, hi);
    default:
        return l->chunk ? next_static_chunk(m, l, lo, hi) : next_static_block(m, l, lo, hi);
    }
}

/* ---- Ordered: `turn` is the iteration whose chunk may run its ordered regions. A thread keeps the turn until its
   chunk is over, and a chunk is not over before its turn has come. */
struct turn_wait {
    struct mo_share *share;
    uint64_t lo;
};

static bool turn_came(void *arg)
{
    struct turn_wait *t = arg;
    return mo_load_seqcst(&t->share->turn) == t->lo;
}

static uint32_t turn_bit(uint64_t iteration)
{
    return 1u << (iteration * 0x9e3779b97f4a7c15u >> 59);
}

static void await_turn(struct mo_member *m, struct mo_loop *l)
{
    struct turn_wait t = {mo_omp_member(m)->share, l->lo};
    if (!turn_came(&t)) {
        const struct mo_wait wait = {
            .ready = turn_came, .arg = &t, .event = &t.share->turn_event, .bits = turn_bit(l->lo)};
        mo_wait(&wait);
    }
    l->my_turn = true;
}

static void end_turn(struct mo_member *m, struct mo_loop *l)
{
    struct mo_share *s = mo_omp_member(m)->share;
    if (!l->my_turn)
        await_turn(m, l);
    mo_exchange_seqcst(&s->turn, l->hi); /* pairs with turn_came(), and precedes the look for sleepers */
    mo_event_notify_bits(&s->turn_event, MO_WAKE_ALL, turn_bit(l->hi));
    l->my_turn = false;
}

/* Only its address counts, which stays the same through a region. */
static const void *ordered_lock(const struct mo_member *m)
{
    return &mo_omp_team(m->team)->loop;
}

void mo_ordered_begin(struct mo_member *m)
{
    struct mo_loop *l = &mo_omp_member(m)->loop;
    if (mo_unlikely(mo_traced(m)))
        mo_obs_mutex_acquire(&m->worker->obs, MO_OBS_ORDERED, ordered_lock(m));
    if (l->order == MO_ORDER_TURNS && l->hi && !l->my_turn)
        await_turn(m, l);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_mutex_acquired(&m->worker->obs, MO_OBS_ORDERED, ordered_lock(m));
}

void mo_ordered_end(struct mo_member *m)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_mutex_released(&m->worker->obs, MO_OBS_ORDERED, ordered_lock(m));
}

static void leave_chunk(struct mo_member *m, struct mo_loop *l)
{
    if (l->order == MO_ORDER_TURNS)
        end_turn(m, l);
    else
        mo_doacross_leave_chunk(m);
}

bool mo_loop_next(struct mo_member *m, uint64_t *from, uint64_t *to)
{
    struct mo_loop *l = &mo_omp_member(m)->loop;
    uint64_t lo, hi;
    if (mo_unlikely(l->order && l->hi))
        leave_chunk(m, l);
    if (!next_chunk(m, l, &lo, &hi)) {
        l->hi = 0;
        return false;
    }
    l->lo = lo;
    l->hi = hi;
    if (mo_unlikely(l->order == MO_ORDER_DOACROSS))
        mo_doacross_enter_chunk(m, lo, hi);
    *from = l->begin + lo * l->step;
    *to = hi == l->trips ? l->end : l->begin + hi * l->step;
    if (mo_unlikely(mo_traced(m)))
        mo_obs_dispatch_iteration(&m->worker->obs, lo);
    return true;
}
