/* What storms share: an expectation that holds on any thread, numbers that differ, how much less to do under a
   sanitizer. */
#ifndef MO_TESTS_NATIVE_STORM_H
#define MO_TESTS_NATIVE_STORM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What a sanitizer makes slow is done fewer times. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOWER(times) (times)
#else
#define SLOWER(times) 1
#endif

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);                                   \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static inline uint32_t next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

#endif
