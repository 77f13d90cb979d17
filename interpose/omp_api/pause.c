/* omp_pause_resource: soft and hard are the same, as nothing that threads hold outlives them. */
#include "interpose/face.h"

#define HOST 0

MO_EXPORT int omp_pause_resource_all(int kind)
{
    return mo_omp_pause(mo_self()) ? 0 : -1;
}

MO_EXPORT int omp_pause_resource(int kind, int device)
{
    return device == HOST ? omp_pause_resource_all(kind) : -1;
}

MO_EXPORT int omp_pause_resource_(const int32_t *kind, const int32_t *device)
{
    return omp_pause_resource(*kind, *device);
}

MO_EXPORT int omp_pause_resource_all_(const int32_t *kind)
{
    return omp_pause_resource_all(*kind);
}
MO_OMP_NAME(omp_pause_resource)
MO_OMP_NAME(omp_pause_resource_)
MO_OMP_NAME(omp_pause_resource_all)
MO_OMP_NAME(omp_pause_resource_all_)
