/* Regions: fork, regions of one thread, and the clauses that come before them. */
#include "interpose/kmp/invoke.h"

void kmp_run_outlined(void *data)
{
    const struct kmp_outlined *o = data;
    struct mo_member *m = mo_self();
    int32_t gtid = kmp_gtid(m), tid = (int32_t)m->tid;
    mo_plat_invoke((void (*)(void))o->fn, &gtid, &tid, o->count, o->words);
}

/* The region takes the clauses that were pushed for it. */
static struct mo_region next_region(struct mo_member *m)
{
    struct mo_next_region *next = &mo_omp_member(m)->next_region;
    const struct mo_region r = {.num_threads = next->num_threads,
                                .bind = next->bind,
                                .strict = next->strict,
                                .message = next->message,
                                .nested = next->nested};
    next->num_threads = 0;
    next->bind = MO_BIND_FALSE;
    next->strict = MO_STRICT_NOT;
    next->message = NULL;
    next->nested = NULL;
    return r;
}

static void run_region(struct mo_member *m, const struct kmp_outlined *o)
{
    struct mo_region r = next_region(m);
    r.fn = kmp_run_outlined;
    r.data = (void *)o;
    mo_region_run_on(m, &r);
}

MO_EXPORT void __kmpc_fork_call(ident_t *loc, int32_t argc, kmpc_micro fn, ...)
{
    struct kmp_outlined o;
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    KMP_TAKE_OUTLINED(o, argc, fn);
    run_region(m, &o);
}

static void begin_alone(struct mo_member *m)
{
    struct mo_region r = next_region(m);
    r.num_threads = 1;
    r.strict = MO_STRICT_NOT; /* the if clause says so */
    r.alone = true;
    mo_region_begin_on(m, &r);
}

MO_EXPORT void __kmpc_serialized_parallel(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    begin_alone(m);
}

MO_EXPORT void __kmpc_end_serialized_parallel(ident_t *loc, int32_t gtid)
{
    mo_region_end();
}

/* The function has one argument, the address of a block; `parallel` is what the if clause says. */
MO_EXPORT void __kmpc_fork_call_if(ident_t *loc, int32_t argc, kmpc_micro fn, int32_t parallel, void *args)
{
    void *words[MO_PLAT_INVOKE_WORDS] = {args};
    struct kmp_outlined o = {.fn = fn, .count = 1, .words = words};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    if (parallel) {
        run_region(m, &o);
        return;
    }
    begin_alone(m);
    kmp_run_outlined(&o);
    mo_region_end();
}

static struct mo_next_region *push_threads(int32_t threads)
{
    struct mo_next_region *next = &mo_omp_member(mo_self())->next_region;
    next->num_threads = threads > 0 ? (unsigned)threads : 0;
    return next;
}

/* The first number is this region's, the others are those of the regions inside. */
static struct mo_next_region *push_list(uint32_t count, const int32_t *threads)
{
    struct mo_next_region *next = push_threads(count ? threads[0] : 0);
    next->nested = count > 1 ? mo_icvs_nested(threads + 1, count - 1) : NULL;
    return next;
}

/* Severities are 1, warning, and 2, fatal. */
static void be_strict(struct mo_next_region *next, int severity, const char *message)
{
    next->strict = severity == 1 ? MO_STRICT_WARN : MO_STRICT_FATAL;
    next->message = message;
}

MO_EXPORT void __kmpc_push_num_threads(ident_t *loc, int32_t gtid, int32_t threads)
{
    push_threads(threads);
}

MO_EXPORT void __kmpc_push_num_threads_strict(ident_t *loc, int32_t gtid, int32_t threads, int severity,
                                              const char *message)
{
    be_strict(push_threads(threads), severity, message);
}

MO_EXPORT void __kmpc_push_num_threads_list(ident_t *loc, int32_t gtid, uint32_t count, int32_t *threads)
{
    push_list(count, threads);
}

MO_EXPORT void __kmpc_push_num_threads_list_strict(ident_t *loc, int32_t gtid, uint32_t count, int32_t *threads,
                                                   int severity, const char *message)
{
    be_strict(push_list(count, threads), severity, message);
}

/* What was pushed is gone with the region. */
MO_EXPORT void __kmpc_pop_num_threads(ident_t *loc, int32_t gtid)
{
}

/* Numbers of omp_proc_bind_t, but "primary" has one of its own in clang, apart from "master". */
MO_EXPORT void __kmpc_push_proc_bind(ident_t *loc, int32_t gtid, int32_t bind)
{
    enum { PRIMARY = 5 };
    mo_omp_member(mo_self())->next_region.bind = bind == PRIMARY ? MO_BIND_PRIMARY : (uint8_t)bind;
}

MO_EXPORT int32_t __kmpc_global_thread_num(ident_t *loc)
{
    return kmp_gtid(mo_self());
}

MO_EXPORT int32_t __kmpc_global_num_threads(ident_t *loc)
{
    return (int32_t)mo_self()->size;
}

MO_EXPORT int32_t __kmpc_bound_thread_num(ident_t *loc)
{
    return (int32_t)mo_self()->tid;
}

MO_EXPORT int32_t __kmpc_bound_num_threads(ident_t *loc)
{
    return (int32_t)mo_self()->size;
}

/* Code that was compiled with a matching pair of these around a program's main. */
MO_EXPORT void __kmpc_begin(ident_t *loc, int32_t flags)
{
}

MO_EXPORT void __kmpc_end(ident_t *loc)
{
}

MO_EXPORT int32_t __kmpc_ok_to_fork(ident_t *loc)
{
    return 1;
}

MO_EXPORT int32_t __kmpc_in_parallel(ident_t *loc)
{
    return mo_omp_team(mo_self()->team)->active_level > 0;
}
