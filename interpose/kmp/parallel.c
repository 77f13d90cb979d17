/* Regions: fork, regions of one thread, and the clauses that come before them. */
#include "interpose/kmp/kmp.h"

#include <alloca.h>
#include <stdarg.h>
#include <string.h>

/* An outlined function and its arguments, which lie on the stack of the thread that opens the region. */
struct outlined {
    kmpc_micro fn;
    unsigned count;
    void **words;
};

static void run_outlined(void *data)
{
    const struct outlined *o = data;
    struct mo_member *m = mo_self();
    int32_t gtid = kmp_gtid(m), tid = (int32_t)m->tid;
    mo_plat_invoke((void (*)(void))o->fn, &gtid, &tid, o->count, o->words);
}

/* The region takes the clauses that were pushed for it. */
static struct mo_region next_region(struct mo_member *m)
{
    struct mo_next_region *next = &mo_omp_member(m)->next_region;
    const struct mo_region r = {.num_threads = next->num_threads, .bind = next->bind};
    next->num_threads = 0;
    next->bind = MO_BIND_FALSE;
    return r;
}

static void run_region(const struct outlined *o)
{
    struct mo_region r = next_region(mo_self());
    r.fn = run_outlined;
    r.data = (void *)o;
    mo_region_run(&r);
}

/* A processor's calling convention reads some words whether or not they are there. */
#define WORDS(count)                                                                                                   \
    memset(alloca(((count) + MO_PLAT_INVOKE_WORDS) * sizeof(void *)), 0,                                               \
           ((count) + MO_PLAT_INVOKE_WORDS) * sizeof(void *))

MO_EXPORT void __kmpc_fork_call(ident_t *loc, int32_t argc, kmpc_micro fn, ...)
{
    struct outlined o = {.fn = fn, .count = (unsigned)argc, .words = WORDS((unsigned)argc)};
    va_list list;
    va_start(list, fn);
    for (int32_t i = 0; i < argc; i++)
        o.words[i] = va_arg(list, void *);
    va_end(list);
    run_region(&o);
}

MO_EXPORT void __kmpc_serialized_parallel(ident_t *loc, int32_t gtid)
{
    struct mo_region r = next_region(mo_self());
    r.num_threads = 1;
    mo_region_begin(&r);
}

MO_EXPORT void __kmpc_end_serialized_parallel(ident_t *loc, int32_t gtid)
{
    mo_region_end();
}

/* The function has one argument, the address of a block; `parallel` is what the if clause says. */
MO_EXPORT void __kmpc_fork_call_if(ident_t *loc, int32_t argc, kmpc_micro fn, int32_t parallel, void *args)
{
    void *words[MO_PLAT_INVOKE_WORDS] = {args};
    struct outlined o = {.fn = fn, .count = 1, .words = words};
    if (parallel) {
        run_region(&o);
        return;
    }
    __kmpc_serialized_parallel(loc, 0);
    run_outlined(&o);
    __kmpc_end_serialized_parallel(loc, 0);
}

MO_EXPORT void __kmpc_push_num_threads(ident_t *loc, int32_t gtid, int32_t num_threads)
{
    mo_omp_member(mo_self())->next_region.num_threads = num_threads > 0 ? (unsigned)num_threads : 0;
}

MO_EXPORT void __kmpc_push_proc_bind(ident_t *loc, int32_t gtid, int32_t bind)
{
    mo_omp_member(mo_self())->next_region.bind = (uint8_t)bind;
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
