/* Interned sets of ICVs. Sets are only ever added: readers index without a lock, a number is known only to who was
   given it after the set was filled. The lock serialises the adding. A program has few distinct sets as a rule; where
   one makes ever new ones there come to be as many buckets as sets. */
#include "omp/core.h"
#include "topo/topo.h"

#include <pthread.h>
#include <string.h>

#define CHUNK   256u
#define CHUNKS  16384u
#define BUCKETS 256u /* at first */

struct icv_entry {
    struct mo_icvs values;
    uint32_t next; /* in its bucket, number + 1 */
};

struct icv_table {
    _Atomic uint32_t lock;
    _Atomic bool ready;
    pthread_once_t once;
    bool handles_fork;
    uint32_t count;
    uint32_t buckets; /* a power of two */
    uint32_t *bucket; /* number + 1, 0 = empty */
    uint32_t first_bucket[BUCKETS];
    struct icv_entry first[CHUNK];
    _Atomic(struct icv_entry *) chunk[CHUNKS];
};

extern struct icv_table MO_SHARED(icv) MO_SHARED_ATTR;
struct icv_table MO_SHARED(icv);

static struct icv_entry *entry_at(uint32_t number)
{
    struct icv_table *t = &MO_SHARED(icv);
    if (mo_likely(number < CHUNK))
        return &t->first[number];
    return &mo_load_relaxed(&t->chunk[number / CHUNK])[number % CHUNK];
}

static uint8_t initial_levels(void)
{
    if (mo_knob_source(MO_KNOB_OMP_MAX_ACTIVE_LEVELS) == MO_SOURCE_ENV)
        return (uint8_t)mo_knob(MO_KNOB_OMP_MAX_ACTIVE_LEVELS);
    bool listed = mo_knob_list(MO_KNOB_OMP_NUM_THREADS)->count > 1 || mo_knob_list(MO_KNOB_OMP_PROC_BIND)->count > 1;
    bool nested = mo_knob_source(MO_KNOB_OMP_NESTED) == MO_SOURCE_ENV ? mo_knob(MO_KNOB_OMP_NESTED) : listed;
    return nested ? MO_OMP_LEVELS_MAX : 1;
}

static uint32_t initial_limit(void)
{
    uint32_t limit = (uint32_t)mo_knob(MO_KNOB_OMP_THREAD_LIMIT);
    uint32_t device = (uint32_t)mo_knob(MO_KNOB_KMP_DEVICE_THREAD_LIMIT);
    if (mo_library() == MO_LIBRARY_SERIAL)
        return 1;
    return device > 0 && device < limit ? device : limit;
}

static void fill_initial(struct mo_icvs *v)
{
    const struct mo_knob_list *threads = mo_knob_list(MO_KNOB_OMP_NUM_THREADS);
    struct mo_schedule sched = mo_knob_schedule(MO_KNOB_OMP_SCHEDULE);
    memset(v, 0, sizeof *v);
    v->num_threads = threads->count ? threads->item[0] : mo_topo_cpus();
    v->thread_limit = initial_limit();
    if (v->num_threads > v->thread_limit)
        v->num_threads = v->thread_limit;
    v->sched = (uint8_t)sched.kind;
    v->chunk = sched.chunk;
    v->monotonic = sched.monotonic;
    v->dynamic = mo_knob(MO_KNOB_OMP_DYNAMIC) ? MO_DYNAMIC_ICV : 0;
    if (mo_knob(MO_KNOB_BUDGET) == MO_BUDGET_CPUS)
        v->dynamic |= MO_DYNAMIC_BUDGET;
    v->max_active_levels = initial_levels();
    v->default_device = (int32_t)mo_knob(MO_KNOB_OMP_DEFAULT_DEVICE);
    v->def_allocator = mo_allocator_of_setting();
    v->bind = (uint8_t)mo_affinity_initial_policy();
    v->display_affinity = mo_knob(MO_KNOB_OMP_DISPLAY_AFFINITY) || mo_affinity_is_verbose();
}

static uint32_t bucket_of(const struct mo_icvs *v)
{
    uint32_t h = v->num_threads * 2654435761u;
    h = (h ^ v->chunk ^ (uint32_t)v->sched << 9) * 2246822519u;
    h = (h ^ v->max_active_levels ^ (uint32_t)v->dynamic << 11 ^ (uint32_t)v->monotonic << 12 ^
         (uint32_t)v->bind << 13) *
        3266489917u;
    h ^= (uint32_t)v->def_allocator * 668265263u;
    return (h ^ h >> 16) & (MO_SHARED(icv).buckets - 1);
}

static bool make_room_locked(struct icv_table *t)
{
    uint32_t at = t->count / CHUNK;
    if (at == 0 || (at < CHUNKS && mo_load_relaxed(&t->chunk[at])))
        return true;
    struct icv_entry *fresh = at < CHUNKS ? mo_extent_alloc(CHUNK * sizeof *fresh) : NULL;
    if (fresh)
        mo_store_release(&t->chunk[at], fresh);
    return fresh != NULL;
}

static void link_locked(struct icv_table *t, uint32_t number)
{
    struct icv_entry *e = entry_at(number);
    uint32_t *bucket = &t->bucket[bucket_of(&e->values)];
    e->next = *bucket;
    *bucket = number + 1;
}

/* Without memory they stay as they are, and what is in one takes longer to look through. */
static void add_buckets_locked(struct icv_table *t)
{
    uint32_t *more = mo_extent_alloc(2 * (size_t)t->buckets * sizeof *more);
    if (!more)
        return;
    if (t->bucket != t->first_bucket)
        mo_extent_free(t->bucket, t->buckets * sizeof *more);
    t->bucket = more;
    t->buckets *= 2;
    for (uint32_t i = 0; i < t->count; i++)
        link_locked(t, i);
}

static void add_locked(struct icv_table *t, const struct mo_icvs *values)
{
    if (t->count >= t->buckets)
        add_buckets_locked(t);
    entry_at(t->count)->values = *values;
    link_locked(t, t->count++);
}

static void before_fork(void)
{
    mo_mutex_lock(&MO_SHARED(icv).lock);
}

static void after_fork(void)
{
    mo_mutex_unlock(&MO_SHARED(icv).lock);
}

/* Once per process, and once more in a child that was forked in the middle of it. */
static void load_initial(void)
{
    struct icv_table *t = &MO_SHARED(icv);
    struct mo_icvs v;
    if (!t->handles_fork) {
        t->handles_fork = true;
        if (pthread_atfork(before_fork, after_fork, after_fork) != 0)
            mo_warn("cannot register fork handlers: a forked child must not use OpenMP");
    }
    fill_initial(&v);
    t->count = 0;
    t->bucket = t->first_bucket;
    t->buckets = BUCKETS;
    memset(t->bucket, 0, sizeof t->first_bucket);
    add_locked(t, &v);
    mo_store_release(&t->ready, true);
    enum mo_display_env display = (enum mo_display_env)mo_knob(MO_KNOB_OMP_DISPLAY_ENV);
    bool all = display == MO_DISPLAY_ALL || mo_knob(MO_KNOB_KMP_SETTINGS);
    if (mo_knob(MO_KNOB_KMP_VERSION))
        mo_log_text("", "moirai " MO_VERSION, strlen("moirai " MO_VERSION));
    if (display != MO_DISPLAY_NOTHING || all)
        mo_omp_print_settings(&v, all);
}

static __attribute__((noinline)) const struct mo_icvs *at_first(uint32_t number)
{
    pthread_once(&MO_SHARED(icv).once, load_initial);
    return &entry_at(number)->values;
}

const struct mo_icvs *mo_icvs_at(uint32_t number)
{
    return mo_likely(mo_load_acquire(&MO_SHARED(icv).ready)) ? &entry_at(number)->values : at_first(number);
}

_Atomic uint32_t *mo_icvs_lock(void)
{
    mo_icvs_at(0); /* which has a fork respect it */
    return &MO_SHARED(icv).lock;
}

uint32_t mo_icvs_intern(const struct mo_icvs *values, uint32_t current)
{
    struct icv_table *t = &MO_SHARED(icv);
    if (!memcmp(values, mo_icvs_at(current), sizeof *values))
        return current;
    uint32_t at;
    mo_mutex_lock(&t->lock);
    for (at = t->bucket[bucket_of(values)]; at; at = entry_at(at - 1)->next)
        if (!memcmp(values, &entry_at(at - 1)->values, sizeof *values))
            break;
    if (!at && make_room_locked(t)) {
        add_locked(t, values);
        at = t->count;
    }
    mo_mutex_unlock(&t->lock);
    if (at)
        return at - 1;
    mo_warn_once("out of memory for settings of tasks; a change of them has no effect");
    return current;
}
