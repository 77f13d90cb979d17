/* Shared by the tests of the native interface: cmocka, threads, time, and both kinds of mutex. */
#ifndef MO_TESTS_NATIVE_NATIVE_H
#define MO_TESTS_NATIVE_NATIVE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <moirai/moirai.h>

#define MS 1000000ull

static inline uint64_t in_ms(uint64_t ms)
{
    return moirai_now_ns() + ms * MS;
}

static inline pthread_t start(void *(*body)(void *arg), void *arg)
{
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, body, arg), 0);
    return t;
}

#define GET(p)    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define SET(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define ADD(p, v) __atomic_add_fetch((p), (v), __ATOMIC_ACQ_REL)

/* Until the condition holds; a test that waits for ever ends by its time limit. */
#define AWAIT(condition)                                                                                               \
    do {                                                                                                               \
        while (!(condition))                                                                                           \
            usleep(200);                                                                                               \
    } while (0)

#endif
