/* Explicit tasks.

   The body of an untied task that has several parts hands its own block back at the end of each but the last one, and
   returns. The next part is then run by the same thread at once, so the task is as good as tied. */
#include "interpose/kmp/task.h"

/* Which tasks will have dependences compiled code says after it has got their blocks. A block for a task whose routine
   had some the last time has room for them; without that room such a task is a second one of the core's, which carries
   the address of the first. A hint: routines that share an entry are taken for each other. Read and written relaxed. */
#define ROUTINES 256
static _Atomic uint8_t with_dependences[ROUTINES];

static inline _Atomic uint8_t *hint_of(int32_t (*routine)(int32_t, kmp_task_t *))
{
    return &with_dependences[((uintptr_t)routine >> 4) % ROUTINES];
}

/* ---- Running. */
void kmp_task_destroy(struct mo_member *m, kmp_task_t *t)
{
    if (kmp_head(t)->flags & TASK_DESTRUCTORS)
        t->data1.destructors(kmp_gtid(m), t);
}

static void run_parts(struct mo_member *m, kmp_task_t *t)
{
    struct task_head *head = kmp_head(t);
    head->state = TASK_RUNNING;
    do {
        head->state &= (uint8_t)~TASK_AGAIN;
        t->routine(kmp_gtid(m), t);
    } while (head->state & TASK_AGAIN);
    head->state = 0;
}

static __attribute__((noinline)) void run_special(struct mo_member *m, kmp_task_t *t)
{
    uint8_t flags = kmp_head(t)->flags;
    if (!(flags & TASK_DESTRUCTORS) || !mo_task_cancelled(m))
        flags &TASK_TIED ? (void)t->routine(kmp_gtid(m), t) : run_parts(m, t);
    kmp_task_destroy(m, t);
}

static inline void run(kmp_task_t *t)
{
    struct mo_member *m = mo_self_peek(); /* who runs a task is known */
    if (mo_likely((kmp_head(t)->flags & (TASK_TIED | TASK_DESTRUCTORS)) == TASK_TIED))
        t->routine(kmp_gtid(m), t);
    else
        run_special(m, t);
}

static void run_at_16(void *payload)
{
    run((kmp_task_t *)((char *)payload + 16));
}

static void run_at_32(void *payload)
{
    run((kmp_task_t *)((char *)payload + 32));
}

static void run_at_64(void *payload)
{
    run((kmp_task_t *)((char *)payload + 64));
}

/* Paddings that are none of those say in their first bytes how long they are. */
static void run_at_told(void *payload)
{
    run((kmp_task_t *)((char *)payload + *(uint32_t *)payload));
}

void (*kmp_task_entry(unsigned padding))(void *payload)
{
    return padding == 16 ? run_at_16 : padding == 32 ? run_at_32 : padding == 64 ? run_at_64 : run_at_told;
}

void kmp_task_discard(struct mo_member *m, kmp_task_t *t)
{
    kmp_task_destroy(m, t);
    mo_task_release(m, kmp_core_task(t));
}

/* ---- Making the block. */
/* The privates' alignment is not told, but it divides the size. Vectors need up to 64; programs may ask for more. */
#define ALIGN_MAX 256
static size_t alignment(size_t bytes)
{
    size_t divisor = bytes & -bytes;
    return divisor < 32 ? 16 : divisor < 64 ? 64 : divisor < ALIGN_MAX ? divisor : ALIGN_MAX;
}

static inline __attribute__((always_inline)) kmp_task_t *fill(struct mo_task *task, unsigned task_at, unsigned padding,
                                                              unsigned flags, size_t task_bytes, size_t shareds_bytes,
                                                              int32_t (*routine)(int32_t, kmp_task_t *))
{
    kmp_task_t *t = (kmp_task_t *)((char *)task + task_at);
    struct task_head *head = kmp_head(t);
    size_t shareds_at = (task_bytes + 7) & ~(size_t)7;
    head->bytes = (uint32_t)(shareds_at + shareds_bytes);
    head->shareds_at = shareds_bytes ? (uint32_t)shareds_at : 0;
    head->task_at = (uint16_t)task_at;
    head->padding = (uint16_t)padding;
    head->flags = (uint8_t)flags;
    head->state = 0;
    t->shareds = shareds_bytes ? (char *)t + shareds_at : NULL;
    t->routine = routine;
    t->part_id = 0;
    task->fn = kmp_task_entry(padding);
    if (task->fn == run_at_told)
        *(uint32_t *)((char *)t - padding) = padding;
    return t;
}

/* Bytes from the block to the kmp_task_t. */
static size_t place(uintptr_t block, size_t head, size_t align)
{
    return ((block + head + HEAD_BYTES + align - 1) & ~(uintptr_t)(align - 1)) - block;
}

#define EXCLUSIVE_MAX 8 /* addresses in clauses mutexinoutset of a detached task */

static __attribute__((noinline)) kmp_task_t *reserve(unsigned flags, size_t task_bytes, size_t shareds_bytes,
                                                     int32_t (*routine)(int32_t, kmp_task_t *))
{
    struct mo_member *m = mo_self();
    struct mo_task_form form = {.priority = (flags & TASK_PRIORITY) != 0,
                                .detached = flags & (TASK_DETACHABLE | TASK_PROXY)};
    if (form.detached) /* submitted as it is, also where it turns out to have dependences */
        form.mutexes = EXCLUSIVE_MAX;
    size_t head = mo_task_head(m, &form), align = alignment(task_bytes), task_at;
    void *payload;
    struct mo_task *task = NULL;
    form.bytes = align > MO_SLAB_MIN_BYTES ? HEAD_BYTES + align : place(0, head, align) - head;
    if (!__builtin_add_overflow(form.bytes, task_bytes + 7, &form.bytes) &&
        !__builtin_add_overflow(form.bytes, shareds_bytes, &form.bytes))
        task = mo_task_reserve(m, &form, &payload);
    if (!task)
        mo_fatal("out of memory for a task (%zu and %zu bytes of data)", task_bytes, shareds_bytes);
    task_at = place((uintptr_t)task, head, align);
    return fill(task, (unsigned)task_at, (unsigned)(task_at - head), flags, task_bytes, shareds_bytes, routine);
}

/* Of blocks that the paths below know: 128 bytes, or up to twice as many. */
enum { SMALL_CLASS = 2, SMALL = MO_SLAB_BYTES(SMALL_CLASS), PLAIN_HEAD = sizeof(struct mo_task) };

/* A block for a task that nothing is special about but that it is larger than most, or in a group, or will perhaps have
   dependences; NULL: it is another one. */
static inline kmp_task_t *reserve_known(struct mo_member *m, unsigned flags, size_t task_bytes, size_t shareds_bytes,
                                        int32_t (*routine)(int32_t, kmp_task_t *))
{
    bool node = mo_load_relaxed(hint_of(routine)), extended = node || m->group;
    unsigned head = extended ? mo_task_extended_head(node) : PLAIN_HEAD;
    size_t at = place(0, head, task_bytes % 32 ? 16 : 64);
    if (task_bytes > 2 * SMALL || shareds_bytes > 2 * SMALL || task_bytes % 128 == 0)
        return NULL;
    size_t bytes = at + ((task_bytes + 7) & ~(size_t)7) + shareds_bytes;
    if (bytes > 2 * SMALL)
        return NULL;
    unsigned cls = mo_slab_class(bytes);
    struct mo_task *task = extended ? mo_task_reserve_extended(m, cls, node) : mo_task_reserve_plain(m, cls);
    return task ? fill(task, (unsigned)at, (unsigned)at - head, flags, task_bytes, shareds_bytes, routine) : NULL;
}

/* Same arguments as __kmpc_omp_task_alloc, so that calling this is a jump. */
static __attribute__((noinline)) kmp_task_t *alloc_other(ident_t *loc, int32_t gtid, int32_t flags, size_t task_bytes,
                                                         size_t shareds_bytes,
                                                         int32_t (*routine)(int32_t, kmp_task_t *))
{
    kmp_task_t *t = NULL;
    if (!(flags & (TASK_PRIORITY | TASK_DETACHABLE | TASK_PROXY)))
        t = reserve_known(mo_self(), (unsigned)flags, task_bytes, shareds_bytes, routine);
    return t ? t : reserve((unsigned)flags, task_bytes, shareds_bytes, routine);
}

MO_EXPORT kmp_task_t *__kmpc_omp_task_alloc(ident_t *loc, int32_t gtid, int32_t flags, size_t task_bytes,
                                            size_t shareds_bytes, int32_t (*routine)(int32_t, kmp_task_t *))
{
    enum { TASK_AT = PLAIN_HEAD + HEAD_BYTES, ROOM = SMALL - TASK_AT - 7 };
    struct mo_member *m = mo_self_peek();
    struct mo_task *task = NULL;
    if (mo_likely(m && !m->group && !(flags & (TASK_PRIORITY | TASK_DETACHABLE | TASK_PROXY)) && task_bytes % 32 &&
                  task_bytes <= ROOM && shareds_bytes <= ROOM - task_bytes && !mo_load_relaxed(hint_of(routine))))
        task = mo_task_reserve_plain(m, SMALL_CLASS);
    if (mo_unlikely(!task))
        return alloc_other(loc, gtid, flags, task_bytes, shareds_bytes, routine);
    return fill(task, TASK_AT, HEAD_BYTES, (unsigned)flags, task_bytes, shareds_bytes, routine);
}

/* A target task runs on the host, as any other. But where it has dependences it comes last: LLVM's runtime leaves it to
   threads of their own, and clang, when it compiles for the host alone, leaves out constructs that move data, and with
   them what their depend clauses say about the order of the program's tasks and of these. */
MO_EXPORT kmp_task_t *__kmpc_omp_target_task_alloc(ident_t *loc, int32_t gtid, int32_t flags, size_t task_bytes,
                                                   size_t shareds_bytes, int32_t (*routine)(int32_t, kmp_task_t *),
                                                   int64_t device)
{
    return __kmpc_omp_task_alloc(loc, gtid, flags | TASK_HIDDEN_HELPER, task_bytes, shareds_bytes, routine);
}

/* Where a task's data lie is a hint that nothing here makes use of. */
MO_EXPORT int32_t __kmpc_omp_reg_task_with_affinity(ident_t *loc, int32_t gtid, kmp_task_t *t, int32_t count,
                                                    const void *list)
{
    return 0;
}

/* ---- Events. */
static struct mo_task_event *event_of(struct mo_member *m, kmp_task_t *t)
{
    if (!(kmp_head(t)->flags & (TASK_DETACHABLE | TASK_PROXY)))
        return NULL;
    struct mo_task_event *event = mo_task_reserved_event(m, kmp_core_task(t));
    if (!event)
        mo_fatal("out of memory for the event of a task");
    return event;
}

/* The handle that the program gets is the address of the event. */
MO_EXPORT void *__kmpc_task_allow_completion_event(ident_t *loc, int32_t gtid, kmp_task_t *t)
{
    return event_of(mo_self(), t);
}

MO_EXPORT void __kmpc_proxy_task_completed_ooo(kmp_task_t *t)
{
    mo_task_fulfill(event_of(mo_self(), t));
}

MO_EXPORT void __kmpc_proxy_task_completed(int32_t gtid, kmp_task_t *t)
{
    __kmpc_proxy_task_completed_ooo(t);
}

/* ---- Submitting. */
static inline bool is_plain(kmp_task_t *t)
{
    return (kmp_head(t)->flags & ~TASK_MERGED_IF0) == TASK_TIED;
}

static inline void *payload_of(kmp_task_t *t)
{
    return (char *)t - kmp_head(t)->padding;
}

static void submit(struct mo_member *m, kmp_task_t *t, const struct mo_deps *deps)
{
    struct task_head *head = kmp_head(t);
    if (head->state & TASK_RUNNING) {
        head->state |= TASK_AGAIN;
        return;
    }
    const struct mo_task_spec spec = {.fn = kmp_task_entry(head->padding),
                                      .data = payload_of(t),
                                      .priority = kmp_task_priority(t),
                                      .deferrable = true,
                                      .final = head->flags & TASK_FINAL,
                                      .untied = !(head->flags & TASK_TIED),
                                      .always = head->flags & TASK_DESTRUCTORS,
                                      .deps = *deps,
                                      .reserved = kmp_core_task(t),
                                      .event = event_of(m, t)};
    mo_omp_task(m, &spec);
}

static __attribute__((noinline)) int32_t submit_special(kmp_task_t *t)
{
    struct mo_member *m = mo_self();
    struct mo_task *task = kmp_core_task(t);
    MO_OBSERVE(m, 0); /* after the jump this is the caller of what jumps */
    if (is_plain(t)) {
        if (task->flags & MO_TASK_NODE)
            mo_store_relaxed(hint_of(t->routine), (uint8_t) false);
        if (!mo_task_cancelled(m) && !mo_traced(m) && mo_task_may_run_now(m)) {
            mo_task_run_reserved(m, task, payload_of(t), 0);
            return 0;
        }
    }
    submit(m, t, &(struct mo_deps){0});
    return 0;
}

/* 0: the caller goes on with what it is in. */
MO_EXPORT int32_t __kmpc_omp_task(ident_t *loc, int32_t gtid, kmp_task_t *t)
{
    struct mo_member *m = mo_self_peek();
    return mo_likely(m && is_plain(t) && mo_task_submit_plain(m, kmp_core_task(t))) ? 0 : submit_special(t);
}

MO_EXPORT int32_t __kmpc_omp_task_parts(ident_t *loc, int32_t gtid, kmp_task_t *t)
{
    return __kmpc_omp_task(loc, gtid, t);
}

/* ---- Dependences: two lists, of addresses that may be equal and of others. */
struct dep_lists {
    const kmp_depend_info_t *first, *second;
    unsigned in_first;
    bool exclusive_as_out; /* the task has no room to take turns: it counts as a writer */
};

static struct mo_dep dep_at(const void *list, unsigned i)
{
    const struct dep_lists *l = list;
    struct mo_dep dep = kmp_depend_read(i < l->in_first ? &l->first[i] : &l->second[i - l->in_first]);
    if (dep.kind == MO_DEP_MUTEXINOUTSET && l->exclusive_as_out)
        dep.kind = MO_DEP_OUT;
    return dep;
}

static struct mo_deps deps_of(const struct dep_lists *lists, int32_t second)
{
    struct mo_deps deps = {.count = lists->in_first + (second > 0 ? (unsigned)second : 0), .at = dep_at, .list = lists};
    for (unsigned i = 0; i < deps.count; i++)
        deps.mutexes += dep_at(lists, i).kind == MO_DEP_MUTEXINOUTSET;
    return deps;
}

static struct dep_lists lists_of(int32_t count, const kmp_depend_info_t *list, const kmp_depend_info_t *noalias)
{
    return (struct dep_lists){list, noalias, count > 0 ? (unsigned)count : 0, false};
}

/* The core's own task, for a block without room for dependences. */
static void run_carried(void *payload)
{
    struct mo_member *m = mo_self();
    kmp_task_t *t = *(kmp_task_t **)payload;
    if (!mo_task_cancelled(m))
        run(t);
    else
        kmp_task_destroy(m, t);
    mo_task_release(m, kmp_core_task(t));
}

static void submit_carried(struct mo_member *m, kmp_task_t *t, struct mo_deps deps)
{
    const struct mo_task_spec spec = {.fn = run_carried,
                                      .data = &t,
                                      .bytes = sizeof t,
                                      .priority = kmp_task_priority(t),
                                      .deferrable = true,
                                      .final = kmp_head(t)->flags & TASK_FINAL,
                                      .always = true,
                                      .last = kmp_head(t)->flags & TASK_HIDDEN_HELPER,
                                      .deps = deps};
    mo_omp_task(m, &spec);
}

static __attribute__((noinline)) int32_t submit_after(kmp_task_t *t, struct dep_lists *lists, int32_t noalias_count)
{
    struct mo_member *m = mo_self();
    struct task_head *head = kmp_head(t);
    struct mo_deps deps = deps_of(lists, noalias_count);
    bool detached = head->flags & (TASK_DETACHABLE | TASK_PROXY);
    bool node = is_plain(t) && kmp_core_task(t)->flags & MO_TASK_NODE && !deps.mutexes;
    if (detached || node || head->state & TASK_RUNNING) {
        lists->exclusive_as_out = deps.mutexes > EXCLUSIVE_MAX;
        submit(m, t, &deps);
    } else {
        mo_store_relaxed(hint_of(t->routine), (uint8_t)is_plain(t));
        submit_carried(m, t, deps);
    }
    return 0;
}

/* What most lists are: a few addresses, of which some are written and some are read, and all of which the core wants to
   know no more about. Room for `count` of them at `address`. */
static inline bool take_addresses(const struct dep_lists *l, unsigned count, void **address, struct mo_deps *deps)
{
    unsigned outs = 0, ins = count;
    for (unsigned i = 0; i < count; i++) {
        const kmp_depend_info_t *d = i < l->in_first ? &l->first[i] : &l->second[i - l->in_first];
        if (mo_unlikely((d->flags & ~DEP_IN) != (d->flags & DEP_OUT) || !d->address || !d->flags))
            return false;
        address[d->flags & DEP_OUT ? outs++ : --ins] = d->address;
    }
    *deps = (struct mo_deps){.count = count, .list = address, .outs = outs};
    return true;
}

MO_EXPORT int32_t __kmpc_omp_task_with_deps(ident_t *loc, int32_t gtid, kmp_task_t *t, int32_t count,
                                            kmp_depend_info_t *list, int32_t noalias_count, kmp_depend_info_t *noalias)
{
    enum { FEW = 16 };
    void *address[FEW];
    struct dep_lists lists = lists_of(count, list, noalias);
    unsigned all = lists.in_first + (noalias_count > 0 ? (unsigned)noalias_count : 0);
    struct mo_member *m = mo_self_peek();
    struct mo_deps deps;
    if (mo_unlikely(!all))
        return __kmpc_omp_task(loc, gtid, t);
    if (mo_likely(m && is_plain(t) && all <= FEW && take_addresses(&lists, all, address, &deps) &&
                  mo_task_submit_plain_after(m, kmp_core_task(t), &deps)))
        return 0;
    if (m)
        MO_OBSERVE(m, 0);
    return submit_after(t, &lists, noalias_count);
}

/* ---- if(0): compiled code calls the body itself, between the two. */
MO_EXPORT void __kmpc_omp_task_begin_if0(ident_t *loc, int32_t gtid, kmp_task_t *t)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    if (!mo_task_enter_undeferred(m, kmp_head(t)->flags & TASK_FINAL ? MO_TASK_FINAL : 0))
        mo_fatal("out of memory for a task");
    kmp_head(t)->state = kmp_head(t)->flags & TASK_TIED ? 0 : TASK_RUNNING;
}

MO_EXPORT void __kmpc_omp_task_complete_if0(ident_t *loc, int32_t gtid, kmp_task_t *t)
{
    struct mo_member *m = mo_self();
    struct mo_task_event *event = event_of(m, t);
    if (kmp_head(t)->state & TASK_AGAIN)
        run_parts(m, t);
    kmp_task_destroy(m, t);
    mo_task_leave_undeferred(m);
    if (event)
        mo_task_wait_event(m, event);
    mo_task_release(m, kmp_core_task(t));
}

/* ---- Waiting. */
MO_EXPORT int32_t __kmpc_omp_taskwait(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self_peek();
    if (mo_unlikely(!m))
        return 0;
    MO_OBSERVE(m, 0);
    mo_task_wait(m);
    return 0;
}

MO_EXPORT void __kmpc_omp_wait_deps(ident_t *loc, int32_t gtid, int32_t count, kmp_depend_info_t *list,
                                    int32_t noalias_count, kmp_depend_info_t *noalias)
{
    const struct dep_lists lists = lists_of(count, list, noalias);
    const struct mo_deps deps = deps_of(&lists, noalias_count);
    if (!deps.count)
        return;
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_task_wait_for(m, &deps);
}

static void nothing(void *payload)
{
}

/* With `nowait` later siblings wait for the addresses, the caller does not. */
MO_EXPORT void __kmpc_omp_taskwait_deps_51(ident_t *loc, int32_t gtid, int32_t count, kmp_depend_info_t *list,
                                           int32_t noalias_count, kmp_depend_info_t *noalias, int32_t nowait)
{
    const struct dep_lists lists = lists_of(count, list, noalias);
    if (!nowait) {
        __kmpc_omp_wait_deps(loc, gtid, count, list, noalias_count, noalias);
        return;
    }
    const struct mo_task_spec spec = {.fn = nothing, .deferrable = true, .deps = deps_of(&lists, noalias_count)};
    if (!spec.deps.count)
        return;
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_task(m, &spec);
}

MO_EXPORT int32_t __kmpc_omp_taskyield(ident_t *loc, int32_t gtid, int32_t end_part)
{
    struct mo_member *m = mo_self_peek();
    if (mo_unlikely(!m))
        return 0;
    MO_OBSERVE(m, 0);
    mo_task_yield(m);
    return 0;
}

MO_EXPORT void __kmpc_taskgroup(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_taskgroup_begin(m);
}

MO_EXPORT void __kmpc_end_taskgroup(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_taskgroup_reductions_end(m);
}

/* ---- Questions. */
MO_EXPORT uint64_t __kmpc_get_taskid(void)
{
    return mo_task_number(mo_self());
}

MO_EXPORT uint64_t __kmpc_get_parent_taskid(void)
{
    return mo_task_parent_number(mo_self());
}

MO_EXPORT bool __kmpc_omp_has_task_team(int32_t gtid)
{
    return !mo_omp_outside(mo_self());
}

/* Offloading libraries keep there what a target task still waits for. Without it they wait in the task. */
MO_EXPORT void **__kmpc_omp_get_target_async_handle_ptr(int32_t gtid)
{
    return NULL;
}

/* The graph of dependences is not one of LLVM's structures: tasks look as if they had none. */
MO_EXPORT void *__kmpc_task_get_depnode(kmp_task_t *t)
{
    return NULL;
}

MO_EXPORT void *__kmpc_task_get_successors(kmp_task_t *t)
{
    return NULL;
}
