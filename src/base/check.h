/* Invariants. MO_ASSERT is our bug and is compiled in with MOIRAI_CHECKS only; it never has side effects. */
#ifndef MO_BASE_CHECK_H
#define MO_BASE_CHECK_H

#include "base/log.h"

#ifdef MO_CHECKS
#define MO_ASSERT(cond)                                                                                                \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            mo_fatal("invariant broken: %s (%s:%d)", #cond, __FILE__, __LINE__);                                       \
    } while (0)
#else
#define MO_ASSERT(cond) ((void)sizeof(!(cond)))
#endif

#endif
