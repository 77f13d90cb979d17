/* omp_get_*, omp_set_*, omp_in_*: C and Fortran. */
#include "interpose/omp_api/api.h"
#include "plat/plat.h"
#include "topo/topo.h"

#include <time.h>

/* ---- Who and where. These two are hot, and a thread that Moirai has not met is alone. */
static inline int thread_num(void)
{
    const struct mo_member *m = mo_self_peek();
    return mo_likely(m != NULL) ? (int)m->tid : 0;
}

static inline int num_threads(void)
{
    const struct mo_member *m = mo_self_peek();
    return mo_likely(m != NULL) ? (int)m->size : 1;
}

static const struct mo_omp_team *team(void)
{
    return mo_omp_team(mo_self()->team);
}

GETTER(omp_get_thread_num, thread_num())
GETTER(omp_get_num_threads, num_threads())
GETTER(omp_get_level, (int)team()->level)
GETTER(omp_get_active_level, (int)team()->active_level)
GETTER(omp_in_parallel, team()->active_level > 0)
GETTER(omp_in_final, mo_omp_in_final(mo_self()))
GETTER(omp_in_explicit_task, mo_omp_in_explicit_task(mo_self()))
GETTER(omp_get_num_teams, (int)mo_teams_count_told(mo_self()))
GETTER(omp_get_team_num, (int)mo_teams_number_told(mo_self()))

/* The calling thread's ancestor at `level`, NULL when there is no such level. */
static struct mo_member *at_level(int level)
{
    struct mo_member *m = mo_self();
    unsigned now = mo_omp_team(m->team)->level;
    return level < 0 || (unsigned)level > now ? NULL : mo_region_ancestor(m, now - (unsigned)level);
}

MO_EXPORT int omp_get_ancestor_thread_num(int level)
{
    const struct mo_member *m = at_level(level);
    return m ? (int)m->tid : -1;
}
FORTRAN_INDEX_GETTER(omp_get_ancestor_thread_num)

MO_EXPORT int omp_get_team_size(int level)
{
    const struct mo_member *m = at_level(level);
    return m ? (int)m->size : -1;
}
FORTRAN_INDEX_GETTER(omp_get_team_size)

/* ---- ICVs. */
static const struct mo_icvs *icvs(void)
{
    return mo_icvs_of(mo_self());
}

static int clamp_int(uint32_t value)
{
    return value > INT32_MAX ? INT32_MAX : (int)value;
}

/* The mask of a bound thread is its place. */
static unsigned procs_now(void)
{
    unsigned bound = mo_affinity_cpus(), mask = bound > 0 ? bound : mo_topo_affinity_cpus(), planned;
    mo_self();
    planned = mo_park_cpus();
    return mask < planned ? mask : planned;
}

GETTER(omp_get_max_threads, clamp_int(icvs()->num_threads))
GETTER(omp_get_num_procs, (int)procs_now())
GETTER(omp_get_dynamic, icvs()->dynamic &MO_DYNAMIC_ICV)
GETTER(omp_get_nested, icvs()->max_active_levels > 1 && icvs()->max_active_levels > team()->active_level)
GETTER(omp_get_max_active_levels, icvs()->max_active_levels)
GETTER(omp_get_supported_active_levels, MO_OMP_LEVELS_MAX)
GETTER(omp_get_thread_limit, clamp_int(icvs()->thread_limit))
GETTER(omp_get_max_task_priority, (int)mo_knob(MO_KNOB_OMP_MAX_TASK_PRIORITY))
GETTER(omp_get_cancellation, (int)mo_knob(MO_KNOB_OMP_CANCELLATION))

MO_EXPORT void omp_set_num_threads(int n)
{
    struct mo_icvs v = *icvs();
    v.num_threads = n > 0 ? (uint32_t)n : 1;
    mo_icvs_set(mo_self(), &v);
}
FORTRAN_SETTER(omp_set_num_threads)

MO_EXPORT void omp_set_dynamic(int on)
{
    struct mo_icvs v = *icvs();
    v.dynamic = (uint8_t)((v.dynamic & MO_DYNAMIC_BUDGET) | (on ? MO_DYNAMIC_ICV : 0));
    mo_icvs_set(mo_self(), &v);
}
FORTRAN_SETTER(omp_set_dynamic)

MO_EXPORT void omp_set_max_active_levels(int levels)
{
    struct mo_icvs v = *icvs();
    if (levels < 0)
        return;
    v.max_active_levels = levels < MO_OMP_LEVELS_MAX ? (uint8_t)levels : MO_OMP_LEVELS_MAX;
    mo_icvs_set(mo_self(), &v);
}
FORTRAN_SETTER(omp_set_max_active_levels)

MO_EXPORT void omp_set_nested(int on)
{
    struct mo_icvs v = *icvs();
    if (on)
        v.max_active_levels = MO_OMP_LEVELS_MAX;
    else if (v.max_active_levels > 1)
        v.max_active_levels = 1;
    mo_icvs_set(mo_self(), &v);
}
FORTRAN_SETTER(omp_set_nested)

/* The host is the only device, but the number is the program's to set. */
GETTER(omp_get_default_device, icvs()->default_device)
MO_EXPORT void omp_set_default_device(int device)
{
    struct mo_icvs v = *icvs();
    v.default_device = device > 0 ? device : 0;
    mo_icvs_set(mo_self(), &v);
}
FORTRAN_SETTER(omp_set_default_device)

GETTER(omp_get_max_teams, mo_teams_max())
MO_EXPORT void omp_set_num_teams(int teams)
{
    mo_teams_set_max(teams);
}
FORTRAN_SETTER(omp_set_num_teams)

GETTER(omp_get_teams_thread_limit, mo_teams_thread_limit())
MO_EXPORT void omp_set_teams_thread_limit(int limit)
{
    mo_teams_set_thread_limit(limit);
}
FORTRAN_SETTER(omp_set_teams_thread_limit)

/* The top bit of a schedule kind says monotonic. */
#define KIND_MONOTONIC 0x80000000u

MO_EXPORT void omp_set_schedule(unsigned kind, int chunk)
{
    struct mo_icvs v = *icvs();
    unsigned plain = kind & ~KIND_MONOTONIC;
    if (plain < MO_SCHED_STATIC || plain > MO_SCHED_AUTO)
        return;
    v.sched = (uint8_t)plain;
    v.monotonic = kind & KIND_MONOTONIC;
    v.chunk = chunk > 0 ? (uint32_t)chunk : plain == MO_SCHED_DYNAMIC || plain == MO_SCHED_GUIDED;
    mo_icvs_set(mo_self(), &v);
}

MO_EXPORT void omp_get_schedule(unsigned *kind, int *chunk)
{
    const struct mo_icvs *v = icvs();
    *kind = v->sched | (v->monotonic ? KIND_MONOTONIC : 0);
    *chunk = (int)v->chunk;
}

MO_EXPORT void omp_set_schedule_(const int32_t *kind, const int32_t *chunk)
{
    omp_set_schedule((unsigned)*kind, *chunk);
}

MO_EXPORT void omp_set_schedule_8_(const int32_t *kind, const int64_t *chunk)
{
    omp_set_schedule((unsigned)*kind, saturate(*chunk));
}

MO_EXPORT void omp_get_schedule_(int32_t *kind, int32_t *chunk)
{
    omp_get_schedule((unsigned *)kind, chunk);
}

MO_EXPORT void omp_get_schedule_8_(int32_t *kind, int64_t *chunk)
{
    int size;
    omp_get_schedule((unsigned *)kind, &size);
    *chunk = size;
}
MO_OMP_NAME(omp_set_schedule)
MO_OMP_NAME(omp_set_schedule_)
MO_OMP_NAME(omp_set_schedule_8_)
MO_OMP_NAME(omp_get_schedule)
MO_OMP_NAME(omp_get_schedule_)
MO_OMP_NAME(omp_get_schedule_8_)

/* ---- What is fixed here: the host is the one device. */
GETTER(omp_get_num_devices, 0)
GETTER(omp_get_initial_device, 0)
GETTER(omp_get_device_num, 0)
GETTER(omp_is_initial_device, 1)

/* ---- Time. */
static double seconds(int (*ask)(clockid_t, struct timespec *))
{
    struct timespec ts = {0, 0};
    ask(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

MO_EXPORT double omp_get_wtime(void)
{
    return seconds(clock_gettime);
}

MO_EXPORT double omp_get_wtick(void)
{
    return seconds(clock_getres);
}

MO_EXPORT double omp_get_wtime_(void)
{
    return omp_get_wtime();
}

MO_EXPORT double omp_get_wtick_(void)
{
    return omp_get_wtick();
}
MO_OMP_NAME(omp_get_wtime)
MO_OMP_NAME(omp_get_wtick)
MO_OMP_NAME(omp_get_wtime_)
MO_OMP_NAME(omp_get_wtick_)

/* ---- What LLVM's headers call these. */
MO_COMPILER_NAME(ompc_set_num_threads, omp_set_num_threads)
MO_COMPILER_NAME(ompc_set_dynamic, omp_set_dynamic)
MO_COMPILER_NAME(ompc_set_nested, omp_set_nested)
MO_COMPILER_NAME(ompc_set_max_active_levels, omp_set_max_active_levels)
MO_COMPILER_NAME(ompc_set_schedule, omp_set_schedule)
MO_COMPILER_NAME(ompc_get_ancestor_thread_num, omp_get_ancestor_thread_num)
MO_COMPILER_NAME(ompc_get_team_size, omp_get_team_size)
