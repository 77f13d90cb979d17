/* The usual order of tasks as a scheduler that others may use (moirai/scheduler.h): a deque for each worker and level,
   which its owner pushes and pops and others steal from (queue/deque.h has the protocol), and a list for each level of
   what came from threads that are no workers.

   Who sleeps: a worker looks here after it has announced that it may sleep, and whoever has pushed looks for
   announcements after that (steal.c), so that what a push publishes is found by one of the two. */
#include "native/executor.h"

#include "mem/mem.h"
#include "park/park.h"
#include "queue/deque.h"

#define LEVELS    (MOIRAI_PRIORITY_URGENT - MOIRAI_PRIORITY_LOW + 1)
#define SLOTS     64 /* of a deque, at first */
#define TRIES_MAX 8  /* lost races with one victim */

/* First in, first out. `count` is read without the lock. */
struct line {
    _Atomic uint32_t lock, count;
    moirai_entry_t *first, *last;
};

struct moirai_stealing {
    unsigned workers;
    size_t bytes;
    struct line outside[LEVELS];
    struct mo_deque deque[][LEVELS]; /* the highest level first */
};

static unsigned level_of(const moirai_entry_t *entry)
{
    return (unsigned)(MOIRAI_PRIORITY_URGENT - moirai_entry_priority(entry));
}

static void free_buffers(struct moirai_stealing *s, unsigned deques)
{
    for (unsigned i = 0; i < deques; i++) {
        struct mo_deque_buffer *buf = mo_load_relaxed(&s->deque[i / LEVELS][i % LEVELS].buffer);
        mo_extent_free(buf, sizeof *buf + (buf->mask + 1) * sizeof buf->slot[0]);
    }
}

MO_API int moirai_stealing_new(moirai_stealing_t **self, unsigned workers)
{
    if (!self || workers == 0 || workers > MOIRAI_WORKERS_MAX)
        return MOIRAI_EINVAL;
    size_t bytes = sizeof(struct moirai_stealing) + workers * sizeof(struct mo_deque[LEVELS]);
    struct moirai_stealing *s = mo_extent_alloc(bytes);
    if (!s)
        return MOIRAI_ENOMEM;
    s->workers = workers;
    s->bytes = bytes;
    for (unsigned i = 0; i < workers * LEVELS; i++)
        if (!mo_deque_init(&s->deque[i / LEVELS][i % LEVELS], SLOTS)) {
            free_buffers(s, i);
            mo_extent_free(s, bytes);
            return MOIRAI_ENOMEM;
        }
    *self = s;
    return MOIRAI_OK;
}

static size_t load(void *self)
{
    struct moirai_stealing *s = self;
    size_t sum = 0;
    for (unsigned level = 0; level < LEVELS; level++) {
        sum += mo_load_seqcst(&s->outside[level].count);
        for (unsigned i = 0; i < s->workers; i++)
            sum += (size_t)mo_deque_peek_size(&s->deque[i][level]);
    }
    return sum;
}

MO_API int moirai_stealing_free(moirai_stealing_t *self)
{
    if (!self)
        return MOIRAI_OK;
    if (load(self))
        return MOIRAI_EBUSY;
    free_buffers(self, self->workers * LEVELS);
    mo_extent_free(self, self->bytes);
    return MOIRAI_OK;
}

/* ---- The table's functions. */
static void append(struct line *l, moirai_entry_t *entry)
{
    *moirai_entry_link(entry) = NULL;
    mo_mutex_lock(&l->lock);
    if (l->first)
        *moirai_entry_link(l->last) = entry;
    else
        l->first = entry;
    l->last = entry;
    mo_fetch_add_seqcst(&l->count, 1u);
    mo_mutex_unlock(&l->lock);
}

static moirai_entry_t *take_first(struct line *l)
{
    if (!mo_load_seqcst(&l->count))
        return NULL;
    mo_mutex_lock(&l->lock);
    moirai_entry_t *entry = l->first;
    if (entry) {
        l->first = *moirai_entry_link(entry);
        mo_fetch_sub_seqcst(&l->count, 1u);
    }
    mo_mutex_unlock(&l->lock);
    return entry;
}

static int schedule(void *self, int worker, moirai_entry_t *entry)
{
    struct moirai_stealing *s = self;
    unsigned level = level_of(entry);
    if (worker < 0) {
        append(&s->outside[level], entry);
        return MOIRAI_OK;
    }
    if ((unsigned)worker >= s->workers)
        return MOIRAI_EINVAL;
    struct mo_deque *d = &s->deque[worker][level];
    if (!mo_deque_room_owner(d))
        return MOIRAI_ENOMEM;
    mo_deque_push_owner(d, entry);
    return MOIRAI_OK;
}

/* An empty deque is not popped: for its owner the size is never less than what is left. */
static moirai_entry_t *next(void *self, unsigned worker)
{
    struct moirai_stealing *s = self;
    for (unsigned level = 0; level < LEVELS; level++) {
        moirai_entry_t *entry = NULL;
        if (worker < s->workers && mo_deque_peek_size(&s->deque[worker][level]))
            entry = mo_deque_pop_owner(&s->deque[worker][level], INT64_MIN, true);
        if (!entry)
            entry = take_first(&s->outside[level]);
        if (entry)
            return entry;
    }
    return NULL;
}

static moirai_entry_t *steal(struct mo_deque *d)
{
    void *entry;
    for (unsigned i = 0; i < TRIES_MAX && mo_deque_peek_size(d); i++)
        if (mo_deque_steal(d, NULL, NULL, NULL, &entry) == MO_STEAL_OK)
            return entry;
    return NULL;
}

static moirai_entry_t *try_steal(void *self, unsigned thief, unsigned victim)
{
    struct moirai_stealing *s = self;
    struct mo_worker *w = mo_native_worker();
    moirai_entry_t *entry = NULL;
    if (!w || victim >= s->workers || victim == thief)
        return NULL;
    mo_epoch_enter(&w->epoch);
    for (unsigned level = 0; level < LEVELS && !entry; level++)
        entry = steal(&s->deque[victim][level]);
    mo_epoch_leave(&w->epoch);
    return entry;
}

static int can_be_stolen_from(void *self, unsigned victim)
{
    struct moirai_stealing *s = self;
    for (unsigned level = 0; victim < s->workers && level < LEVELS; level++)
        if (mo_deque_peek_size(&s->deque[victim][level]))
            return 1;
    return 0;
}

MO_API const moirai_scheduler_t *moirai_stealing_scheduler(void)
{
    static const moirai_scheduler_t stealing = {.schedule = schedule,
                                                .next = next,
                                                .try_steal = try_steal,
                                                .load = load,
                                                .can_be_stolen_from = can_be_stolen_from};
    return &stealing;
}
