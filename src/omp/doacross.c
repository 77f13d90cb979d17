/* Loops whose iterations wait for iterations of other threads: ordered(n), depend(source) and depend(sink).

   Positions. (v0, v1, ...) becomes the number v0 * n1 * n2 * ... + v1 * n2 * ... + ..., which rises in the order of a
   single thread. Where that does not fit 64 bits the inner dimensions are left out: then a position counts as posted
   when the thread has gone on to the next number. That is late and yet right, as what an iteration waits for never
   waits for it.

   Slots. The iterations of dimension 0 are cut into intervals, and the thread that runs one publishes in its slot how
   far it has come: `done`, one more than the number it posted last. Only ever the thread that has the interval writes
   it.
     static   every thread has one slot: whose an interval is can be computed, and a thread runs its own in order. So
              nothing has to be said about where a chunk begins, and the loop may be one that compiled code runs by
              itself. Intervals are the chunks, or the blocks in the table.
     dynamic  the intervals are the chunks, and chunk c has slot c modulo their count, a power of two.
     guided   they are found in a table of where each begins, which depends on nothing but the trip count and the number
              of threads, and each has a slot of its own.
   X1  `done` of a slot only rises. A thread publishes nothing that is not more than what it published before, and with
       a dynamic schedule one that takes chunk c first waits until the slot says that its former chunk is over; nothing
       more comes from that one. It is an earlier chunk, so somebody runs it and does not wait for c.
   X2  A thread that ends a chunk publishes the chunk's end, if the last post has not; one that runs a static loop by
       itself publishes the loop's end with that. So done >= n + 1 means that number n is over, whoever had the slot
       since, and an iteration that posts nothing is over with its chunk.
   X3  Posts are releases, looks are acquires.

   What a thread saw last of the slot that it waited for last it keeps: a thread that is far behind of another asks
   seldom. To look back at its own slot does not count as waiting.

   Sleeping. A waiter leaves in `wanted` the smallest `done` that somebody sleeps for, after it announced itself to the
   slot's event, and looks at `done` once more. Who posts stores `done` and reads `wanted`, in the same line, and rings
   only when that has been reached; it resets `wanted` first.
   X4  No wake-up is lost: between the two accesses of either side is a full barrier; the poster's is supplied by the
       sleeper through membarrier where that is armed.
   X5  A second waiter that finds a smaller `wanted` leaves it: whoever resets that raises the event's number after, so
       both wake, look, and the one that must wait on announces itself anew. */
#include "omp/core.h"
#include "plat/plat.h"

#include <string.h>

#define SLOTS_MIN    64       /* chunks that the fastest thread may be ahead of the slowest, at least */
#define SLOTS_FACTOR 4        /* the same for each thread */
#define RELOOK_NS    10000000 /* for the case that membarrier is denied when it is needed */

struct slot {
    _Atomic uint64_t done MO_ALIGNED(MO_CACHE_LINE);
    _Atomic uint64_t wanted; /* 0: nobody sleeps */
    struct mo_event event;
};

struct mo_doacross_thread {
    const struct mo_doacross *loop MO_ALIGNED(MO_CACHE_LINE);
    struct slot *mine;
    uint64_t lo,
        hi; /* its own chunk of dimension 0; where compiled code runs the loop, the one it looked back at last */
    uint64_t published;
    struct slot *seen MO_ALIGNED(MO_CACHE_LINE); /* of the interval that it waited for last, and what it found there */
    uint64_t seen_lo, seen_hi, seen_done;
};

struct mo_doacross {
    struct mo_piece *piece;
    unsigned dims, used; /* of them in numbers */
    bool asymmetric;
    bool by_thread;         /* static: slot t is thread t's */
    uint64_t chunk;         /* 0: the intervals are in the table */
    uint64_t slots;         /* dynamic: a power of two */
    const uint64_t *counts; /* by dimension */
    const uint64_t *weight; /* of a dimension in numbers */
    const uint64_t *begin;  /* the table; one more than intervals */
    struct slot *slot;
    struct mo_doacross_thread *thread;
};

/* ---- Setting up. */
struct shape {
    unsigned threads, dims;
    uint64_t trips, chunk;
    uint8_t kind; /* enum mo_loop_kind */
};

/* Where interval i ends that begins at `begin`. */
static uint64_t interval_end(const struct shape *s, uint64_t i, uint64_t begin)
{
    if (s->kind == MO_LOOP_GUIDED)
        return begin + mo_loop_guided_size(s->trips - begin, s->threads, s->chunk);
    return begin + s->trips / s->threads + (i < s->trips % s->threads);
}

static bool has_table(const struct shape *s)
{
    return s->kind == MO_LOOP_GUIDED || !s->chunk;
}

static uint64_t count_slots(const struct shape *s)
{
    uint64_t count = 1, at = 0;
    if (s->kind == MO_LOOP_STATIC)
        return s->threads;
    if (has_table(s)) {
        while ((at = interval_end(s, count - 1, at)) < s->trips)
            count++;
        return count;
    }
    uint64_t chunks = s->trips / s->chunk + (s->trips % s->chunk != 0);
    uint64_t most = (uint64_t)s->threads * SLOTS_FACTOR;
    while (count < chunks && (count < most || count < SLOTS_MIN))
        count *= 2;
    return count;
}

static void fill_table(const struct shape *s, uint64_t *begin, uint64_t slots)
{
    begin[0] = 0;
    for (uint64_t i = 0; i < slots; i++)
        begin[i + 1] = interval_end(s, i, begin[i]);
}

/* As many dimensions as fit. */
static unsigned weigh(const uint64_t *counts, unsigned dims, uint64_t *weight)
{
    unsigned used = 0;
    uint64_t product = 1;
    while (used < dims && !__builtin_mul_overflow(product, counts[used], &product))
        used++;
    product = 1;
    for (unsigned d = used; d-- > 0; product *= counts[d])
        weight[d] = product;
    return used;
}

/* The parts follow one another in one piece of memory. */
static struct mo_doacross *create(struct mo_worker *w, const struct shape *s, const uint64_t *counts)
{
    uint64_t slots = count_slots(s), words = 2 * s->dims + (has_table(s) ? slots + 1 : 0);
    size_t lines = s->threads * sizeof(struct mo_doacross_thread) + slots * sizeof(struct slot);
    struct mo_piece *p = mo_piece_new(w, lines + words * sizeof(uint64_t) + sizeof(struct mo_doacross), MO_CACHE_LINE);
    if (!p)
        mo_fatal("out of memory for a doacross loop");
    struct mo_doacross_thread *thread = p->data;
    struct slot *slot = (struct slot *)(thread + s->threads);
    uint64_t *copy = (uint64_t *)(slot + slots), *weight = copy + s->dims, *begin = weight + s->dims;
    struct mo_doacross *x = (struct mo_doacross *)(copy + words);
    memcpy(copy, counts, s->dims * sizeof *copy);
    if (has_table(s))
        fill_table(s, begin, slots);
    *x = (struct mo_doacross){.piece = p,
                              .dims = s->dims,
                              .used = weigh(counts, s->dims, weight),
                              .asymmetric = mo_sched_asymmetric(),
                              .by_thread = s->kind == MO_LOOP_STATIC,
                              .chunk = has_table(s) ? 0 : s->chunk,
                              .slots = slots,
                              .counts = copy,
                              .weight = weight,
                              .begin = begin,
                              .slot = slot,
                              .thread = thread};
    return x;
}

static struct mo_doacross *attach(struct mo_member *m, const struct mo_doacross_spec *spec)
{
    struct mo_omp_member *om = mo_omp_member(m);
    const struct shape shape = {m->size, spec->dims, om->loop.trips, om->loop.chunk, om->loop.kind};
    struct mo_share *s = om->share;
    struct mo_doacross *x = mo_load_acquire(&s->doacross);
    if (x)
        return x;
    mo_mutex_lock(&s->lock);
    x = mo_load_relaxed(&s->doacross); /* the lock ordered it */
    if (!x)
        x = create(m->worker, &shape, spec->counts);
    mo_store_release(&s->doacross, x);
    mo_mutex_unlock(&s->lock);
    return x;
}

void mo_doacross_begin(struct mo_member *m, const struct mo_loop_spec *loop, const struct mo_doacross_spec *spec)
{
    struct mo_omp_member *om = mo_omp_member(m);
    mo_loop_begin(m, loop);
    om->doacross = NULL;
    if (!m->shared)
        return;
    struct mo_doacross *x = attach(m, spec);
    om->doacross = &x->thread[m->tid];
    om->doacross->loop = x;
    if (x->by_thread)
        om->doacross->mine = &x->slot[m->tid];
}

void mo_doacross_delete(struct mo_worker *w, struct mo_doacross *x)
{
    mo_piece_delete(w, x->piece);
}

unsigned mo_doacross_dims(struct mo_member *m)
{
    const struct mo_doacross_thread *t = mo_omp_member(m)->doacross;
    return t ? t->loop->dims : 0;
}

/* ---- Numbers and slots. */
static inline uint64_t number(const struct mo_doacross *x, const uint64_t *position)
{
    uint64_t n = position[0] * x->weight[0];
    for (unsigned d = 1; d < x->used; d++)
        n += position[d] * x->weight[d];
    return n;
}

static bool outside(const struct mo_doacross *x, const uint64_t *position)
{
    for (unsigned d = 0; d < x->dims; d++)
        if (position[d] >= x->counts[d])
            return true;
    return false;
}

/* The last interval that begins at v or before: empty ones begin where the next does. */
static struct slot *slot_in_table(const struct mo_doacross *x, uint64_t v, uint64_t *lo, uint64_t *hi)
{
    uint64_t from = 0, to = x->slots;
    while (to - from > 1) {
        uint64_t mid = from + (to - from) / 2;
        if (x->begin[mid] <= v)
            from = mid;
        else
            to = mid;
    }
    *lo = x->begin[from];
    *hi = x->begin[from + 1];
    return &x->slot[from];
}

static struct slot *slot_of(const struct mo_doacross *x, uint64_t v, uint64_t *lo, uint64_t *hi)
{
    if (!x->chunk)
        return slot_in_table(x, v, lo, hi);
    uint64_t nth = x->chunk == 1 ? v : v / x->chunk;
    *lo = nth * x->chunk;
    *hi = x->counts[0] - *lo > x->chunk ? *lo + x->chunk : x->counts[0];
    return &x->slot[x->by_thread ? nth % x->slots : nth & (x->slots - 1)];
}

/* ---- Publishing. */
static __attribute__((noinline)) void ring(struct slot *s)
{
    mo_exchange_seqcst(&s->wanted, 0u); /* X5 */
    mo_event_notify(&s->event);
}

static inline void publish(struct mo_doacross_thread *t, uint64_t done)
{
    struct slot *s = t->mine;
    if (mo_unlikely(done <= t->published)) /* X1 */
        return;
    t->published = done;
    if (mo_likely(t->loop->asymmetric)) {
        mo_store_release(&s->done, done); /* X3 */
        mo_plat_light_barrier();          /* X4 */
    } else {
        mo_exchange_seqcst(&s->done, done); /* X4 */
    }
    uint64_t wanted = mo_load_seqcst(&s->wanted);
    if (mo_unlikely(wanted && wanted <= done))
        ring(s);
}

void mo_doacross_post(struct mo_member *m, const uint64_t *position)
{
    struct mo_doacross_thread *t = mo_omp_member(m)->doacross;
    if (mo_unlikely(!t))
        return;
    if (mo_unlikely(mo_traced(m)))
        mo_observe_doacross(m, true, position);
    const struct mo_doacross *x = t->loop;
    publish(t, number(x, position) + (x->used == x->dims));
}

/* ---- Waiting. */
struct slot_wait {
    struct mo_member *m;
    struct slot *slot;
    uint64_t target; /* of `done` */
    uint64_t done;   /* found */
};

static bool has_come(void *arg)
{
    struct slot_wait *w = arg;
    w->done = mo_load_seqcst(&w->slot->done); /* X3; X4: not before `wanted` was left */
    return w->done >= w->target;
}

static void leave_wanted(void *arg)
{
    struct slot_wait *w = arg;
    uint64_t wanted = mo_load_seqcst(&w->slot->wanted);
    while ((!wanted || wanted > w->target) && !mo_cas_seqcst(&w->slot->wanted, &wanted, w->target))
        ;
    if (mo_omp_member(w->m)->doacross->loop->asymmetric)
        mo_sched_heavy_barrier(); /* X4 */
}

static void linger(void *arg)
{
    mo_spread(((struct slot_wait *)arg)->m);
}

static uint64_t await(struct mo_member *m, const struct mo_doacross *x, struct slot *s, uint64_t target)
{
    struct slot_wait w = {.m = m, .slot = s, .target = target};
    if (has_come(&w))
        return w.done;
    const struct mo_wait wait = {.ready = has_come,
                                 .asleep = leave_wanted,
                                 .linger = linger,
                                 .arg = &w,
                                 .event = &s->event,
                                 .bits = MO_WAKE_ANY,
                                 .relook_ns = x->asymmetric ? RELOOK_NS : 0};
    mo_wait(&wait);
    return w.done;
}

static inline void wait_for(struct mo_member *m, struct mo_doacross_thread *t, const uint64_t *position)
{
    const struct mo_doacross *x = t->loop;
    uint64_t v = position[0];
    if ((v >= t->lo && v < t->hi) || outside(x, position)) /* its own chunk it runs in order */
        return;
    uint64_t target = number(x, position) + 1;
    if (v < t->seen_lo || v >= t->seen_hi) {
        uint64_t lo, hi;
        struct slot *s = slot_of(x, v, &lo, &hi);
        if (x->by_thread && s == t->mine) { /* what it waits for is earlier, so it has run it */
            t->lo = lo;
            t->hi = hi;
            return;
        }
        if (t->seen != s || !x->by_thread)
            t->seen_done = 0;
        t->seen = s;
        t->seen_lo = lo;
        t->seen_hi = hi;
    }
    if (t->seen_done < target)
        t->seen_done = await(m, x, t->seen, target);
}

void mo_doacross_wait(struct mo_member *m, const uint64_t *position)
{
    struct mo_doacross_thread *t = mo_omp_member(m)->doacross;
    if (mo_unlikely(!t))
        return;
    wait_for(m, t, position);
    if (mo_unlikely(mo_traced(m)))
        mo_observe_doacross(m, false, position);
}

/* ---- Chunks. */
void mo_doacross_enter_chunk(struct mo_member *m, uint64_t lo, uint64_t hi)
{
    struct mo_doacross_thread *t = mo_omp_member(m)->doacross;
    const struct mo_doacross *x = t->loop;
    uint64_t from, to;
    t->lo = lo;
    t->hi = hi;
    if (x->by_thread)
        return;
    t->mine = slot_of(x, lo, &from, &to);
    uint64_t nth = x->chunk ? lo / x->chunk : 0;
    if (nth >= x->slots) /* X1 */
        await(m, x, t->mine, (nth - x->slots + 1) * x->chunk * x->weight[0]);
}

void mo_doacross_leave_chunk(struct mo_member *m)
{
    struct mo_doacross_thread *t = mo_omp_member(m)->doacross;
    publish(t, t->hi * t->loop->weight[0]); /* X2 */
}

void mo_doacross_end(struct mo_member *m)
{
    struct mo_doacross_thread *t = mo_omp_member(m)->doacross;
    if (t && t->loop->by_thread)
        publish(t, t->loop->counts[0] * t->loop->weight[0]); /* X2 */
}
