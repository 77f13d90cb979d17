/* Records are found by hashing, are claimed by a CAS and never given up. Their numbers belong to who holds the lock; so
   two never make a site of one lock at once, but of two locks they may come to one free slot. */
#include "watch/locks.h"

#include "plat/plat.h"

#include <string.h>

#define PROBES 16

_Atomic(struct mo_locks *) MO_SHARED(locks);

void mo_locks_begin(void)
{
    struct mo_locks *none = NULL, *made = mo_plat_map_wiped(sizeof *made);
    if (!made)
        made = mo_plat_map(sizeof *made);
    mo_plat_ticks_per_us(); /* measured now, not while somebody waits */
    if (made)
        made->began = mo_plat_ticks();
    if (made && !atomic_compare_exchange_strong(&MO_SHARED(locks), &none, made))
        mo_plat_unmap(made, sizeof *made);
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    return x ^ x >> 32;
}

struct mo_lock *mo_locks_find(struct mo_locks *l, const void *lock)
{
    uint64_t at = mix((uintptr_t)lock);
    for (unsigned i = 0; i < PROBES; i++) {
        struct mo_lock *e = &l->lock[(at + i) % MO_LOCKS_MAX];
        const void *was = mo_load_relaxed(&e->lock); /* an address and nothing behind it */
        if (was == lock || (!was && (mo_cas_relaxed(&e->lock, &was, lock) || was == lock)))
            return e;
    }
    mo_fetch_add_relaxed(&l->lost, 1u);
    return NULL;
}

static struct mo_lock_site *new_site(struct mo_locks *l, uint64_t key, const void *lock, const void *site,
                                     enum mo_lock_kind kind)
{
    uint32_t n = mo_load_relaxed(&l->sites) < MO_SITES_MAX ? mo_fetch_add_relaxed(&l->sites, 1u) : MO_SITES_MAX;
    if (n >= MO_SITES_MAX)
        return NULL;
    struct mo_lock_site *s = &l->site[n];
    s->key = key;
    s->lock = lock;
    s->site = site;
    s->kind = kind;
    return s;
}

static struct mo_lock_site *find_site(struct mo_locks *l, const void *lock, const void *site, enum mo_lock_kind kind)
{
    uint64_t key = mix((uintptr_t)lock ^ mix((uintptr_t)site));
    struct mo_lock_site *made = NULL;
    for (unsigned i = 0; i < PROBES; i++) {
        _Atomic uint32_t *slot = &l->slot[(key + i) % (2 * MO_SITES_MAX)];
        uint32_t was = mo_load_acquire(slot);
        if (was == 0) {
            if (!made && !(made = new_site(l, key, lock, site, kind)))
                break;
            /* release: who finds the number finds the key */
            if (mo_cas_acq_rel(slot, &was, (uint32_t)(made - l->site) + 1))
                return made;
        }
        if (l->site[was - 1].key == key)
            return &l->site[was - 1];
    }
    mo_fetch_add_relaxed(&l->lost, 1u);
    return NULL;
}

/* Of a lock that the caller holds, which mostly is taken where it was taken last. */
static struct mo_lock_site *site_of(struct mo_locks *l, const struct mo_lock *e, const void *lock, const void *site,
                                    enum mo_lock_kind kind)
{
    struct mo_lock_site *last = e ? e->site : NULL;
    return last && last->site == site && last->kind == kind ? last : find_site(l, lock, site, kind);
}

void mo_locks_waiting(const void *lock, int change)
{
    struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    struct mo_lock *e = l ? mo_locks_find(l, lock) : NULL;
    if (!e)
        return;
    /* relaxed, all: a count and its maximum. */
    uint32_t now = mo_fetch_add_relaxed(&e->waiters, (uint32_t)change) + (uint32_t)change;
    uint32_t peak = mo_load_relaxed(&e->peak);
    while (change > 0 && now > peak && !mo_cas_relaxed(&e->peak, &peak, now))
        continue;
}

static unsigned class_of(uint64_t ns)
{
    if (ns < MO_LOCK_NS_MIN)
        return 0;
    unsigned octave = 63 - (unsigned)__builtin_clzll(ns);
    unsigned class = 1 + 2 * (octave - 6) + (unsigned)(ns >> (octave - 1) & 1);
    return class < MO_LOCK_TIMES ? class : MO_LOCK_TIMES - 1;
}

static uint64_t end_of_class(unsigned class)
{
    if (class == 0)
        return MO_LOCK_NS_MIN;
    uint64_t octave = (uint64_t)1 << (6 + (class - 1) / 2);
    return class % 2 ? octave + octave / 2 : octave * 2;
}

static uint64_t ns_of(uint64_t ticks)
{
    return ticks * 1000 / mo_plat_ticks_per_us();
}

static void add_wait(struct mo_lock_site *s, uint64_t ticks)
{
    s->wait_ticks += ticks;
    s->wait_max = ticks > s->wait_max ? ticks : s->wait_max;
    s->waits[class_of(ns_of(ticks))]++;
}

/* ---- The order in which a thread takes several. */
static uint64_t key_of_order(const void *outer, const void *inner)
{
    uint64_t key = mix((uintptr_t)outer ^ mix((uintptr_t)inner));
    return key + (key == 0);
}

/* Where one of this key is, or could be; NULL: neither. */
static struct mo_lock_order *find_order(struct mo_locks *l, uint64_t key)
{
    for (unsigned i = 0; i < PROBES; i++) {
        struct mo_lock_order *o = &l->order[(key + i) % MO_ORDERS_MAX];
        uint64_t was = mo_load_relaxed(&o->key);
        if (was == key || was == 0)
            return o;
    }
    return NULL;
}

/* The first of its kind looks for its contrary; when it comes again it costs one look. Of two threads that come with
   both at once, one sees the other: seq_cst, all. */
static void note_order(struct mo_locks *l, const struct mo_held *outer, const void *lock, const void *site)
{
    uint64_t key = key_of_order(outer->lock, lock), contrary = key_of_order(lock, outer->lock), none = 0;
    struct mo_lock_order *o = find_order(l, key);
    if (!o || mo_load_relaxed(&o->key) == key || !mo_cas_seqcst(&o->key, &none, key))
        return;
    o->outer = *outer;
    o->inner = (struct mo_held){lock, site};
    const struct mo_lock_order *before = find_order(l, contrary), *first = NULL;
    if (before && mo_load_seqcst(&before->key) == contrary && mo_cas_acq_rel(&l->order_before, &first, before))
        mo_store_release(&l->order_seen, o);
}

static void hold(struct mo_sheet *s, const void *lock, const void *site)
{
    uint32_t count = mo_load_relaxed(&s->held_count);
    if (count >= MO_HELD_MAX)
        return;
    s->held[count] = (struct mo_held){lock, site};
    mo_store_relaxed(&s->held_count, count + 1);
}

static void let_go(struct mo_sheet *s, const void *lock)
{
    uint32_t count = mo_load_relaxed(&s->held_count);
    for (unsigned i = count; i-- > 0;)
        if (s->held[i].lock == lock) {
            memmove(&s->held[i], &s->held[i + 1], (count - 1 - i) * sizeof s->held[0]);
            mo_store_relaxed(&s->held_count, count - 1);
            return;
        }
}

/* ---- Taken and released. */
static void note_taken(struct mo_lock *e, const struct mo_sheet *sheet, struct mo_lock_site *s)
{
    uint32_t tid = mo_load_relaxed(&sheet->tid);
    if (!e)
        return;
    e->several = e->several || (e->tid && e->tid != tid);
    e->tid = tid;
    e->taken++;
    e->site = s;
    e->since = mo_plat_ticks();
}

void mo_locks_tried(const void *lock, const void *site, enum mo_lock_kind kind)
{
    struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    struct mo_sheet *sheet = l ? mo_sheet_self() : NULL;
    struct mo_lock *e = sheet ? mo_locks_find(l, lock) : NULL;
    struct mo_lock_site *s = sheet ? site_of(l, e, lock, site, kind) : NULL;
    if (!s)
        return;
    s->taken++;
    hold(sheet, lock, site);
    note_taken(e, sheet, s);
}

void mo_locks_taken(const void *lock, const void *site, enum mo_lock_kind kind, bool contended, uint64_t waited)
{
    struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    struct mo_sheet *sheet = l ? mo_sheet_self() : NULL;
    struct mo_lock *e = sheet ? mo_locks_find(l, lock) : NULL;
    struct mo_lock_site *s = sheet ? site_of(l, e, lock, site, kind) : NULL;
    if (!s)
        return;
    s->taken++;
    if (contended) {
        s->contended++;
        add_wait(s, waited);
    }
    for (unsigned i = 0; i < mo_load_relaxed(&sheet->held_count); i++)
        note_order(l, &sheet->held[i], lock, site);
    hold(sheet, lock, site);
    note_taken(e, sheet, s);
}

void mo_locks_release(const void *lock)
{
    struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    struct mo_sheet *sheet = l ? mo_sheet_self() : NULL;
    if (sheet)
        let_go(sheet, lock);
    struct mo_lock *e = l ? mo_locks_find(l, lock) : NULL;
    if (!e || !e->since)
        return;
    uint64_t held = mo_plat_ticks() - e->since;
    e->site->held_ticks += held;
    e->site->held_max = held > e->site->held_max ? held : e->site->held_max;
    e->since = 0;
}

void mo_locks_condition(const void *cond, const void *site, unsigned how, uint64_t waited)
{
    struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    struct mo_lock_site *s = l ? find_site(l, cond, site, MO_LOCK_CONDITION) : NULL;
    if (!s)
        return;
    s->taken++;
    s->contended += (how & MO_WAIT_LATE) != 0;
    s->futile += (how & MO_WAIT_FUTILE) != 0;
    s->spurious += (how & MO_WAIT_SPURIOUS) != 0;
    add_wait(s, waited);
}

bool mo_locks_any(void)
{
    const struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    for (unsigned i = 0; i < mo_locks_sites(l); i++)
        if (l->site[i].taken)
            return true;
    return false;
}

uint64_t mo_locks_wait_ns(const struct mo_lock_site *s, unsigned percent)
{
    uint64_t all = 0, so_far = 0;
    for (unsigned i = 0; i < MO_LOCK_TIMES; i++)
        all += s->waits[i];
    for (unsigned i = 0; i < MO_LOCK_TIMES && all; i++) {
        so_far += s->waits[i];
        if (so_far * 100 >= all * percent) {
            uint64_t end = end_of_class(i), most = ns_of(s->wait_max);
            return end < most ? end : most;
        }
    }
    return 0;
}
