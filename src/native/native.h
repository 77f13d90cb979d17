/* What the files of the native interface share. They translate arguments and answers, and decide nothing. */
#ifndef MO_NATIVE_NATIVE_H
#define MO_NATIVE_NATIVE_H

#define MO_API __attribute__((visibility("default")))

#include "base/atomic.h"

/* The status for an errno value of the core. */
int mo_native_status_of_error(int err);

static inline int mo_native_status(int err)
{
    return mo_likely(err == 0) ? 0 : mo_native_status_of_error(err);
}

#endif
