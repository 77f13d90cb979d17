/* Taking tasks from other members, and telling sleepers about new ones.

   A thief asks the victims of its node near to far, and then a few of the others, of which it begins at any: if each
   asked all, a hundred idle threads would fetch the lines of those that work faster than these can write them, and all
   from the next node would come to the same one. Where there is one node it asks all, beginning with the one that had
   something last. At a barrier it takes the oldest task of the first victim that has one, and by the strategy some more
   of it into its own deque. Inside a task it takes one task, and only a descendant of the one it waits in.

   Is it a descendant? The thief walks the parents of the victim's oldest task before it takes it. The walk may read
   headers that are recycled under its eyes; they stay headers (mem: slabs never change class), so the walk is harmless,
   and its answer counts only if the CAS then shows that the task was still there. A recycled header further up may
   still have misled the walk; so it is repeated once the task is ours and its living ancestors cannot go. A task that
   turns out not to descend goes to the team's queue, from where anybody may take it.

   Fruitless searches back off: after the n-th in a row, 2^n looks (up to BACKOFF_EMPTY) are skipped, so that victims
   keep their cache lines. Fruitless is also the theft of tasks that took less time than it costs their victim to lose
   them: who creates tiny tasks runs them faster alone (BACKOFF_WORTHLESS). A thief that backed off takes one task and
   sees. */
#include "sched/internal.h"
#include "topo/topo.h"
#include "watch/trace.h"

#define WORTH_NS          1000
#define BACKOFF_WORTHLESS 64
#define BACKOFF_EMPTY     8
#define FAR_LOOKS         2
#define WALK_MAX          256
#define BATCH_MAX         32
#define ADAPTIVE_DEEP     8
#define COARSE_NS         100000 /* tasks of which one keeps a thief busy for long */

MO_RACES_BY_DESIGN bool mo_task_is_kin(struct mo_task *task, const struct mo_kin *kin)
{
    unsigned flags = kin->group ? task->flags : 0; /* read here, where ThreadSanitizer is told not to look */
    if (flags & MO_TASK_EXTENDED && mo_load_relaxed(&mo_task_ext_of(task, flags)->group) == kin->group)
        return true;
    for (unsigned steps = 0; task && steps < WALK_MAX; steps++) {
        task = mo_load_relaxed(&task->parent);
        if (task == kin->ancestor)
            return true;
    }
    return false;
}

static bool accept_kin(void *item, void *kin)
{
    return mo_task_is_kin(item, kin);
}

/* ---- How much. */
/* The adaptive strategy goes by the victim's depth, and by what it got before: a half, a quarter or one, less each time
   that tasks turned out to be long. With long ones a batch saves nothing, and whoever looks next finds nothing at the
   victim. */
#define MODEST 2

static int64_t batch_size(const struct mo_member *m, int64_t victim_has)
{
    switch (m->team->steal) {
    case MO_STEAL_ONE:
        return 1;
    case MO_STEAL_QUARTER:
        return victim_has / 4;
    case MO_STEAL_HALF:
        return victim_has / 2;
    default:
        return victim_has < ADAPTIVE_DEEP ? 1 : m->steal_modesty == MODEST ? 1 : victim_has >> (1 + m->steal_modesty);
    }
}

static MO_RACES_BY_DESIGN bool accept_sibling(void *item, void *parent)
{
    return mo_load_relaxed(&((struct mo_task *)item)->parent) == parent;
}

/* Take more from the same victim into the own deque. Stops at the first lost race.
   The adaptive strategy takes only siblings of the first: the tasks of one loop are alike and many. In a recursion the
   oldest task is the biggest, and each next one belongs to a deeper taskwait of the victim, which could go on with
   nothing else while the thief has it. */
static void steal_more(struct mo_member *m, struct mo_member *victim, const struct mo_deque_guard *guard,
                       struct mo_task *first)
{
    int64_t more = batch_size(m, mo_deque_peek_size(&victim->deque) + 1) - 1;
    bool adaptive = m->team->steal == MO_STEAL_ADAPTIVE;
    struct mo_task *parent = mo_load_relaxed(&first->parent);
    void *item;
    if (more > BATCH_MAX)
        more = BATCH_MAX;
    while (more-- > 0 && mo_deque_room_owner(&m->deque) &&
           mo_deque_steal(&victim->deque, guard, adaptive ? accept_sibling : NULL, parent, &item) == MO_STEAL_OK) {
        mo_deque_push_owner(&m->deque, item);
        m->stole_count++;
    }
    if (m->stole_count > 1) /* the thief is about to run another one, and that may take long */
        mo_work_published(m->team);
}

/* Is it known to be long? */
static bool is_long(const struct mo_team *team, const struct mo_task *task)
{
    return team->cost_of && team->cost_of(task) >= COARSE_NS;
}

/* ---- From whom. */
static unsigned victim_at(const struct mo_member *m, unsigned i, unsigned n)
{
    if (m->victims && m->victims_team == n)
        return m->victims[i];
    unsigned tid = m->tid + 1 + i;
    return tid < n ? tid : tid - n;
}

/* A lost race says nothing about the next item. Whoever won it need not be one who wakes others, so a thief that is
   about to sleep must know that there was nothing left. */
static enum mo_steal_result steal_one(struct mo_member *m, struct mo_deque *d, const struct mo_deque_guard *guard,
                                      bool (*accept)(void *, void *), void *arg, void **item)
{
    enum mo_steal_result r;
    while ((r = mo_deque_steal(d, guard, accept, arg, item)) == MO_STEAL_LOST)
        mo_count(&m->worker->counts, MO_COUNT_STEALS_LOST, 1);
    return r;
}

static struct mo_task *steal_from(struct mo_member *m, struct mo_member *victim, const struct mo_kin *kin)
{
    const struct mo_deque_guard guard = {&m->team->gen, m->gen_seen};
    void *item = NULL;
    if (kin) {
        if (steal_one(m, &victim->deque, NULL, accept_kin, (void *)kin, &item) != MO_STEAL_OK)
            return NULL;
        if (mo_likely(mo_task_is_kin(item, kin)))
            return item;
        if (!mo_priority_put(m, m->team, item, 0))
            return item; /* without memory for the detour it runs here after all */
        mo_work_published(m->team);
        return NULL;
    }
    if (steal_one(m, &victim->deque, &guard, NULL, NULL, &item) != MO_STEAL_OK)
        return NULL;
    if (!m->steal_backoff && !is_long(m->team, item)) /* else this one is a probe, or enough */
        steal_more(m, victim, &guard, item);
    return item;
}

static struct mo_task *ask(struct mo_member *m, unsigned at, const struct mo_kin *kin)
{
    struct mo_member *victim = mo_team_member(m->team, victim_at(m, at, m->size));
    if (mo_deque_peek_size(&victim->deque) <= 0)
        return NULL;
    struct mo_task *task = steal_from(m, victim, kin);
    if (task)
        m->last_victim = at;
    return task;
}

/* The `count` victims from number first + skip on, of the `n` that begin at `first`. */
static struct mo_task *ask_some(struct mo_member *m, const struct mo_kin *kin, unsigned first, unsigned n,
                                unsigned skip, unsigned count)
{
    struct mo_task *task = NULL;
    for (unsigned i = 0; i < count && !task; i++)
        task = ask(m, first + (skip + i) % n, kin);
    return task;
}

/* Where others sleep, creators of tasks rely on those who look (internal.h): these together then ask each far one about
   once. They find out now and then, as `idle` is a line that each thief writes. The last look before a sleep leaves
   nobody out. */
static unsigned far_looks(const struct mo_member *m, unsigned far)
{
    unsigned count = FAR_LOOKS;
    if (m->sleeping != MO_AWAKE)
        return far;
    if (m->far_random >> 28 == 0) {
        uint64_t idle = mo_load_relaxed(&m->team->idle);
        unsigned lookers = MO_IDLE_COUNT(idle, MO_IDLE_SEARCHING);
        if (MO_IDLE_COUNT(idle, MO_IDLE_SLEEPING))
            count += far / (lookers ? lookers : 1);
    }
    return count < far ? count : far;
}

static struct mo_task *ask_far(struct mo_member *m, const struct mo_kin *kin)
{
    unsigned near = m->victims_near, far = m->size - 1 - near;
    if (!far)
        return NULL;
    unsigned count = far_looks(m, far);
    m->far_random = m->far_random * 1664525u + 1013904223u; /* a linear congruence: the upper bits are good enough */
    return ask_some(m, kin, near, far, (m->far_random >> 8) % far, count);
}

static struct mo_task *ask_others(struct mo_member *m, const struct mo_kin *kin)
{
    unsigned others = m->size - 1;
    if (!m->victims || m->victims_team != m->size)
        return ask_some(m, kin, 0, others, m->last_victim, others);
    struct mo_task *task = ask_some(m, kin, 0, m->victims_near, 0, m->victims_near);
    return task ? task : ask_far(m, kin);
}

static void back_off(struct mo_member *m, uint32_t limit)
{
    m->steal_backoff = m->steal_backoff ? m->steal_backoff * 2 : 1;
    if (m->steal_backoff > limit)
        m->steal_backoff = limit;
    m->steal_pause = m->steal_backoff;
}

/* The thief is back for more: was the last theft worth it? */
static void judge_last(struct mo_member *m)
{
    uint64_t took = (mo_plat_ticks() - m->stole_at) * 1000;
    uint64_t per_ns = (uint64_t)m->stole_count * mo_plat_ticks_per_us();
    if (took < per_ns * WORTH_NS)
        back_off(m, BACKOFF_WORTHLESS);
    else
        m->steal_backoff = 0;
    if (took >= per_ns * COARSE_NS)
        m->steal_modesty += m->steal_modesty < MODEST;
    else
        m->steal_modesty -= m->steal_modesty > 0;
    m->stole_at = 0;
}

struct mo_task *mo_steal(struct mo_member *m, const struct mo_kin *kin)
{
    if (m->stole_at)
        judge_last(m);
    if (m->steal_pause) {
        m->steal_pause--;
        return NULL;
    }
    m->stole_count = 1;
    mo_count(&m->worker->counts, MO_COUNT_SEARCHES, 1);
    mo_epoch_enter(&m->worker->epoch);
    struct mo_task *task = ask_others(m, kin);
    mo_epoch_leave(&m->worker->epoch);
    if (task) {
        mo_count(&m->worker->counts, MO_COUNT_STOLEN, m->stole_count);
        mo_trace(MO_TRACE_STEAL, NULL, m->last_victim, m->stole_count);
        m->stole_at = mo_plat_ticks();
        return task;
    }
    task = mo_held_back_take(m, kin);
    if (!task)
        back_off(m, BACKOFF_EMPTY);
    return task;
}

/* ---- Barriers. */
bool mo_sched_asymmetric(void)
{
    return mo_load_relaxed(&MO_SHARED(sched).asymmetric);
}

void mo_sched_heavy_barrier(void)
{
    if (mo_plat_barrier_all())
        return;
    mo_warn_once("membarrier() is denied now; tasks are published with full barriers from here on");
    mo_store_relaxed(&MO_SHARED(sched).asymmetric, false);
}

/* ---- Who is idle. */
#define QUOTA_PAUSE_US 1000000

/* The files take some 100 us to read, so this is nothing for a thread that somebody waits for: only pool threads whose
   region is over do it, once a second all together. A region that begins meanwhile finds one of them late by that. */
void mo_idle_between_regions(void *member)
{
    struct mo_member *m = member;
    struct mo_sched *s = &MO_SHARED(sched);
    uint64_t now = mo_plat_ticks(), last = mo_load_relaxed(&s->quota_seen);
    if (!m->joining || !m->tid)
        return;
    if (m->worker->woken_at) {
        m->worker->was_brief = now - m->worker->woken_at < MO_BRIEF_US * mo_plat_ticks_per_us();
        m->worker->woken_at = 0;
    }
    if (mo_load_relaxed(&m->team->gen) == m->gen_seen || now - last < QUOTA_PAUSE_US * mo_plat_ticks_per_us())
        return;
    if (mo_cas_relaxed(&s->quota_seen, &last, now))
        mo_park_set_cpus(mo_topo_cpus_again());
}

void mo_idle_begin_search(struct mo_member *m)
{
    if (m->searching || m->sleeping != MO_AWAKE)
        return;
    m->searching = true;
    mo_fetch_add_seqcst(&m->team->idle, MO_IDLE_SEARCHING); /* barrier.c: orders the last `done` before the check */
}

void mo_idle_end_search(struct mo_member *m)
{
    if (!m->searching)
        return;
    m->searching = false;
    mo_fetch_sub_seqcst(&m->team->idle, MO_IDLE_SEARCHING);
}

/* The team may be in a later region by now, in which creators relied on this one although it has no part there. */
void mo_idle_leave_search(struct mo_member *m)
{
    if (!m->searching)
        return;
    mo_idle_end_search(m);
    mo_idle_wake_one(m->team);
}

/* Whoever looked, also in the last look before a sleep, was the one that creators of tasks relied on: when nobody else
   looks any more, where this one found something there may be more. */
void mo_idle_found_work(struct mo_member *m)
{
    bool relied_on = m->searching || m->sleeping != MO_AWAKE;
    mo_idle_awake(m);
    mo_idle_end_search(m);
    if (relied_on)
        mo_idle_wake_one(m->team);
}

/* The last look before a sleep must be one: nothing may put it off. */
static void forget_thefts(struct mo_member *m)
{
    m->steal_pause = 0;
    m->stole_at = 0;
}

void mo_idle_asleep_uncounted(struct mo_member *m)
{
    mo_idle_leave_search(m); /* nor does its last look count: it may see less than creators rely on */
    forget_thefts(m);
    m->sleeping = MO_ASLEEP_UNCOUNTED;
}

void mo_idle_asleep(void *member)
{
    struct mo_member *m = member;
    struct mo_team *team = m->team;
    if (mo_load_acquire(&team->gen) != m->gen_seen) {
        mo_idle_asleep_uncounted(m); /* its region is over: only the next one wakes it, published by an RMW */
        return;
    }
    forget_thefts(m);
    mo_fetch_add_seqcst(&team->idle, MO_IDLE_SLEEPING - (m->searching ? MO_IDLE_SEARCHING : 0));
    m->searching = false;
    m->sleeping = MO_ASLEEP_COUNTED;
    /* The creators' half of the barrier, see mo_work_published(). Not needed before the first task: who makes that one
       writes has_tasks by an RMW, and who reads it true reads idle after that. */
    if (mo_sched_asymmetric() && mo_load_seqcst(&team->has_tasks))
        mo_sched_heavy_barrier();
}

void mo_idle_awake(void *member)
{
    struct mo_member *m = member;
    struct mo_team *team = m->team;
    if (m->sleeping == MO_AWAKE)
        return;
    bool counted = m->sleeping == MO_ASLEEP_COUNTED;
    m->sleeping = MO_AWAKE;
    m->slept = true;
    m->steal_pause = 0;
    if (!counted)
        return;
    uint64_t idle = mo_load_relaxed(&team->idle), left;
    do {
        m->searching = MO_IDLE_COUNT(idle, MO_IDLE_TOKEN) != 0;
        left = idle - (m->searching ? MO_IDLE_TOKEN : MO_IDLE_SLEEPING);
    } while (!mo_cas_seqcst(&team->idle, &idle, left));
}

void mo_idle_wake_one(struct mo_team *team)
{
    uint64_t idle = mo_load_relaxed(&team->idle);
    do {
        if (!MO_IDLE_COUNT(idle, MO_IDLE_SLEEPING) || MO_IDLE_COUNT(idle, MO_IDLE_SEARCHING))
            return;
    } while (!mo_cas_seqcst(&team->idle, &idle, idle - MO_IDLE_SLEEPING + MO_IDLE_SEARCHING + MO_IDLE_TOKEN));
    mo_event_notify_bits(&team->event, 1, MO_WAKE_MEMBER | MO_WAKE_MASTER);
}
