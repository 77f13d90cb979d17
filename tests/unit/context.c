/* Contexts: who runs when, what a switch preserves, contexts that change threads, where unwinding ends. */
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

#include <cmocka.h>

#include "plat/context.h"

#define STACK_BYTES (64 * 1024)

static struct mo_context home, other;
static char log_of_steps[16];
static unsigned steps;

static void note(char what)
{
    if (steps < sizeof log_of_steps - 1)
        log_of_steps[steps++] = what;
}

/* Begin `entry` on a stack of its own, and go on here when it switches home. The stack is for end(). */
static void *start(void (*entry)(void *), void *arg)
{
    char *stack = malloc(STACK_BYTES);
    assert_non_null(stack);
    memset(log_of_steps, 0, sizeof log_of_steps);
    steps = 0;
    mo_context_adopt(&home);
    mo_context_init(&other, stack, STACK_BYTES, entry, arg);
    mo_context_switch(&home, &other);
    return stack;
}

static void end(void *stack)
{
    mo_context_destroy(&other);
    free(stack);
}

static void speak(void *arg)
{
    for (const char *c = arg; *c; c++) {
        note(*c);
        if (c[1])
            mo_context_switch(&other, &home);
    }
    mo_context_leave(&other, &home);
}

static void runs_in_turns(void **state)
{
    void *stack = start(speak, "abc");
    note('1');
    mo_context_switch(&home, &other);
    note('2');
    mo_context_switch(&home, &other);
    end(stack);
    assert_string_equal(log_of_steps, "a1b2c");
}

static void one_that_never_began_may_go(void **state)
{
    char *stack = malloc(STACK_BYTES);
    mo_context_init(&other, stack, STACK_BYTES, speak, "a");
    end(stack);
}

/* Each side has its own rounding; a new context begins with its creator's. */
static void round_up(void *arg)
{
    bool *good = arg;
    good[0] = fegetround() == FE_TOWARDZERO;
    fesetround(FE_UPWARD);
    mo_context_switch(&other, &home);
    good[1] = fegetround() == FE_UPWARD;
    mo_context_leave(&other, &home);
}

static void control_words_belong_to_the_context(void **state)
{
    bool good[2] = {false, false};
    fesetround(FE_TOWARDZERO);
    void *stack = start(round_up, good);
    assert_int_equal(fegetround(), FE_TOWARDZERO);
    fesetround(FE_DOWNWARD);
    mo_context_switch(&home, &other);
    assert_int_equal(fegetround(), FE_DOWNWARD);
    fesetround(FE_TONEAREST);
    end(stack);
    assert_true(good[0] && good[1]);
}

/* More values than there are registers live across a switch on both sides. */
static double mix(unsigned seed, struct mo_context *from, struct mo_context *to)
{
    uint64_t a[12];
    double d[12], sum = 0;
    for (int i = 0; i < 12; i++) {
        a[i] = seed * 2654435761u + (unsigned)i;
        d[i] = seed + i * 0.5;
    }
    mo_context_switch(from, to);
    for (int i = 0; i < 12; i++)
        sum += (double)(a[i] % 1000) * d[i];
    return sum;
}

static double expected(unsigned seed)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)((uint64_t)(seed * 2654435761u + (unsigned)i) % 1000) * (seed + i * 0.5);
    return sum;
}

static void mix_there(void *arg)
{
    *(double *)arg = mix(7, &other, &home);
    mo_context_leave(&other, &home);
}

static void registers_survive(void **state)
{
    double there = 0;
    void *stack = start(mix_there, &there);
    double here = mix(3, &home, &other);
    end(stack);
    assert_true(here == expected(3));
    assert_true(there == expected(7));
}

/* The same context on one thread after the other. */
#define THREADS 8

static void *carry_on(void *arg)
{
    mo_context_adopt(&home);
    mo_context_switch(&home, &other);
    return NULL;
}

static void changes_threads(void **state)
{
    void *stack = start(speak, "abcdefghi");
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, carry_on, NULL), 0);
        pthread_join(thread, NULL);
    }
    end(stack);
    assert_string_equal(log_of_steps, "abcdefghi");
}

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *arg)
{
    ++*(int *)arg;
    return *(int *)arg < 100 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void unwind(void *arg)
{
    _Unwind_Backtrace(count_frame, arg);
    mo_context_leave(&other, &home);
}

static void unwinding_ends_at_the_beginning(void **state)
{
    int frames = 0;
    end(start(unwind, &frames));
    assert_in_range(frames, 1, 20);
}

/* Contexts of all of one stack's depth, each with data on it. */
static unsigned depth_reached(unsigned depth)
{
    volatile char space[256];
    space[depth % 256] = 1;
    return depth ? depth_reached(depth - 1) + space[depth % 256] : 0;
}

static void descend(void *arg)
{
    *(unsigned *)arg = depth_reached(50);
    mo_context_leave(&other, &home);
}

static void the_stack_is_its_own(void **state)
{
    unsigned depth = 0;
    end(start(descend, &depth));
    assert_int_equal(depth, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_in_turns),
        cmocka_unit_test(one_that_never_began_may_go),
        cmocka_unit_test(control_words_belong_to_the_context),
        cmocka_unit_test(registers_survive),
        cmocka_unit_test(changes_threads),
        cmocka_unit_test(unwinding_ends_at_the_beginning),
        cmocka_unit_test(the_stack_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
