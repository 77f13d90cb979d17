/* The names that clang and Intel's compilers emit calls to. Types are those of LLVM's runtime.

   Most calls pass where they stand in the program and a number of the calling thread ("gtid"). The number is that of
   the worker, so it is unique among living threads and small; who is asked is always the calling thread, so nothing
   here looks a thread up by it. */
#ifndef MO_INTERPOSE_KMP_H
#define MO_INTERPOSE_KMP_H

#include "interpose/face.h"

/* Where a construct stands: ";file;function;line;column;;". */
typedef struct kmp_ident {
    int32_t reserved_1;
    int32_t flags;
    int32_t reserved_2;
    int32_t length;
    const char *source;
} ident_t;

typedef void (*kmpc_micro)(int32_t *gtid, int32_t *tid, ...);

/* What the compiler says about a place, of interest to tools. */
enum {
    KMP_PLACE_BARRIER_EXPLICIT = 0x20,
    KMP_PLACE_BARRIER_IMPLICIT = 0x40,
    KMP_PLACE_SECTIONS = 0x400,
    KMP_PLACE_DISTRIBUTE = 0x800
};

static inline enum mo_obs_sync kmp_barrier_kind(const ident_t *loc)
{
    if (!loc || loc->flags & KMP_PLACE_BARRIER_EXPLICIT)
        return MO_OBS_BARRIER_EXPLICIT;
    return loc->flags & KMP_PLACE_BARRIER_IMPLICIT ? MO_OBS_BARRIER_WORKSHARE : MO_OBS_BARRIER_INTERNAL;
}

static inline enum mo_obs_work kmp_work_kind(const ident_t *loc)
{
    if (loc && loc->flags & KMP_PLACE_SECTIONS)
        return MO_OBS_SECTIONS;
    return loc && loc->flags & KMP_PLACE_DISTRIBUTE ? MO_OBS_DISTRIBUTE : MO_OBS_LOOP;
}

/* 32 zeroed bytes of the program; the first four are the lock. */
typedef int32_t kmp_critical_name[8];

static inline int32_t kmp_gtid(const struct mo_member *m)
{
    return m->worker->index;
}

static inline _Atomic uint32_t *kmp_critical_lock(kmp_critical_name *name)
{
    return (_Atomic uint32_t *)name;
}

#endif
