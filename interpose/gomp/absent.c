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
ABSENT_OMP(omp_pause_resource)
ABSENT_OMP(omp_pause_resource_)
ABSENT_OMP(omp_pause_resource_all)
ABSENT_OMP(omp_pause_resource_all_)
