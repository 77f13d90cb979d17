/* Shared by the tests of the native interface: cmocka, threads, time, executors. */
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

static inline moirai_executor_attr_t attr_of(unsigned workers)
{
    moirai_executor_attr_t attr;
    moirai_executor_attr_init(&attr);
    assert_int_equal(moirai_executor_attr_set_workers(&attr, workers), MOIRAI_OK);
    return attr;
}

static inline moirai_executor_t *made_of(const moirai_executor_attr_t *attr)
{
    moirai_executor_t *x;
    assert_int_equal(moirai_executor_new(&x, attr), MOIRAI_OK);
    return x;
}

static inline moirai_executor_t *made(unsigned workers)
{
    moirai_executor_attr_t attr = attr_of(workers);
    return made_of(&attr);
}

static inline void end(moirai_executor_t *x)
{
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
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
