/* What the files of obs share: OpenMP's header and the state of the process. */
#ifndef MO_OBS_INTERNAL_H
#define MO_OBS_INTERNAL_H

#include "obs/obs.h"

#include <omp-tools.h>
#include <pthread.h>

#define MO_OBS_EVENTS     (ompt_callback_error + 1)
#define MO_OBS_MUTEX_IMPL 1 /* how locks work here, as the tool is told: on a futex */

/* Of ThreadSanitizer. */
typedef void mo_obs_annotation(const char *file, int line, const volatile void *address);

struct mo_obs {
    pthread_once_t once;
    _Atomic bool attached;  /* from before the tool initialises; stays when the tool is finalised */
    _Atomic bool finalized; /* by whoever changes it: it tells the tool */
    ompt_start_tool_result_t *tool;
    mo_obs_annotation *happens_before, *happens_after; /* NULL without ThreadSanitizer */
    _Atomic uint64_t last_id;
    _Atomic uint32_t pool_threads; /* that have begun and not ended */
    _Atomic(ompt_callback_t)
        callback[MO_OBS_EVENTS]; /* relaxed: the tool registers before it returns from initialise */
};

extern struct mo_obs MO_SHARED(obs) MO_SHARED_ATTR;

/* lookup.c: the entry points that a tool asks for by name. */
ompt_interface_fn_t mo_obs_lookup(const char *name);
/* tool.c */
void mo_obs_finalize(void);

#endif
