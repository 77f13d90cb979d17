/* What every program here uses to state its expectations: a failed check prints a line, and main() ends with
   check_result(), whose value is the exit status. Checks may run on any thread. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sanitizers cost a factor of ten or more, so loops that only add repetitions are divided by this. */
#ifndef TEST_SLOWDOWN
#define TEST_SLOWDOWN 1
#endif
#define SCALED(n) ((n) / TEST_SLOWDOWN)

static int check_failures;

/* A broken construct fails in every iteration; twenty lines are enough to see what it is. */
static inline int check_first_lines(void)
{
    return __atomic_fetch_add(&check_failures, 1, __ATOMIC_RELAXED) < 20;
}

static inline void check_true(int ok, const char *text, const char *file, int line)
{
    if (!ok && check_first_lines())
        fprintf(stderr, "%s:%d: not true: %s\n", file, line, text);
}

static inline void check_equal(long long a, long long b, const char *text, const char *file, int line)
{
    if (a != b && check_first_lines())
        fprintf(stderr, "%s:%d: %s: %lld, expected %lld\n", file, line, text, a, b);
}

#define CHECK(condition)       check_true(!!(condition), #condition, __FILE__, __LINE__)
#define CHECK_EQ(is, expected) check_equal((long long)(is), (long long)(expected), #is, __FILE__, __LINE__)

static inline int check_result(void)
{
    return __atomic_load_n(&check_failures, __ATOMIC_RELAXED) ? 1 : 0;
}

/* Some rules are stronger than what the reference runtime keeps, or are kept by it only at a smaller scale. */
static inline int check_is_reference(void)
{
    const char *mode = getenv("TEST_MODE");
    return mode && !strcmp(mode, "reference");
}

#endif
