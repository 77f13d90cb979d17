/* Stacks: whole, apart from each other, guarded, used again, also where one thread takes and another gives. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem/stack.h"

#define BYTES 16384
#define MANY  1000

static struct mo_stacks store;
static struct mo_stack_cache cache;
static struct mo_stack *stacks[MANY];

static void begin(enum mo_stack_guard best)
{
    cache = (struct mo_stack_cache){0};
    mo_stacks_init(&store, BYTES, best);
}

static void take_many(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        stacks[i] = mo_stack_take(&store, &cache);
        assert_non_null(stacks[i]);
    }
}

static void give_many(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        mo_stack_give(&store, &cache, stacks[i]);
}

/* Each is written over and over with a byte of its own; then all must still have theirs. */
static void are_apart(enum mo_stack_guard best)
{
    begin(best);
    take_many(MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(stacks[i]->bytes >= BYTES - 16);
        assert_int_equal(((uintptr_t)stacks[i]->low + stacks[i]->bytes) % 16, 0);
        memset(stacks[i]->low, (int)(i % 251), stacks[i]->bytes);
    }
    for (unsigned i = 0; i < MANY; i++) {
        const unsigned char *byte = stacks[i]->low;
        assert_int_equal(byte[0], i % 251);
        assert_int_equal(byte[stacks[i]->bytes - 1], i % 251);
        assert_true(mo_stack_is_whole(stacks[i]));
    }
    give_many(MANY);
}

static void are_apart_with_the_best_guards(void **state)
{
    are_apart(MO_STACK_GUARD_MARK);
}

static void are_apart_with_protected_pages(void **state)
{
    are_apart(MO_STACK_GUARD_PROTECT);
}

static void are_apart_with_words(void **state)
{
    are_apart(MO_STACK_GUARD_WORD);
}

static void pages_catch_an_overflow(void **state)
{
    for (int best = MO_STACK_GUARD_MARK; best <= MO_STACK_GUARD_PROTECT; best++) {
        begin((enum mo_stack_guard)best);
        struct mo_stack *stack = mo_stack_take(&store, &cache);
        assert_non_null(stack);
        assert_int_not_equal(stack->guard, MO_STACK_GUARD_WORD);
        pid_t child = fork();
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL);
            *((volatile char *)stack->low - 1) = 1;
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
}

static void a_word_tells_of_an_overflow(void **state)
{
    begin(MO_STACK_GUARD_WORD);
    struct mo_stack *stack = mo_stack_take(&store, &cache);
    assert_non_null(stack);
    assert_int_equal(stack->guard, MO_STACK_GUARD_WORD);
    memset((char *)stack->low - 16, 0, 16);
    assert_false(mo_stack_is_whole(stack));
}

/* Beyond the bound on protected pages words do, so that mappings are left for others. */
static void protection_is_bounded(void **state)
{
    begin(MO_STACK_GUARD_PROTECT);
    unsigned words = 0;
    for (int i = 0; i < MO_STACK_PROTECTED_MAX + 1000; i++) {
        struct mo_stack *stack = mo_stack_take(&store, &cache);
        assert_non_null(stack);
        words += stack->guard == MO_STACK_GUARD_WORD;
    }
    assert_in_range(words, 1000 - MO_STACK_CHUNK, MO_STACK_PROTECTED_MAX + 1000);
}

static int find(const struct mo_stack *stack)
{
    for (int i = 0; i < MANY; i++)
        if (stacks[i] == stack)
            return i;
    return -1;
}

static void are_used_again(void **state)
{
    begin(MO_STACK_GUARD_MARK);
    take_many(MANY);
    give_many(MANY);
    assert_true(cache.count <= 2 * MO_STACK_CHUNK + MO_STACK_CHUNK); /* the rest is for others */
    int strange = 0;                                                 /* the rest of the last chunk */
    for (int i = 0; i < MANY; i++)
        strange += find(mo_stack_take(&store, &cache)) < 0;
    assert_in_range(strange, 0, MO_STACK_CHUNK - 1);
}

/* One thread takes, another gives: what was given comes back. */
static void *give_all(void *arg)
{
    struct mo_stack_cache own = {0};
    for (int i = 0; i < MANY; i++)
        mo_stack_give(&store, &own, stacks[i]);
    mo_stack_cache_flush(&store, &own);
    return NULL;
}

static void go_round_between_threads(void **state)
{
    begin(MO_STACK_GUARD_MARK);
    take_many(MANY);
    while (cache.first) /* none are left but those that the other gives */
        mo_stack_take(&store, &cache);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, give_all, NULL), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < MANY; i++)
        assert_true(find(mo_stack_take(&store, &cache)) >= 0);
}

static void no_memory_is_an_answer(void **state)
{
    begin(MO_STACK_GUARD_MARK);
    mo_stacks_init(&store, MO_STACK_BYTES_MAX, MO_STACK_GUARD_MARK);
    unsigned got = 0;
    while (got < 10000 && mo_stack_take(&store, &cache)) /* address space ends at 128 TiB or more, each is one */
        got++;
    assert_in_range(got, 0, 9999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_apart_with_the_best_guards),
        cmocka_unit_test(are_apart_with_protected_pages),
        cmocka_unit_test(are_apart_with_words),
        cmocka_unit_test(pages_catch_an_overflow),
        cmocka_unit_test(a_word_tells_of_an_overflow),
        cmocka_unit_test(protection_is_bounded),
        cmocka_unit_test(are_used_again),
        cmocka_unit_test(go_round_between_threads),
        cmocka_unit_test(no_memory_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
