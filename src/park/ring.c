/* Waits of a thread that has fibers: fiber.h says how they take turns. */
#include "park/fiber.h"
#include "park/wait.h"
#include "plat/plat.h"
#include "watch/trace.h"

#include <errno.h>

#define SHARERS_MAX 8

static struct mo_fiber *first_announced(struct mo_ring *r)
{
    struct mo_fiber *f = r->current;
    do {
        if (f->announced)
            return f;
        f = f->next;
    } while (f != r->current);
    return NULL;
}

/* F2. The calling one comes first: it is about to look for what they were woken for. What is called may wait for a
   lock, and the fibers then go on: so the ring counts as settling until none is announced, for each of them to do the
   same before it leaves its wait, and nothing of a fiber's wait is read after a call. */
static void get_up(struct mo_ring *r)
{
    for (struct mo_fiber *f; (f = first_announced(r));) {
        const struct mo_wait w = *f->announced;
        bool aside = w.aside && f != r->current;
        f->announced = NULL;
        if (w.event)
            mo_event_finish(w.event);
        if (w.awake)
            w.awake(w.arg);
        if (aside)
            w.aside(w.arg);
    }
    r->settling = false;
}

static void rouse(struct mo_ring *r)
{
    r->tried = 0;
    r->bout.began = 0;
    if (r->settling)
        get_up(r);
}

/* False: there is no reason to sleep any more. What is called may wait itself, and the ring get up: so nothing is noted
   before. */
static bool announce(struct mo_fiber *me, const struct mo_wait *w)
{
    uint32_t key = w->event ? mo_event_prepare(w->event) : 0;
    if (w->asleep)
        w->asleep(w->arg);
    bool ready = w->ready(w->arg), found = !ready && w->work && w->work(w->arg);
    me->announced = w;
    me->key = key;
    me->came = ready;
    me->ring->settling = true;
    return !ready && !found;
}

/* What the fibers of a ring sleep on. */
struct bed {
    _Atomic uint32_t *word[MO_PLAT_WORDS_MAX];
    uint32_t seen[MO_PLAT_WORDS_MAX];
    unsigned words;
    uint32_t bits;
    uint64_t timeout_ns;
    bool changed, full;
};

static void lie_down(struct bed *bed, const struct mo_fiber *f, const struct mo_wait *w)
{
    unsigned i = 0;
    if (w->relook_ns && (!bed->timeout_ns || w->relook_ns < bed->timeout_ns))
        bed->timeout_ns = w->relook_ns;
    if (!w->event)
        return;
    bed->bits |= w->bits;
    while (i < bed->words && bed->word[i] != &w->event->seq)
        i++;
    if (i < bed->words) {
        bed->changed |= bed->seen[i] != f->key;
    } else if (i < MO_PLAT_WORDS_MAX) {
        bed->word[i] = &w->event->seq;
        bed->seen[i] = f->key;
        bed->words++;
    } else {
        bed->full = true;
    }
}

#define NAP_NS 1000000 /* where the system cannot sleep on several words */

static void sleep_on_all(const struct bed *bed)
{
    _Atomic uint32_t nothing = 0;
    int err = bed->full ? ENOSYS : 0;
    if (bed->words == 0) {
        mo_park_sleep(&nothing, 0, bed->timeout_ns, MO_WAKE_ANY);
        return;
    }
    if (bed->words > 1 && !err) {
        mo_park_count_runnable(-1);
        mo_trace(MO_TRACE_SLEEP, NULL, 0, 0);
        err = mo_plat_futex_wait_many(bed->word, bed->seen, bed->words, bed->timeout_ns);
        mo_trace(MO_TRACE_END(MO_TRACE_SLEEP), NULL, 0, 0);
        if (err)
            mo_park_count_runnable(1); /* nobody woke it, so nobody has counted it */
    }
    if (bed->words == 1 || err == ENOSYS || err == EPERM)
        mo_park_sleep(bed->word[0], bed->seen[0],
                      bed->words == 1 || (bed->timeout_ns && bed->timeout_ns < NAP_NS) ? bed->timeout_ns : NAP_NS,
                      bed->bits);
}

static __attribute__((noinline)) void sleep_together(struct mo_ring *r, const struct mo_fiber *me,
                                                     const struct mo_wait *w)
{
    struct bed bed;
    bed.words = 0;
    bed.bits = 0;
    bed.timeout_ns = 0;
    bed.changed = bed.full = false;
    lie_down(&bed, me, w);
    for (const struct mo_fiber *f = me->next; f != me; f = f->next)
        lie_down(&bed, f, f->wait);
    bed.timeout_ns <<= r->bout.sleeps;
    r->bout.sleeps += r->bout.sleeps < 6;
    if (!bed.changed)
        sleep_on_all(&bed);
}

static struct mo_fiber *next_awake(const struct mo_fiber *me)
{
    struct mo_fiber *f = me->next;
    while (f != me && f->announced)
        f = f->next;
    return f != me ? f : NULL;
}

/* None can go on. Returns whose turn it is to look for work, or to fall asleep; NULL: the same one's. */
static struct mo_fiber *idle_together(const struct mo_wait *w, struct mo_ring *r)
{
    struct mo_fiber *me = r->current, *other;
    if (!r->settling) {
        if (r->tried++ < r->fibers && (other = mo_fiber_next_worker(me)))
            return other;
        r->tried = 0;
        if (!r->bout.began) {
            r->bout.began = r->bout.last = r->bout.lingered = r->bout.met = mo_plat_ticks();
            r->bout.eager = MO_EAGER_LOOKS;
            r->bout.disturbed = false;
            r->bout.sharers = r->fibers < SHARERS_MAX ? r->fibers : SHARERS_MAX;
        }
        if (mo_park_stay_awake(w, &r->bout))
            return NULL;
        if (w->idle)
            w->idle(w->arg);
    }
    if (announce(me, w)) {
        if ((other = next_awake(me)))
            return other;
        sleep_together(r, me, w);
        if (w->memory)
            mo_park_learn(w->memory, &r->bout);
    }
    rouse(r);
    return NULL;
}

void mo_wait_in_ring(const struct mo_wait *w, struct mo_ring *r)
{
    struct mo_fiber *me = r->current;
    while (!me->came && !w->ready(w->arg)) {
        if (w->work && w->work(w->arg)) {
            rouse(r);
            r->bout.sleeps = 0;
            continue;
        }
        struct mo_fiber *to = mo_fiber_next(r, me);
        if (to) {
            rouse(r);
            r->bout.sleeps = 0;
            if (w->aside)
                w->aside(w->arg);
        } else {
            to = idle_together(w, r);
        }
        if (to)
            mo_fiber_switch(r, to, w);
    }
    me->came = false;
    if (mo_unlikely(r->settling))
        rouse(r);
}
