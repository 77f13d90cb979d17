/* omp_fulfill_event: the handle is the address of the event, and comes by value in Fortran too. */
#include "interpose/face.h"

MO_EXPORT void omp_fulfill_event(void *event)
{
    mo_task_fulfill(event);
}

MO_EXPORT void omp_fulfill_event_(void *event)
{
    mo_task_fulfill(event);
}
MO_OMP_NAME(omp_fulfill_event)
MO_OMP_NAME(omp_fulfill_event_)
