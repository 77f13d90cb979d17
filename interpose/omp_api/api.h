/* How the omp_* names come in C and Fortran. Fortran passes addresses; a name with _8_ takes 8-byte integers, a name
   with _ those of 4 bytes. */
#ifndef MO_INTERPOSE_API_H
#define MO_INTERPOSE_API_H

#include "interpose/face.h"

static inline int saturate(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int)value;
}

/* int name(void), and the same for Fortran. */
#define GETTER(name, value)                                                                                            \
    MO_EXPORT int name(void)                                                                                           \
    {                                                                                                                  \
        return value;                                                                                                  \
    }                                                                                                                  \
    MO_EXPORT int name##_(void)                                                                                        \
    {                                                                                                                  \
        return name();                                                                                                 \
    }                                                                                                                  \
    MO_OMP_NAME(name) MO_OMP_NAME(name##_)

#define FORTRAN_SETTER(name)                                                                                           \
    MO_EXPORT void name##_(const int32_t *value)                                                                       \
    {                                                                                                                  \
        name(*value);                                                                                                  \
    }                                                                                                                  \
    MO_EXPORT void name##_8_(const int64_t *value)                                                                     \
    {                                                                                                                  \
        name(saturate(*value));                                                                                        \
    }                                                                                                                  \
    MO_OMP_NAME(name) MO_OMP_NAME(name##_) MO_OMP_NAME(name##_8_)

#define FORTRAN_INDEX_GETTER(name)                                                                                     \
    MO_EXPORT int name##_(const int32_t *index)                                                                        \
    {                                                                                                                  \
        return name(*index);                                                                                           \
    }                                                                                                                  \
    MO_EXPORT int name##_8_(const int64_t *index)                                                                      \
    {                                                                                                                  \
        return name(saturate(*index));                                                                                 \
    }                                                                                                                  \
    MO_OMP_NAME(name) MO_OMP_NAME(name##_) MO_OMP_NAME(name##_8_)

#endif
