/* Entry points that cannot do their job yet. Each exists, so that a program which imports it starts, and says its name
   when it is called. docs/limits.md lists them. */
#include "interpose/face.h"

#define ABSENT_PLAIN(name)                                                                                             \
    MO_EXPORT _Noreturn void name(void);                                                                               \
    MO_EXPORT _Noreturn void name(void)                                                                                \
    {                                                                                                                  \
        mo_fatal("%s is not there yet (docs/limits.md)", #name);                                                       \
    }

#define ABSENT_OMP(name) ABSENT_PLAIN(name) MO_OMP_NAME(name)

/* clang-format off */
ABSENT_PLAIN(GOMP_barrier_cancel)
ABSENT_PLAIN(GOMP_cancel)
ABSENT_PLAIN(GOMP_cancellation_point)
ABSENT_PLAIN(GOMP_loop_end_cancel)
ABSENT_PLAIN(GOMP_sections_end_cancel)
ABSENT_PLAIN(GOMP_doacross_post)
ABSENT_PLAIN(GOMP_doacross_ull_post)
ABSENT_PLAIN(GOMP_doacross_ull_wait)
ABSENT_PLAIN(GOMP_doacross_wait)
ABSENT_PLAIN(GOMP_loop_doacross_dynamic_start)
ABSENT_PLAIN(GOMP_loop_doacross_guided_start)
ABSENT_PLAIN(GOMP_loop_doacross_runtime_start)
ABSENT_PLAIN(GOMP_loop_doacross_static_start)
ABSENT_PLAIN(GOMP_loop_ull_doacross_dynamic_start)
ABSENT_PLAIN(GOMP_loop_ull_doacross_guided_start)
ABSENT_PLAIN(GOMP_loop_ull_doacross_runtime_start)
ABSENT_PLAIN(GOMP_loop_ull_doacross_static_start)
ABSENT_PLAIN(GOMP_taskloop)
ABSENT_PLAIN(GOMP_taskloop_ull)
ABSENT_PLAIN(GOMP_scope_start)
ABSENT_PLAIN(GOMP_loop_doacross_start)
ABSENT_PLAIN(GOMP_loop_ordered_start)
ABSENT_PLAIN(GOMP_loop_start)
ABSENT_PLAIN(GOMP_loop_ull_doacross_start)
ABSENT_PLAIN(GOMP_loop_ull_ordered_start)
ABSENT_PLAIN(GOMP_loop_ull_start)
ABSENT_PLAIN(GOMP_parallel_reductions)
ABSENT_PLAIN(GOMP_sections2_start)
ABSENT_PLAIN(GOMP_task_reduction_remap)
ABSENT_PLAIN(GOMP_taskgroup_reduction_register)
ABSENT_PLAIN(GOMP_taskgroup_reduction_unregister)
ABSENT_PLAIN(GOMP_workshare_task_reduction_unregister)
ABSENT_OMP(omp_fulfill_event)
ABSENT_OMP(omp_fulfill_event_)
ABSENT_OMP(omp_capture_affinity)
ABSENT_OMP(omp_capture_affinity_)
ABSENT_OMP(omp_display_affinity)
ABSENT_OMP(omp_display_affinity_)
ABSENT_OMP(omp_get_affinity_format)
ABSENT_OMP(omp_get_affinity_format_)
ABSENT_OMP(omp_pause_resource)
ABSENT_OMP(omp_pause_resource_)
ABSENT_OMP(omp_pause_resource_all)
ABSENT_OMP(omp_pause_resource_all_)
ABSENT_OMP(omp_set_affinity_format)
ABSENT_OMP(omp_set_affinity_format_)
ABSENT_OMP(omp_display_env)
ABSENT_OMP(omp_display_env_8_)
ABSENT_OMP(omp_display_env_)
